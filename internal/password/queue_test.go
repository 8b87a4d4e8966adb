package password

import (
	"runtime"
	"strings"
	"testing"
)

// waits adds a job of each client, in their order; "+amina" is ahead. It
// returns those that found no room.
func waits(q *queue, clients ...string) (refused []string) {
	for _, client := range clients {
		name, ahead := strings.CutPrefix(client, "+")
		j := &job{client: name, ahead: ahead, done: make(chan struct{})}
		if !q.add(j) {
			refused = append(refused, client)
		}
	}
	return refused
}

// order takes everything that waits.
func order(q *queue) string {
	var all []string
	for q.len() > 0 {
		all = append(all, q.next().client)
	}
	return strings.Join(all, " ")
}

func TestEveryFourthJobIsAStrangers(t *testing.T) {
	t.Parallel()
	q := newQueue(8)
	for range 8 {
		waits(q, "+known", "stranger")
	}
	want := strings.Repeat("known known known stranger ", 2) + "known known" + strings.Repeat(" stranger", 6)
	if got := order(q); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestClientsTakeTurns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		clients []string
		want    string
	}{
		"one":                 {[]string{"a", "a", "a"}, "a a a"},
		"who came last":       {[]string{"a", "a", "a", "a", "b"}, "a b a a a"},
		"three":               {[]string{"a", "a", "a", "b", "b", "c"}, "a b c a b a"},
		"those ahead as well": {[]string{"+a", "+a", "+a", "+b"}, "a b a a"},
	} {
		q := newQueue(8)
		waits(q, test.clients...)
		if got := order(q); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// TestWhoHasMostMakesRoom: one client may have the whole queue, until another
// comes.
func TestWhoHasMostMakesRoom(t *testing.T) {
	t.Parallel()
	q := newQueue(4)
	flood := make([]*job, 4)
	for i := range flood {
		flood[i] = &job{client: "flood", done: make(chan struct{})}
		if !q.add(flood[i]) {
			t.Fatalf("job %d found no room", i)
		}
	}
	if refused := waits(q, "flood", "+known", "amina"); strings.Join(refused, " ") != "flood" {
		t.Errorf("refused %v, want the one more of the flood", refused)
	}
	select {
	case <-flood[3].done:
		if flood[3].err != ErrBusy { //nolint:errorlint // as it is
			t.Errorf("got %v, want ErrBusy", flood[3].err)
		}
	default:
		t.Error("the last of the flood still waits")
	}
	// Now each has as much as fits: flood 3, amina 1; then 2 and 2.
	if refused := waits(q, "amina", "amina", "badr", "chadia"); strings.Join(refused, " ") != "amina" {
		t.Errorf("refused %v, want the third of amina", refused)
	}
	if got, want := order(q), "known flood amina badr chadia"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestClosedQueueRefusesAll(t *testing.T) {
	t.Parallel()
	q := newQueue(4)
	j := &job{client: "a", done: make(chan struct{})}
	q.add(j)
	q.close()
	<-j.done
	if j.err != ErrBusy || q.next() != nil || q.add(&job{client: "a"}) { //nolint:errorlint // as it is
		t.Errorf("err %v, or the queue goes on", j.err)
	}
}

// TestHashesAtOnceAreAsManyAsTheProcessMayRun: a container that may use two
// processors of 64 must not start 64 hashes of 19 MiB. It changes what the
// process may use, so it is not parallel.
func TestHashesAtOnceAreAsManyAsTheProcessMayRun(t *testing.T) {
	before := runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	h := NewHasher(Options{})
	t.Cleanup(h.Close)
	if want := runtime.GOMAXPROCS(0); h.slots != want {
		t.Errorf("%d hashes at once, want %d", h.slots, want)
	}
}
