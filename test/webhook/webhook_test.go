// Package webhook tests webhooks of the built server: by the standard's own
// verifiers, in the receivers of docs/webhooks.md, and when servers are killed.
package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/webhooktest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// patience is how long tests wait for what must come.
const patience = 2 * time.Minute

// shop is servers on one database that may call receivers of tests.
type shop struct{ env []string }

func newShop(url string) shop {
	return shop{append([]string{
		"YOOZAK_DATABASE_URL=" + url, "YOOZAK_HEAD_FILE=off", "YOOZAK_WEBHOOK_ALLOW=127.0.0.0/8", "YOOZAK_RATE_LIMITS=off",
	}, yoozaktest.CheapHashes...)}
}

func (s shop) start(t *testing.T) *yoozaktest.Server {
	t.Helper()
	return yoozaktest.Start(t, s.env...)
}

// run runs a command.
func (s shop) run(t *testing.T, args ...string) string {
	t.Helper()
	return yoozaktest.Run(t, s.env, args...)
}

// subscribe makes a webhook.
func (s shop) subscribe(t *testing.T, url string) (id, secret string) {
	t.Helper()
	var made struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(s.run(t, "webhook", "create", url, "--json")), &made); err != nil {
		t.Fatal(err)
	}
	return made.ID, made.Secret
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

// post calls the API; the answer is nil where none came.
func post(base, path, access string, body any) map[string]any {
	data, _ := json.Marshal(body)
	method := http.MethodPost
	if path == "clients/me/" {
		method = http.MethodPatch
	}
	req, err := http.NewRequest(method, base+"/api/clients/"+path, bytes.NewReader(data)) //nolint:noctx // the client has a time-out
	if err != nil {
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close() //nolint:errcheck // it is read
	var answer map[string]any
	if json.NewDecoder(res.Body).Decode(&answer) != nil || res.StatusCode >= 300 {
		return nil
	}
	return answer
}

// register makes a client and returns their id and access token.
func register(base, username string) (id int64, access string) {
	answer := post(base, "auth/register/", "", map[string]string{"username": username, "password": yoozaktest.Password})
	if answer == nil {
		return 0, ""
	}
	access, _ = answer["access"].(string)
	return int64(answer["user"].(map[string]any)["id"].(float64)), access
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// check is what a verifier is asked.
type check struct {
	Secret  string            `json:"secret"`
	Body    string            `json:"body"`
	Headers map[string]string `json:"headers"`
}

func newCheck(secret string, m webhooktest.Message) check {
	c := check{Secret: secret, Body: string(m.Raw), Headers: map[string]string{}}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		c.Headers[name] = m.Header.Get(name)
	}
	return c
}

// verify asks the standard's verifiers, in JavaScript and in Go, which must
// agree.
func verify(t *testing.T, checks []check) (good []bool) {
	t.Helper()
	var in bytes.Buffer
	for _, c := range checks {
		if err := json.NewEncoder(&in).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	node := exec.CommandContext(t.Context(), "node", "verify.mjs")
	node.Stdin, node.Stderr = &in, os.Stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node: %v; is scripts/install-test-deps.sh run?", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(checks) {
		t.Fatalf("%d answers to %d questions", len(lines), len(checks))
	}
	for i, c := range checks {
		header := http.Header{}
		for name, value := range c.Headers {
			header.Set(name, value)
		}
		v, err := standardwebhooks.NewWebhook(c.Secret)
		if err == nil {
			err = v.Verify([]byte(c.Body), header)
		}
		if (err == nil) != (lines[i] == "ok") {
			t.Errorf("%s: Go says %v, JavaScript says %s", c.Body, err, lines[i])
		}
		good = append(good, err == nil)
	}
	return good
}

// TestStandardsVerifiers on the first attempt, the third, a replay, and both
// sides of a change of the secret.
func TestStandardsVerifiers(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newShop(url)
		base := s.start(t).URL
		r := webhooktest.Start(t)
		r.Judge(func(m webhooktest.Message) int {
			if m.Type == "client.created" && m.Attempt < 3 {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		id, first := s.subscribe(t, r.URL)
		register(base, "amina")
		eventually(t, "the third attempt", func() bool { return len(r.Taken()) == 1 })
		s.run(t, "webhook", "replay", id, "1")
		eventually(t, "the replay", func() bool { return len(r.Taken()) == 2 })
		var rotated struct{ Secret string }
		if err := json.Unmarshal([]byte(s.run(t, "webhook", "rotate", id, "--json")), &rotated); err != nil {
			t.Fatal(err)
		}
		s.run(t, "webhook", "replay", id, "1")
		eventually(t, "the replay with two signatures", func() bool { return len(r.Taken()) == 3 })
		var last struct{ Secret string }
		if err := json.Unmarshal([]byte(s.run(t, "webhook", "rotate", id, "--keep", "0", "--json")), &last); err != nil {
			t.Fatal(err)
		}
		s.run(t, "webhook", "replay", id, "1")
		eventually(t, "the replay with the last secret", func() bool { return len(r.Taken()) == 4 })
		all := r.Messages()
		if len(all) != 6 {
			t.Fatalf("%d attempts, want 6", len(all))
		}
		var checks []check
		var want []bool
		for i, m := range all {
			for secret, good := range map[string]bool{first: i < 5, rotated.Secret: i == 4, last.Secret: i == 5} {
				c := newCheck(secret, m)
				checks, want = append(checks, c), append(want, good)
				c.Body = strings.Replace(c.Body, `"user_id":1`, `"user_id":2`, 1)
				checks, want = append(checks, c), append(want, false)
			}
			if string(m.Raw) != string(all[0].Raw) || m.ID != all[0].ID {
				t.Errorf("%s is now %s", all[0].Raw, m.Raw)
			}
		}
		for i, good := range verify(t, checks) {
			if good != want[i] {
				t.Errorf("check %d, of attempt %d: good %t, want %t", i, i/6+1, good, want[i])
			}
		}
	})
}

// TestReceiversOfTheGuide are run as docs/webhooks.md and its twin have them.
func TestReceiversOfTheGuide(t *testing.T) {
	t.Parallel()
	s := newShop(storetest.SQLite(t))
	base := s.start(t).URL
	for _, doc := range []string{"webhooks.md", "webhooks.fr.md"} {
		text, err := os.ReadFile("../../docs/" + doc)
		if err != nil {
			t.Fatal(err)
		}
		for language, start := range map[string]func(t *testing.T, source string, env []string) *exec.Cmd{"js": startExpress, "go": startGo} {
			found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(text)
			if found == nil {
				t.Fatalf("%s has no receiver in %s", doc, language)
			}
			port := freePort(t)
			id, secret := s.subscribe(t, "http://127.0.0.1:"+port+"/hooks/clients")
			var out yoozaktest.Buffer
			cmd := start(t, string(found[1]), append(os.Environ(), "PORT="+port, "WEBHOOK_SECRET="+secret))
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			})
			user, _ := register(base, "amina-"+language+"-"+strings.TrimSuffix(doc, ".md"))
			line := fmt.Sprintf("client.created %d\n", user)
			eventually(t, doc+", "+language+": the message", func() bool { return strings.Contains(out.String(), line) })
			eventually(t, "delivered", func() bool {
				return strings.Contains(s.run(t, "webhook", "log", id, "--json"), `"state":"delivered"`)
			})
			s.run(t, "webhook", "replay", id, "1")
			eventually(t, "the replay", func() bool {
				return strings.Contains(s.run(t, "webhook", "log", id, "--json"), `"state":"delivered","due_at":null,"attempts":1`)
			})
			if n := strings.Count(out.String(), line); n != 1 {
				t.Errorf("%s, %s: acted %d times:\n%s", doc, language, n, &out)
			}
			s.run(t, "webhook", "test", id)
			if status := forge("http://127.0.0.1:" + port + "/hooks/clients"); status != http.StatusUnauthorized {
				t.Errorf("%s, %s: a forgery got %d", doc, language, status)
			}
			s.run(t, "webhook", "disable", id)
		}
	}
}

// forge sends what we did not sign.
func forge(url string) int {
	req, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"type":"client.erased"}`)) //nolint:noctx // the client has a time-out
	req.Header = http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {fmt.Sprint(time.Now().Unix())}, "Webhook-Signature": {"v1,AAAA"}, "Content-Type": {"application/json"}}
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// startExpress runs a receiver beside node_modules, with a JSON parser in front
// of the rest of the application, as the guide has it.
func startExpress(t *testing.T, source string, env []string) *exec.Cmd {
	t.Helper()
	f, err := os.CreateTemp(".", "guide-*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(f.Name()) })
	if _, err := f.WriteString(source); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	cmd := exec.CommandContext(t.Context(), "node", f.Name())
	cmd.Env = env
	return cmd
}

// startGo builds a receiver within this module, which has the library.
func startGo(t *testing.T, source string, env []string) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp(".", "guide-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "receiver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = env
	return cmd
}

// tally is what a receiver has taken, by client.
type tally struct {
	mu    sync.Mutex
	times map[string]int // each id was taken
	last  map[int64]int64
	users map[string]int64 // of each id
	wrong []string
}

// take notes a message that is answered 2xx. A place that is lower than one
// before of the same client is a mistake, unless the id was taken before.
func (y *tally) take(m webhooktest.Message) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.times[m.ID]++
	if y.users[m.ID] = m.Data.UserID; y.times[m.ID] > 1 {
		return
	}
	if m.Sequence <= y.last[m.Data.UserID] {
		y.wrong = append(y.wrong, fmt.Sprintf("of %d the place %d came after %d", m.Data.UserID, m.Sequence, y.last[m.Data.UserID]))
	}
	y.last[m.Data.UserID] = m.Sequence
}

func newTally() *tally {
	return &tally{times: map[string]int{}, last: map[int64]int64{}, users: map[string]int64{}}
}

func (y *tally) count() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.times)
}

// TestTenThousandEvents of 500 clients, two server processes, a receiver that
// fails one of five first attempts and one client always.
func TestTenThousandEvents(t *testing.T) {
	t.Parallel()
	clients, each := 500, yoozaktest.Long(4, 20)
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newShop(url)
		bases := []string{s.start(t).URL, s.start(t).URL}
		r, y := webhooktest.Start(t), newTally()
		var never atomic.Int64
		var mu sync.Mutex
		held := map[int64]bool{} // clients of whom something failed and was not taken yet
		var delays []time.Duration
		r.Judge(func(m webhooktest.Message) int {
			mu.Lock()
			defer mu.Unlock()
			user := m.Data.UserID
			if user == never.Load() || m.Attempt == 1 && rand.N(5) == 0 {
				held[user] = true
				return http.StatusInternalServerError
			}
			if !held[user] {
				delays = append(delays, time.Since(m.Timestamp))
			}
			delete(held, user)
			y.take(m)
			return http.StatusOK
		})
		s.subscribe(t, r.URL)
		var work sync.WaitGroup
		users := make(chan int)
		var owed atomic.Int64
		for range 8 {
			work.Go(func() {
				for n := range users {
					id, access := register(bases[n%2], fmt.Sprint("client", n))
					if id == 0 {
						t.Errorf("client %d could not register", n)
						continue
					}
					if n == 7 {
						never.Store(id)
					}
					owed.Add(1)
					for i := 1; i < each; i++ {
						if post(bases[(n+i)%2], "clients/me/", access, map[string]string{"first_name": fmt.Sprint("Amina", i)}) == nil {
							t.Errorf("client %d could not change", n)
						}
						owed.Add(1)
					}
				}
			})
		}
		for n := range clients {
			users <- n
		}
		close(users)
		work.Wait()
		want := int(owed.Load())
		took := func(id int64) (n int) {
			y.mu.Lock()
			defer y.mu.Unlock()
			for _, user := range y.users {
				if user == id {
					n++
				}
			}
			return n
		}
		eventually(t, "all but those of one client", func() bool { return y.count() >= want-each })
		ofNever := took(never.Load())
		if got := y.count() - ofNever; got != want-each {
			t.Errorf("%d messages of the others, want %d", got, want-each)
		}
		if ofNever > each-1 {
			t.Errorf("all of the client that fails was taken")
		}
		if len(y.wrong) > 0 {
			t.Errorf("%d out of order, first: %s", len(y.wrong), y.wrong[0])
		}
		again := 0
		for _, n := range y.times {
			again += n - 1
		}
		if again > 0 {
			t.Errorf("%d came twice", again)
		}
		mu.Lock()
		slices.Sort(delays)
		t.Logf("%d messages; delay of those that nothing held up: median %v, p99 %v", want, delays[len(delays)/2], delays[len(delays)*99/100])
		mu.Unlock()
	})
}

// TestKilledServersLoseNothing: what was committed is told, what was not is
// not, in order, and each once more at most for each kill.
func TestKilledServersLoseNothing(t *testing.T) {
	t.Parallel()
	kills := yoozaktest.Long(3, 100) // on each engine
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newShop(url)
		server := s.start(t)
		r, y := webhooktest.Start(t), newTally()
		r.Judge(func(m webhooktest.Message) int {
			y.take(m)
			time.Sleep(rand.N(3 * time.Millisecond)) // sometimes killed between the act and the answer
			return http.StatusOK
		})
		id, _ := s.subscribe(t, r.URL)
		var current atomic.Pointer[yoozaktest.Server]
		current.Store(server)
		stop := make(chan struct{})
		var load sync.WaitGroup
		var mu sync.Mutex
		committed := map[int64]bool{} // clients whose registration was answered
		for n := range 4 {
			load.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if user, _ := register(current.Load().URL, fmt.Sprintf("client-%d-%d", n, i)); user != 0 {
						mu.Lock()
						committed[user] = true
						mu.Unlock()
					} else {
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		}
		for range kills {
			time.Sleep(rand.N(400 * time.Millisecond))
			current.Load().Kill()
			next := current.Load().Again(t)
			next.Ready(t)
			current.Store(next)
		}
		close(stop)
		load.Wait()
		done := func() bool {
			var w struct {
				Waiting  int
				Sequence int64
			}
			if err := json.Unmarshal([]byte(s.run(t, "webhook", "list", "--json")), &w); err != nil {
				t.Fatal(err)
			}
			return w.Waiting == 0 && w.Sequence > 0
		}
		eventually(t, "everything delivered", done)
		y.mu.Lock()
		defer y.mu.Unlock()
		told := map[int64]bool{}
		for message, user := range y.users {
			told[user] = true
			if y.times[message] > 1+kills {
				t.Errorf("%s came %d times", message, y.times[message])
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for user := range committed {
			if !told[user] {
				t.Errorf("client %d is told to nobody", user)
			}
		}
		exists := map[int64]bool{}
		for line := range strings.Lines(s.run(t, "user", "list", "--json")) {
			var u struct{ ID int64 }
			if json.Unmarshal([]byte(line), &u) == nil {
				exists[u.ID] = true
			}
		}
		for user := range told {
			if !exists[user] {
				t.Errorf("client %d was told, and is not there", user)
			}
		}
		again := 0
		for _, n := range y.times {
			again += n - 1
		}
		t.Logf("%d kills, %d clients, %d messages came again; webhook %s", kills, len(committed), again, id)
	})
}

// TestTransactionHeldOpenForTenSecondsLosesNothing is in internal/webhook for
// one that waits for others (TestLateCommitIsNotLost); here it is the clock.
func TestTransactionHeldOpenForTenSecondsLosesNothing(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	s := newShop(url)
	base := s.start(t).URL
	r, y := webhooktest.Start(t), newTally()
	r.Judge(func(m webhooktest.Message) int { y.take(m); return http.StatusOK })
	id, _ := s.subscribe(t, r.URL)
	commit := holdOpen(t, url, id)
	began := time.Now()
	n := 0
	for ; time.Since(began) < 10*time.Second; n++ {
		if user, _ := register(base, fmt.Sprint("client", n)); user == 0 {
			t.Fatal("no registration")
		}
	}
	eventually(t, "the others", func() bool { return y.count() == n })
	commit()
	eventually(t, "the one that was held open", func() bool { return y.count() == n+1 })
	if y.last[9_999_999] != int64(n+1) {
		t.Errorf("its place is %d, want %d", y.last[9_999_999], n+1)
	}
}
