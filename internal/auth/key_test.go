package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// signedBy is the key that a token names.
func signedBy(t *testing.T, raw string) string {
	t.Helper()
	header, _, _ := strings.Cut(raw, ".")
	data, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(data, &h); err != nil || h.Kid == "" {
		t.Fatalf("%s: %v", data, err)
	}
	return h.Kid
}

// roundTrip logs in on one server, renews on the other and uses both tokens
// on the first.
func roundTrip(t *testing.T, one, other *server) error {
	in, err := one.login(t, "amina", good)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	out, err := other.refresh(t, in.Refresh)
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	for _, raw := range []string{in.Access, out.Access} {
		if _, err := one.Authenticate(t.Context(), raw); err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
	}
	return nil
}

// quickly rotates keys every hour; tokens live for minutes.
func quickly(c *clock) setting {
	return func(o *auth.Options, t *token.Options) {
		o.KeyRotation, o.AccessLifetime, o.RefreshLifetime = time.Hour, 10*time.Minute, 20*time.Minute
		t.AccessLifetime, t.RefreshLifetime = o.AccessLifetime, o.RefreshLifetime
		o.Now = c.now
	}
}

// TestScheduledRotationFailsNoRequest lets two servers and a service that
// keeps the key set for a minute live through a day of rotations.
func TestScheduledRotationFailsNoRequest(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := &clock{at: time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC)}
		servers := []*server{newServer(t, st, quickly(c)), newServer(t, st, quickly(c))}
		g := servers[0].register(t, "amina")

		// Requests never stop, whatever the servers do meanwhile.
		var (
			wg      sync.WaitGroup
			stop    = make(chan struct{})
			renewed atomic.Int64
			moving  sync.RWMutex // the clock, between two rounds of requests: they may be slow, minutes pass fast
		)
		for i := range servers {
			one, other := servers[i], servers[1-i]
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(2 * time.Millisecond):
					}
					moving.RLock()
					err := roundTrip(t, one, other)
					moving.RUnlock()
					if err != nil {
						t.Error(err)
						return
					}
					renewed.Add(1)
				}
			})
		}

		type kept struct {
			raw  string
			typ  token.Type
			ends time.Time
		}
		var (
			tokens   []kept
			keySets  []string // of the last minute
			signers  = map[string]bool{}
			refreshs = map[string]bool{}
		)
		const step = 20 * time.Second
		for range 3 * time.Hour / step {
			for i, s := range servers { // in the worst order: what one made the other reads a step later
				if err := s.LoadKeys(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := servers[1-i].RotateDueKeys(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			keySets = append(keySets, string(servers[1].tokens.JWKS()))
			for _, s := range servers {
				access, claims, err := s.tokens.Issue(token.Access, g.User.ID, g.Claims.SessionID, token.NewID(), c.now())
				if err != nil {
					t.Fatal(err)
				}
				refresh, long, err := s.tokens.Issue(token.Refresh, g.User.ID, g.Claims.SessionID, token.NewID(), c.now())
				if err != nil {
					t.Fatal(err)
				}
				signers[signedBy(t, access)], refreshs[signedBy(t, refresh)] = true, true
				tokens = append(tokens, kept{access, token.Access, claims.ExpiresAt}, kept{refresh, token.Refresh, long.ExpiresAt})
				if known := keySets[max(0, len(keySets)-1-int(time.Minute/step))]; !strings.Contains(known, signedBy(t, access)) {
					t.Errorf("at %v: a service that read the key set a minute ago does not know the key", c.now())
				}
			}
			live := tokens[:0]
			for _, k := range tokens {
				if !c.now().Before(k.ends) {
					continue
				}
				live = append(live, k)
				for i, s := range servers {
					if _, err := s.tokens.Verify(k.raw, k.typ, c.now()); err != nil {
						t.Errorf("at %v: server %d refuses a live %s token: %v", c.now(), i, k.typ, err)
					}
				}
			}
			tokens = live
			moving.Lock()
			c.advance(step)
			moving.Unlock()
			if t.Failed() {
				break
			}
		}
		close(stop)
		wg.Wait()
		if renewed.Load() == 0 {
			t.Error("no request was made")
		}
		if len(signers) != 3 || len(refreshs) != 3 { // one for each hour
			t.Errorf("%d access keys and %d refresh keys signed in 3 hours, want 3 of each", len(signers), len(refreshs))
		}

		// What no token needs any more is gone, from the ring, the set and the
		// database.
		c.advance(time.Hour - 10*time.Minute)
		for _, s := range servers {
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.LoadKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(s.tokens.JWKS()), `"kid"`); n != 1 || s.tokens.Keys() != 2 {
				t.Errorf("%d keys are published, %d in use; want 1 and 2: %s", n, s.tokens.Keys(), s.tokens.JWKS())
			}
		}
		if all, err := servers[0].Keys(t.Context()); err != nil || len(all) != 2 {
			t.Errorf("%d keys are stored, %v; want 2", len(all), err)
		}
	})
}

func TestOldKeyVerifiesUntilItsLastTokenIsGone(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		before := s.register(t, "amina")
		if err := s.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.clock.advance(auth.KeyDelay - time.Second)
		last, err := s.login(t, "amina", good)
		if err != nil || signedBy(t, last.Access) != signedBy(t, before.Access) || signedBy(t, last.Refresh) != signedBy(t, before.Refresh) {
			t.Fatalf("the next key signs before it was published for %v; %v", auth.KeyDelay, err)
		}
		s.clock.advance(time.Second)
		first, err := s.login(t, "amina", good)
		if err != nil || signedBy(t, first.Access) == signedBy(t, before.Access) || signedBy(t, first.Refresh) == signedBy(t, before.Refresh) {
			t.Fatalf("the next key does not sign; %v", err)
		}
		for _, step := range []struct {
			after           time.Duration
			access, refresh bool // verify
			published       bool // the access key
			stored          int
		}{
			{time.Hour - 5*time.Second, true, true, true, 4},
			{5 * time.Minute, false, true, false, 3},
			{22*time.Hour + 55*time.Minute + 6*time.Second, false, false, false, 3}, // the refresh token ended a second ago
			{5 * time.Minute, false, false, false, 2},
		} {
			s.clock.advance(step.after)
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.LoadKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, accessErr := s.Authenticate(t.Context(), last.Access)
			_, refreshErr := s.refresh(t, last.Refresh)
			published := strings.Contains(string(s.tokens.JWKS()), signedBy(t, last.Access))
			all, err := s.Keys(t.Context())
			if (accessErr == nil) != step.access || (refreshErr == nil) != step.refresh || published != step.published || len(all) != step.stored || err != nil {
				t.Errorf("%+v: access %v, refresh %v, published %v, %d stored, %v", step, accessErr, refreshErr, published, len(all), err)
			}
		}
	})
}

// TestRotationBySomebodyWithOtherLifetimes: whoever types "key rotate" may
// not have the settings of the servers.
func TestRotationBySomebodyWithOtherLifetimes(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		g := s.register(t, "amina")
		admin := newServer(t, st, func(o *auth.Options, _ *token.Options) {
			o.AccessLifetime, o.RefreshLifetime = time.Minute, time.Minute
		})
		if err := admin.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.clock.advance(23 * time.Hour)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.LoadKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.refresh(t, g.Refresh); err != nil {
			t.Errorf("a refresh token that is not over is refused: %v", err)
		}
	})
}

func TestRotationIsDueOnceForAllServers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := &clock{at: time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)}
		var servers []*server
		for range 4 {
			servers = append(servers, newServer(t, st, quickly(c)))
		}
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 2}, {59 * time.Minute, 2}, {time.Minute, 4}, {time.Minute, 4}, {time.Hour, 4}, {time.Minute, 6}} {
			c.advance(step.after)
			var wg sync.WaitGroup
			for _, s := range servers {
				wg.Go(func() {
					if err := s.RotateDueKeys(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if all, err := servers[0].Keys(t.Context()); err != nil || len(all) != step.want {
				t.Errorf("after %v: %d keys, %v; want %d", step.after, len(all), err, step.want)
			}
		}
		never := newServer(t, st, quickly(c), func(o *auth.Options, _ *token.Options) { o.KeyRotation = 0 })
		c.advance(1000 * time.Hour)
		if err := never.RotateDueKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all, err := never.Keys(t.Context()); err != nil || len(all) != 6 {
			t.Errorf("without a schedule: %d keys, %v", len(all), err)
		}
	})
}

func TestHS256IsNotRotatedBySchedule(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.clock.advance(10_000 * time.Hour)
		if err := s.RotateDueKeys(t.Context()); err != nil {
			t.Error(err)
		}
		if all, err := s.Keys(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%d keys, %v", len(all), err)
		}
	}, hs256, func(o *auth.Options, _ *token.Options) { o.KeyRotation = time.Hour })
}

var (
	_ = account.ErrTokenInvalid
	_ = fmt.Sprint
)
