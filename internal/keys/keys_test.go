package keys_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// roundTrip logs in on one server, renews on the other and uses both tokens
// on the first.
func roundTrip(t *testing.T, one, other *authtest.Server) error {
	in, err := one.SignIn(t, "amina", authtest.Good)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	out, err := other.Renew(t, in.Refresh)
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
func quickly(c *yoozaktest.Clock) authtest.Setting {
	return func(o *app.Options, t *token.Options) {
		o.KeyRotation, t.AccessLifetime, t.RefreshLifetime = time.Hour, 10*time.Minute, 20*time.Minute
		o.Now = c.Now
	}
}

// TestScheduledRotationFailsNoRequest lets two servers and a service that
// keeps the key set for a minute live through a day of rotations.
func TestScheduledRotationFailsNoRequest(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC))
		servers := []*authtest.Server{authtest.New(t, st, quickly(c)), authtest.New(t, st, quickly(c))}
		g := servers[0].SignUp(t, "amina")

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
					case <-time.After(5 * time.Millisecond):
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
		const step = 30 * time.Second
		for range 3 * time.Hour / step {
			for i, s := range servers { // in the worst order: what one made the other reads a step later
				if err := s.Keys.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := servers[1-i].Keys.RotateDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			keySets = append(keySets, string(servers[1].Tokens.JWKS()))
			for _, s := range servers {
				access, claims, err := s.Tokens.Issue(token.Access, g.User.ID, g.Claims.SessionID, token.NewID(), c.Now())
				if err != nil {
					t.Fatal(err)
				}
				refresh, long, err := s.Tokens.Issue(token.Refresh, g.User.ID, g.Claims.SessionID, token.NewID(), c.Now())
				if err != nil {
					t.Fatal(err)
				}
				signers[authtest.SignedBy(t, access)], refreshs[authtest.SignedBy(t, refresh)] = true, true
				tokens = append(tokens, kept{access, token.Access, claims.ExpiresAt}, kept{refresh, token.Refresh, long.ExpiresAt})
				if known := keySets[max(0, len(keySets)-1-int(time.Minute/step))]; !strings.Contains(known, authtest.SignedBy(t, access)) {
					t.Errorf("at %v: a service that read the key set a minute ago does not know the key", c.Now())
				}
			}
			live := tokens[:0]
			for _, k := range tokens {
				if !c.Now().Before(k.ends) {
					continue
				}
				live = append(live, k)
				for i, s := range servers {
					if _, err := s.Tokens.Verify(k.raw, k.typ, c.Now()); err != nil {
						t.Errorf("at %v: server %d refuses a live %s token: %v", c.Now(), i, k.typ, err)
					}
				}
			}
			tokens = live
			moving.Lock()
			c.Advance(step)
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
		c.Advance(time.Hour - 10*time.Minute)
		for _, s := range servers {
			if err := s.App.Sweep(t.Context(), c.Now()); err != nil {
				t.Fatal(err)
			}
			if err := s.Keys.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(s.Tokens.JWKS()), `"kid"`); n != 1 || s.Tokens.Keys() != 2 {
				t.Errorf("%d keys are published, %d in use; want 1 and 2: %s", n, s.Tokens.Keys(), s.Tokens.JWKS())
			}
		}
		if all, err := servers[0].Keys.List(t.Context()); err != nil || len(all) != 2 {
			t.Errorf("%d keys are stored, %v; want 2", len(all), err)
		}
	})
}

// TestRevokedKeyIsListedForAWhile: whoever revoked it looks whether it is, also if
// it was replaced long ago.
func TestRevokedKeyIsListedForAWhile(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		one, two := authtest.New(t, st), authtest.New(t, st)
		old := authtest.SignedBy(t, one.SignUp(t, "amina").Refresh)
		if err := one.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*authtest.Server{one, two} {
			s.Clock.Advance(5 * time.Hour)
			if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
				t.Fatal(err)
			}
		}
		revokes(t, one, two, old)
		listed := func(want bool) {
			t.Helper()
			for _, s := range []*authtest.Server{one, two} {
				if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
					t.Fatal(err)
				}
			}
			all, err := one.Keys.List(t.Context())
			if is := slices.ContainsFunc(all, func(k store.SigningKey) bool { return k.ID == old }); is != want || err != nil {
				t.Errorf("listed: %t, %v; want %t", is, err, want)
			}
		}
		listed(true)
		one.Clock.Advance(time.Hour)
		two.Clock.Advance(3 * time.Minute)
		listed(false)
	})
}

func TestOldKeyVerifiesUntilItsLastTokenIsGone(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		before := s.SignUp(t, "amina")
		if err := s.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(keys.Delay - time.Second)
		last, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil || authtest.SignedBy(t, last.Access) != authtest.SignedBy(t, before.Access) || authtest.SignedBy(t, last.Refresh) != authtest.SignedBy(t, before.Refresh) {
			t.Fatalf("the next key signs before it was published for %v; %v", keys.Delay, err)
		}
		s.Clock.Advance(time.Second)
		first, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil || authtest.SignedBy(t, first.Access) == authtest.SignedBy(t, before.Access) || authtest.SignedBy(t, first.Refresh) == authtest.SignedBy(t, before.Refresh) {
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
			s.Clock.Advance(step.after)
			if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			if err := s.Keys.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, accessErr := s.Authenticate(t.Context(), last.Access)
			_, refreshErr := s.Renew(t, last.Refresh)
			published := strings.Contains(string(s.Tokens.JWKS()), authtest.SignedBy(t, last.Access))
			all, err := s.Keys.List(t.Context())
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
		s := authtest.New(t, st)
		g := s.SignUp(t, "amina")
		admin := authtest.New(t, st, func(_ *app.Options, t *token.Options) {
			t.AccessLifetime, t.RefreshLifetime = time.Minute, time.Minute
		})
		if err := admin.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(23 * time.Hour)
		if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if err := s.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t, g.Refresh); err != nil {
			t.Errorf("a refresh token that is not over is refused: %v", err)
		}
	})
}

// TestOneNextKeyIsMade, however many of the staff press the button at once, on
// whichever server.
func TestOneNextKeyIsMade(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		servers := []*authtest.Server{authtest.New(t, storetest.Open(t, url)), authtest.New(t, storetest.Open(t, url))}
		for round := range 5 {
			for _, s := range servers {
				s.Clock.Advance(keys.Delay)
			}
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					if err := servers[i%2].Staff.RotateKeys(t.Context()); err != nil && !errors.Is(err, staff.ErrKeysWait) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if all, err := servers[0].Keys.List(t.Context()); err != nil || len(all) != 2*(round+2) {
				t.Fatalf("%d keys after %d rotations, %v", len(all), round+1, err)
			}
			if err := servers[0].Staff.RotateKeys(t.Context()); !errors.Is(err, staff.ErrKeysWait) {
				t.Errorf("while the next keys wait: %v", err)
			}
		}
	})
}

func TestRotationIsDueOnceForAllServers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
		var servers []*authtest.Server
		for range 4 {
			servers = append(servers, authtest.New(t, st, quickly(c)))
		}
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 2}, {59 * time.Minute, 2}, {time.Minute, 4}, {time.Minute, 4}, {time.Hour, 4}, {time.Minute, 6}} {
			c.Advance(step.after)
			var wg sync.WaitGroup
			for _, s := range servers {
				wg.Go(func() {
					if err := s.Keys.RotateDue(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if all, err := servers[0].Keys.List(t.Context()); err != nil || len(all) != step.want {
				t.Errorf("after %v: %d keys, %v; want %d", step.after, len(all), err, step.want)
			}
		}
		never := authtest.New(t, st, quickly(c), func(o *app.Options, _ *token.Options) { o.KeyRotation = 0 })
		c.Advance(1000 * time.Hour)
		if err := never.Keys.RotateDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all, err := never.Keys.List(t.Context()); err != nil || len(all) != 6 {
			t.Errorf("without a schedule: %d keys, %v", len(all), err)
		}
	})
}

func TestHS256IsNotRotatedBySchedule(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.Clock.Advance(10_000 * time.Hour)
		if err := s.Keys.RotateDue(t.Context()); err != nil {
			t.Error(err)
		}
		if all, err := s.Keys.List(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%d keys, %v", len(all), err)
		}
	}, authtest.HS256, func(o *app.Options, _ *token.Options) { o.KeyRotation = time.Hour })
}

// revokes revokes a key on one server; the other hears of it when it reads
// the keys again.
func revokes(t *testing.T, one, other *authtest.Server, id string) keys.Revocation {
	t.Helper()
	out, err := one.Keys.Revoke(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRevokedAccessKeyEndsItsTokensEverywhere(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		one, two := authtest.New(t, st), authtest.New(t, st)
		g := one.SignUp(t, "amina")
		for _, s := range []*authtest.Server{one, two} { // into the caches
			if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
				t.Fatal(err)
			}
		}
		out := revokes(t, one, two, authtest.SignedBy(t, g.Access))
		if !out.Replaced || out.Sessions != 0 || !out.SignsAt.Equal(one.Clock.Now()) {
			t.Errorf("%+v", out)
		}
		for i, s := range []*authtest.Server{one, two} {
			if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("server %d: got %v, want ErrTokenInvalid", i, err)
			}
			if strings.Contains(string(s.Tokens.JWKS()), authtest.SignedBy(t, g.Access)) {
				t.Errorf("server %d still publishes the key", i)
			}
		}
		// The session goes on with a token of the new key.
		renewed, err := one.Renew(t, g.Refresh)
		if err != nil || authtest.SignedBy(t, renewed.Access) == authtest.SignedBy(t, g.Access) {
			t.Fatalf("renewed by the revoked key, or not at all: %v", err)
		}
		if _, err := two.Authenticate(t.Context(), renewed.Access); err != nil {
			t.Errorf("token of the new key: %v", err)
		}
		// By the clock of a server that is years behind, too.
		late := authtest.New(t, st)
		late.Clock.Advance(-10 * 365 * 24 * time.Hour)
		if err := late.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := late.Tokens.Verify(g.Access, token.Access, late.Clock.Now()); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("with a late clock: %v", err)
		}
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 3}, {3 * time.Minute, 3}, {2 * time.Minute, 2}} { // whoever revoked it sees it so in the list
			one.Clock.Advance(step.after)
			if err := one.App.Sweep(t.Context(), one.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			if all, err := one.Keys.List(t.Context()); err != nil || len(all) != step.want {
				t.Errorf("%s later: %d keys are stored, %v; want %d", step.after, len(all), err, step.want)
			}
		}
	})
}

func TestRevokedRefreshKeyEndsItsSessions(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
		shared := func(o *app.Options, _ *token.Options) { o.Now = c.Now }
		one, two := authtest.New(t, st, shared), authtest.New(t, st, shared)
		before := one.SignUp(t, "amina")
		if err := one.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Advance(3 * keys.Delay)
		after, err := one.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := two.Renew(t, before.Refresh); err != nil { // into its cache
			t.Fatal(err)
		}
		out := revokes(t, one, two, authtest.SignedBy(t, before.Refresh))
		if out.Replaced || out.Sessions != 1 {
			t.Errorf("%+v", out)
		}
		for i, s := range []*authtest.Server{one, two} {
			if _, err := s.Renew(t, before.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("server %d, refresh token: %v", i, err)
			}
			if _, err := s.Authenticate(t.Context(), before.Access); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("server %d, access token of its session: %v", i, err)
			}
			if _, err := s.Renew(t, after.Refresh); err != nil {
				t.Errorf("server %d, token of the other key: %v", i, err)
			}
		}
		// Of the key that signs: everybody logs in again, at once.
		out = revokes(t, two, one, authtest.SignedBy(t, after.Refresh))
		if !out.Replaced || out.Sessions != 1 {
			t.Errorf("%+v", out)
		}
		if _, err := one.Renew(t, after.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("got %v, want ErrTokenInvalid", err)
		}
		again, err := one.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := two.Renew(t, again.Refresh); err != nil {
			t.Errorf("token of the new key: %v", err)
		}
		if out := revokes(t, one, two, authtest.SignedBy(t, before.Refresh)); out.Replaced || out.Sessions != 0 {
			t.Errorf("the second time: %+v", out)
		}
	})
}

func TestRevokingTheNextKeyDisturbsNobody(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
		shared := func(o *app.Options, _ *token.Options) { o.Now = c.Now }
		one, two := authtest.New(t, st, shared), authtest.New(t, st, shared)
		g := one.SignUp(t, "amina")
		if err := one.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Minute)
		all, err := one.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range all {
			if k.Generation == 2 {
				if out := revokes(t, one, two, k.ID); !out.Replaced || !out.SignsAt.Equal(c.Now().Add(keys.Delay)) || out.Sessions != 0 {
					t.Errorf("%+v", out)
				}
			}
		}
		for range 10 {
			if err := roundTrip(t, one, two); err != nil {
				t.Errorf("at %v: %v", c.Now(), err)
			}
			if _, err := two.Renew(t, g.Refresh); err != nil {
				t.Errorf("at %v: %v", c.Now(), err)
			}
			c.Advance(time.Minute)
		}
		now, err := one.SignIn(t, "amina", authtest.Good)
		if err != nil || authtest.SignedBy(t, now.Access) == authtest.SignedBy(t, g.Access) {
			t.Errorf("the key after the revoked one does not sign; %v", err)
		}
	})
}

func TestRevokingAllKeysLogsEverybodyOut(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		var grants []auth.LoginResult
		for i := range 5 {
			grants = append(grants, s.SignUp(t, fmt.Sprintf("user%d", i)))
		}
		if err := s.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		out, err := s.Keys.RevokeAll(t.Context())
		if err != nil || len(out) != 4 {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, g := range grants {
			if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("access: %v", err)
			}
			if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("refresh: %v", err)
			}
			if sess, _, err := s.Store.SessionUser(t.Context(), g.Claims.SessionID); err != nil || sess.RevokedAt.IsZero() {
				t.Errorf("its session goes on; %v", err)
			}
		}
		if _, err := s.SignIn(t, "user1", authtest.Good); err != nil {
			t.Errorf("login: %v", err)
		}
		for _, r := range out {
			if signs, err := s.Keys.List(t.Context()); err != nil || len(signs) > 8 {
				t.Errorf("%s: %d keys, %v", r.Key.ID, len(signs), err)
			}
		}
	})
}

func TestRevokingWhatIsNotThere(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		if _, err := s.Keys.Revoke(t.Context(), "nope"); !errors.Is(err, keys.ErrNotFound) {
			t.Errorf("got %v, want ErrNoSuchKey", err)
		}
		mac := authtest.New(t, s.Store, authtest.HS256)
		if _, err := mac.Keys.Revoke(t.Context(), "nope"); !errors.Is(err, keys.ErrUnmanaged) {
			t.Errorf("got %v, want ErrNoKeys", err)
		}
	})
}

// TestTokenOfOursWithoutASessionIsForged: with a stolen key somebody might
// leave the session out, to be given one as the holder of a Django token is.
func TestTokenOfOursWithoutASessionIsForged(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		forged, _, err := s.Tokens.Issue(token.Refresh, g.User.ID, "", token.NewID(), s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t, forged); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("got %v, want ErrTokenInvalid", err)
		}
	})
}

// TestUnknownKeyKeepsNobodyWaiting: strangers can name keys that there are
// not. While the database is slow they must not pile up, each waiting for the
// one before.
func TestUnknownKeyKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).NewDatabase(t)
	s := authtest.New(t, storetest.Open(t, url))
	g := s.SignUp(t, "amina")
	_, claims, signature := cut(t, g.Access)
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"nobodys","typ":"JWT"}`))
	forged := header + "." + claims + "." + signature

	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	slow, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.ExecContext(t.Context(), `LOCK TABLE signing_keys`); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			began := time.Now()
			if _, err := s.Authenticate(ctx, forged); !errors.Is(err, account.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v, though its caller left after 100ms", took)
			}
		})
	}
	all.Wait()
	if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
		t.Errorf("a good token meanwhile: %v", err)
	}
	if err := slow.Rollback(); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // the load under way ends
		_, err := s.Authenticate(t.Context(), forged)
		if errors.Is(err, account.ErrTokenInvalid) {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("afterwards: %v, want ErrTokenInvalid", err)
		}
		s.Clock.Advance(time.Second)
	}
}

// cut returns the three parts of a token.
func cut(t *testing.T, raw string) (header, claims, signature string) {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", raw)
	}
	return parts[0], parts[1], parts[2]
}
