package cluster

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
)

// load are people who register, log in and renew their tokens at several
// servers, and a note of all that they were told was done.
type load struct {
	servers int
	client  *http.Client
	done    chan struct{}
	wg      sync.WaitGroup
	names   atomic.Int64

	mu       sync.Mutex
	users    map[string]time.Time // registered, and when they were told
	sessions map[string]*session
	counts   struct{ registrations, logins, refreshes, refused int }
	writes   map[*yoozaktest.Server][]write
}

// session is what somebody was told of a session.
type session struct {
	refresh string // the id of the newest refresh token that was given
	at      time.Time
	asked   bool // for a newer one, without an answer: it may have been made
}

// write is a change that was acknowledged.
type write struct{ asked, told time.Time }

const (
	workers = 4                     // people at one server at once
	pause   = 20 * time.Millisecond // of each of them before a request: other tests run beside this one
)

func startLoad(t *testing.T, servers []*yoozaktest.Server) *load {
	t.Helper()
	l := &load{
		servers: len(servers),
		client:  &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: workers}},
		done:    make(chan struct{}), users: map[string]time.Time{}, sessions: map[string]*session{}, writes: map[*yoozaktest.Server][]write{},
	}
	for _, s := range servers {
		for range workers {
			l.wg.Go(func() {
				for {
					select {
					case <-l.done:
						return
					default:
						l.visit(t, s)
					}
				}
			})
		}
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) stop() {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	l.wg.Wait()
}

// visit is somebody who registers, logs in and stays for a while, until the
// server cannot answer.
func (l *load) visit(t *testing.T, s *yoozaktest.Server) {
	name := fmt.Sprint("user", l.names.Add(1))
	who := fmt.Sprintf(`{"username":%q,"password":%q}`, name, yoozaktest.Password)
	if _, done := l.ask(t, s, "register/", who, http.StatusCreated, func(now time.Time, refresh token) {
		l.users[name] = now
		l.sessions[refresh.Session] = &session{refresh: refresh.ID, at: now}
		l.counts.registrations++
	}); !done {
		return
	}
	text, done := l.ask(t, s, "login/", who, http.StatusOK, func(now time.Time, refresh token) {
		l.sessions[refresh.Session] = &session{refresh: refresh.ID, at: now}
		l.counts.logins++
	})
	for n := 0; done && n < 3; n++ {
		held := read(text)
		text, done = l.ask(t, s, "token/refresh/", `{"refresh":"`+text+`"}`, http.StatusOK, func(now time.Time, refresh token) {
			is := l.sessions[held.Session]
			is.refresh, is.at = refresh.ID, now
			l.counts.refreshes++
		})
		if !done {
			l.mu.Lock()
			l.sessions[held.Session].asked = true
			l.mu.Unlock()
		}
	}
}

// ask waits for a moment, sends a request, notes what was acknowledged and
// returns the refresh token that came. A server that cannot answer says so
// with 503.
func (l *load) ask(t *testing.T, s *yoozaktest.Server, path, body string, want int, note func(now time.Time, refresh token)) (refresh string, done bool) {
	time.Sleep(pause)
	asked := time.Now()
	res, err := l.client.Post(s.URL+"/api/clients/auth/"+path, "application/json", strings.NewReader(body)) //nolint:noctx // has a time-out
	if err != nil {
		t.Errorf("%s: no answer: %v", path, err)
		return "", false
	}
	defer res.Body.Close() //nolint:errcheck // it is read
	answer, err := io.ReadAll(res.Body)
	var tokens struct{ Refresh string }
	if err == nil && res.StatusCode == want {
		err = json.Unmarshal(answer, &tokens)
	}
	switch {
	case err != nil:
		t.Errorf("%s: %v %s", path, err, answer)
	case res.StatusCode == want:
		l.mu.Lock()
		defer l.mu.Unlock()
		now := time.Now()
		note(now, read(tokens.Refresh))
		l.writes[s] = append(l.writes[s], write{asked, now})
		return tokens.Refresh, true
	case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		l.mu.Lock()
		l.counts.refused++
		l.mu.Unlock()
	default:
		t.Errorf("%s: %d %s", path, res.StatusCode, answer)
	}
	return "", false
}

// token is what stands in one.
type token struct {
	ID      string `json:"jti"`
	Session string `json:"sid"`
}

func read(text string) (t token) {
	parts := strings.Split(text, ".")
	if len(parts) == 3 {
		data, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(data, &t)
	}
	return t
}

// firstSince waits for a change that a server was asked for after a time,
// and acknowledged.
func (l *load) firstSince(t *testing.T, s *yoozaktest.Server, since time.Time) time.Time {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		for _, w := range l.writes[s] {
			if w.asked.After(since) {
				l.mu.Unlock()
				return w.told
			}
		}
		l.mu.Unlock()
	}
	t.Fatalf("no change is acknowledged within %v by\n%s", patience, s.Output)
	return time.Time{}
}

// awaitWrites waits until each server has acknowledged so many more changes.
func (l *load) awaitWrites(t *testing.T, n int) {
	t.Helper()
	since := time.Now()
	for deadline := since.Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		l.mu.Lock()
		enough := len(l.writes) == l.servers
		for _, writes := range l.writes {
			enough = enough && len(writes) >= n && writes[len(writes)-n].asked.After(since)
		}
		l.mu.Unlock()
		if enough {
			return
		}
	}
	t.Fatalf("no %d changes are acknowledged within %v", n, patience)
}

// acknowledged is how many changes were, in words.
func (l *load) acknowledged() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	return fmt.Sprintf("%d registrations, %d logins, %d refreshes; %d requests were answered 503", c.registrations, c.logins, c.refreshes, c.refused)
}

// lost returns what was acknowledged and is not in the database.
func (l *load) lost(t *testing.T, url string) (all []string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was read
	there := map[string]bool{}
	each(t, db, `SELECT username, '', '' FROM users`, func(name, _, _ string) { there[name] = true })
	for name, at := range l.users {
		if !there[name] {
			all = append(all, fmt.Sprintf("%s, registered at %s", name, at.Format(clock)))
		}
	}
	newest, before := map[string]string{}, map[string]string{}
	each(t, db, `SELECT id, refresh_id, previous_id FROM sessions WHERE revoked_at IS NULL`, func(id, refresh, previous string) {
		newest[id], before[id] = refresh, previous
	})
	for id, s := range l.sessions {
		if newest[id] != s.refresh && (!s.asked || before[id] != s.refresh) {
			all = append(all, fmt.Sprintf("of the session %s the token given at %s", id, s.at.Format(clock)))
		}
	}
	return all
}

func each(t *testing.T, db *sql.DB, query string, row func(a, b, c string)) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var a, b, c string
		if err := rows.Scan(&a, &b, &c); err != nil {
			t.Fatal(err)
		}
		row(a, b, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
