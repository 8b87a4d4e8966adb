package password_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"golang.org/x/text/unicode/norm"

	"github.com/yoozak/clients/internal/password"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

func newHasher(t testing.TB, o password.Options) *password.Hasher {
	t.Helper()
	if o.Params == (password.Params{}) {
		o.Params = cheap
	}
	h := password.NewHasher(o)
	t.Cleanup(h.Close)
	return h
}

// TestPolicyIsDjangos compares with what Django's validators say
// (testdata/record.py). It takes some that NFKC makes into one that it would
// refuse: see TestPolicyJudgesWhatIsHashed.
func TestPolicyIsDjangos(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Password string
		Person   map[string]string
		Codes    []string
	}
	if err := json.Unmarshal(data, &rows); err != nil || len(rows) < 500 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		var about []password.Attribute
		for _, name := range []string{"username", "first_name", "last_name", "email"} {
			about = append(about, password.Attribute{Name: name, Value: row.Person[name]})
		}
		got := []string{}
		for _, p := range password.Check(row.Password, about) {
			if p.Code == "password_too_similar" {
				p.Code += ":" + p.Attribute
			}
			got = append(got, p.Code)
		}
		if !slices.Equal(got, row.Codes) && (len(row.Codes) > 0 || norm.NFKC.String(row.Password) == row.Password) {
			t.Errorf("%q for %s: got %v, Django says %v", row.Password, row.Person["username"], got, row.Codes)
		}
	}
}

func TestHashVerifies(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	for _, plain := range []string{"kV7#pazouk-42lemon", "مرحبا", "😀", "", strings.Repeat("x", 1024)} {
		phc, err := h.Hash(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := h.Verify(t.Context(), phc, plain); err != nil || !r.Match || r.Outdated {
			t.Errorf("%q: %+v, %v", plain, r, err)
		}
		if r, err := h.Verify(t.Context(), phc, plain+" "); err != nil || r.Match {
			t.Errorf("%q with a space: %+v, %v", plain, r, err)
		}
		if again, _ := h.Hash(t.Context(), plain); again == phc {
			t.Errorf("%q: two hashes have one salt", plain)
		}
	}
}

// TestHashesOfTheReferenceImplementation were made by argon2-cffi 21.1, which
// is the Argon2 authors' C code.
func TestHashesOfTheReferenceImplementation(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{Params: password.Default})
	for phc, test := range map[string]struct {
		plain    string
		outdated bool
	}{
		"$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$o8f0NE2wuqXJBsT+HnlTCOXd2p2CXctwBqLP6AtVV2k": {"kV7#pazouk-42lemon", false},
		"$argon2id$v=19$m=64,t=1,p=2$MDEyMzQ1Njc4OWFiY2RlZg$P0Jn17wwnjy6p6bFYb2HR2pcgI9/8+fkZzkLqUg5cVc":    {"مرحبا", true},
		"$argon2id$v=19$m=256,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$qi4p1Px4pcF2/1IYxFqylUNpP7AMp6GF1ZG9qTW4a5M":   {"", true},
	} {
		if r, err := h.Verify(t.Context(), phc, test.plain); err != nil || !r.Match || r.Outdated != test.outdated {
			t.Errorf("%s: %+v, %v", phc, r, err)
		}
		if r, err := h.Verify(t.Context(), phc, test.plain+"x"); err != nil || r.Match {
			t.Errorf("%s matches another password", phc)
		}
	}
}

func TestUnusableHashesMatchNothing(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	const salt, tag = "MDEyMzQ1Njc4OWFiY2RlZg", "o8f0NE2wuqXJBsT+HnlTCOXd2p2CXctwBqLP6AtVV2k"
	for _, phc := range []string{
		"", "!", "!unusable", "plain", "$", "$$$$$", "pbkdf2_sha256$1$x$y", "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + tag,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + tag, "$argon2id$m=64,t=1,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + tag, "$argon2id$v=19$m=1048577,t=1,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=64,t=65,p=1$" + salt + "$" + tag, "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + tag, "$argon2id$v=19$m=8,t=1,p=2$" + salt + "$" + tag,
		"$argon2id$v=19$m=064,t=1,p=1$" + salt + "$" + tag, "$argon2id$v=19$m=-64,t=1,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + tag, "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=64,t=1,p=1$$" + tag, "$argon2id$v=19$m=64,t=1,p=1$" + salt + "=$" + tag,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + tag + "$", "$argon2id$v=19$m=64,t=1,p=1$****$" + tag,
	} {
		if r, err := h.Verify(t.Context(), phc, "anything"); err != nil || r.Match {
			t.Errorf("%q: %+v, %v", phc, r, err)
		}
	}
}

func TestNoMoreHashesAtOnceThanSlots(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{Params: password.Params{Memory: 4096, Time: 1, Threads: 1}, Slots: 2, Queue: 100, Wait: time.Minute})
	most := 0
	for most == 0 { // a round that was over before we looked shows nothing
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				if _, err := h.Hash(t.Context(), "x"); err != nil {
					t.Error(err)
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			default:
				most = max(most, h.Running())
			}
		}
	}
	if most > 2 {
		t.Errorf("%d hashes at once, want at most 2", most)
	}
}

// occupied is a hasher whose only slot has a hash under way that ends when
// the test says so, or with the test.
func occupied(t *testing.T, o password.Options) (h *password.Hasher, free func()) {
	t.Helper()
	taken, end := make(chan struct{}), make(chan struct{})
	var first sync.Once
	o.Slots = 1
	o.Busy = func(bool) { // called by who makes the hash, before
		first.Do(func() {
			close(taken)
			<-end
		})
	}
	h = newHasher(t, o)
	free = sync.OnceFunc(func() { close(end) })
	t.Cleanup(free)
	go func() { _, _ = h.Hash(context.Background(), "x") }()
	<-taken
	return h, free
}

func TestWaitingTooLongIsBusy(t *testing.T) {
	t.Parallel()
	h, _ := occupied(t, password.Options{Wait: time.Millisecond})
	if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}

func TestFullQueueIsBusyAtOnce(t *testing.T) {
	t.Parallel()
	h, _ := occupied(t, password.Options{Queue: 1, Wait: time.Minute})
	var (
		wg      sync.WaitGroup
		refused atomic.Int64
	)
	ctx, cancel := context.WithCancel(t.Context())
	for range 20 {
		wg.Go(func() {
			if err := h.VerifyNobody(ctx, "x"); errors.Is(err, password.ErrBusy) {
				refused.Add(1)
			}
		})
	}
	for refused.Load() < 19 { // the other one is in the queue
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
}

func TestCallerWhoLeftCostsNothing(t *testing.T) {
	t.Parallel()
	h, _ := occupied(t, password.Options{Wait: time.Minute})
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 50 {
		if _, err := h.Hash(gone, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want Canceled", err)
		}
	}
	if n := h.Waiting(); n != 0 { // their hashes are not made later either
		t.Errorf("%d wait", n)
	}
}

func TestClosedHasherIsBusy(t *testing.T) {
	t.Parallel()
	h := password.NewHasher(password.Options{Params: cheap})
	h.Close()
	if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}

// TestBusyIsToldOnceForAFlood has a clock that moves when nothing else does:
// on a busy machine a second may pass between two hashes.
func TestBusyIsToldOnceForAFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan bool, 100)
		h := newHasher(t, password.Options{Busy: func(busy bool) { told <- busy }})
		for range 20 {
			if _, err := h.Hash(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
		if !<-told || len(told) != 0 {
			t.Errorf("told %d times more during the flood", len(told))
		}
		if <-told {
			t.Error("told busy again when it was quiet")
		}
	})
}

// cheapHash are hashes that take less than a millisecond or two.
var cheapHash = regexp.MustCompile(`m=64,t=\d,p=1\$|^pbkdf2_sha(1|256)\$\d{1,4}\$|^bcrypt(_sha256)?\$\$2.\$04\$|^scrypt\$\d\d\$[^$]*\$\d\$\d\$|^(md5|sha1|crypt)\$|^[0-9a-f]{32}$`)

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$o8f0NE2wuqXJBsT+HnlTCOXd2p2CXctwBqLP6AtVV2k")
	f.Add("$argon2id$v=19$m=8,t=64,p=1$MDEyMzQ1Njc4OWFiY2RlZg$o8f0")
	f.Add("!x")
	kinds := map[string]bool{}
	for _, row := range hashesOfDjango(f) {
		if !kinds[row.Kind] && cheapHash.MatchString(row.Hash) {
			kinds[row.Kind] = true
			f.Add(row.Hash)
		}
	}
	f.Add("wrapped$md5$salt$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$o8f0NE2wuqXJBsT+HnlTCOXd2p2CXctwBqLP6AtVV2k")
	f.Fuzz(func(t *testing.T, phc string) {
		if password.Usable(phc) && !cheapHash.MatchString(phc) {
			t.Skip() // a good hash of a high cost is only slow
		}
		h := password.NewHasher(password.Options{Params: cheap, Slots: 1})
		defer h.Close()
		if _, err := h.Verify(t.Context(), phc, "x"); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	about := []password.Attribute{{Name: "username", Value: "amina.alaoui"}, {Name: "first_name", Value: "Amina"}, {Name: "last_name", Value: "Alaoui"}, {Name: "email", Value: "amina.alaoui@example.ma"}}
	for b.Loop() {
		password.Check("kV7#pazouk-42lemon", about)
	}
}
