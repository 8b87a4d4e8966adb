package auth_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

func TestRegistrationOpensASession(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		caller, err := s.Authenticate(t.Context(), g.Access)
		if err != nil {
			t.Fatal(err)
		}
		if caller.User.ID != g.User.ID || caller.User.Email != "amina@example.ma" {
			t.Errorf("caller %+v", caller)
		}
		sess, _, err := s.Store.SessionUser(t.Context(), caller.SessionID)
		if err != nil || sess.UserID != g.User.ID {
			t.Errorf("session %+v, %v", sess, err)
		}
		u, err := s.Store.UserByUsername(t.Context(), "amina")
		if err != nil || !u.Active || u.Staff || u.Language != "ar" || strings.Contains(u.PasswordHash, authtest.Good) || !strings.HasPrefix(u.PasswordHash, "$argon2id$") {
			t.Errorf("stored user %+v, %v", u, err)
		}
	})
}

func TestRegistrationReportsEveryBadField(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		null, notText := account.Input{State: account.Null}, account.Input{State: account.NotText}
		long := account.TextInput(strings.Repeat("a", 151))
		for name, test := range map[string]struct {
			change func(r *auth.Registration)
			want   map[string][]string
		}{
			"nothing": {
				func(r *auth.Registration) { *r = auth.Registration{} },
				map[string][]string{"username": {"field.required"}, "password": {"field.required"}},
			},
			"all null": {
				func(r *auth.Registration) { *r = auth.Registration{null, null, null, null, null} },
				map[string][]string{"username": {"field.null"}, "password": {"field.null"}, "email": {"field.null"}, "first_name": {"field.null"}, "last_name": {"field.null"}},
			},
			"no texts": {
				func(r *auth.Registration) { *r = auth.Registration{notText, notText, notText, notText, notText} },
				map[string][]string{"username": {"field.invalid"}, "password": {"field.invalid"}, "email": {"email.invalid"}, "first_name": {"field.invalid"}, "last_name": {"field.invalid"}},
			},
			"blank": {
				func(r *auth.Registration) { r.Username, r.Password = account.TextInput(""), account.TextInput("") },
				map[string][]string{"username": {"field.blank"}, "password": {"field.blank"}},
			},
			"too long": {
				func(r *auth.Registration) {
					r.Username, r.FirstName, r.LastName = long, long, long
					r.Email = account.TextInput(strings.Repeat("a", 250) + "@x.ma")
					r.Password = account.TextInput(strings.Repeat("é", 1025))
				},
				map[string][]string{
					"username": {"field.max_length"}, "first_name": {"field.max_length"}, "last_name": {"field.max_length"},
					"email": {"field.max_length"}, "password": {"password_too_long"},
				},
			},
			"taken": {func(r *auth.Registration) { r.Username = account.TextInput("amina") }, map[string][]string{"username": {"username.taken"}}},
			"taken, and weak": {func(r *auth.Registration) {
				r.Username, r.Password = account.TextInput("amina"), account.TextInput("1")
			}, map[string][]string{"username": {"username.taken"}}},
			"taken after NFKC": {func(r *auth.Registration) { r.Username = account.TextInput("ａｍｉｎａ") }, map[string][]string{"username": {"username.taken"}}},
			"weak": {
				func(r *auth.Registration) { r.Password = account.TextInput("1234567") },
				map[string][]string{"password": {"password_too_short", "password_too_common", "password_entirely_numeric"}},
			},
			"similar": {
				func(r *auth.Registration) {
					r.Username, r.Password = account.TextInput("mohammed.alaoui"), account.TextInput("mohammed.alaoui1")
				},
				map[string][]string{"password": {"password_too_similar"}},
			},
			"no characters": {
				func(r *auth.Registration) {
					r.Username = account.TextInput("a\x00b c")
					r.FirstName = account.TextInput("a\xed\xa0\x80")
					r.LastName = account.TextInput("\x00")
				},
				map[string][]string{"username": {"username.invalid", "field.null_characters"}, "first_name": {"field.surrogates"}, "last_name": {"field.null_characters"}},
			},
		} {
			r := authtest.Registration("new")
			test.change(&r)
			_, err := s.Register(t.Context(), authtest.Req, r)
			if diff := cmp.Diff(test.want, authtest.FieldKeys(err)); diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
		if _, err := s.Store.UserByUsername(t.Context(), "new"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a refused registration left a user: %v", err)
		}
	})
}

func TestOfManyRegistrationsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		var (
			wg       sync.WaitGroup
			mu       sync.Mutex
			won      int
			refusals int
		)
		for range 20 {
			wg.Go(func() {
				_, err := s.Register(t.Context(), authtest.Req, authtest.Registration("amina"))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case cmp.Equal(authtest.FieldKeys(err), map[string][]string{"username": {"username.taken"}}):
					refusals++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 || refusals != 19 {
			t.Errorf("%d registered, %d refused; want 1 and 19", won, refusals)
		}
	})
}

func TestLoginNeedsTheRightPasswordOfAnActiveUser(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SignUp(t, "gone")
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "gone"), ""); err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			username, plain string
			want            error
		}{
			"right":          {"amina", authtest.Good, nil},
			"wrong password": {"amina", authtest.Good + "x", account.ErrInvalidCredentials},
			"upper case":     {"AMINA", authtest.Good, account.ErrInvalidCredentials},
			"nobody":         {"nobody", authtest.Good, account.ErrInvalidCredentials},
			"inactive":       {"gone", authtest.Good, account.ErrInvalidCredentials},
			"by e-mail":      {"Amina@EXAMPLE.ma", authtest.Good, nil},
			"unknown e-mail": {"nobody@example.ma", authtest.Good, account.ErrInvalidCredentials},
		} {
			if _, err := s.SignIn(t, test.username, test.plain); !errors.Is(err, test.want) {
				t.Errorf("%s: got %v, want %v", name, err, test.want)
			}
		}
		u, err := s.Store.UserByUsername(t.Context(), "amina")
		if err != nil || !u.LastLoginAt.Equal(s.Clock.Now().Truncate(time.Microsecond)) {
			t.Errorf("last login %v, %v", u.LastLoginAt, err)
		}
	})
}

func TestLoginRenewsAnOutdatedHash(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		weak := password.NewHasher(password.Options{Params: password.Params{Memory: 32, Time: 1, Threads: 1}})
		defer weak.Close()
		old, err := weak.Hash(t.Context(), authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		const djangos = "pbkdf2_sha256$1000$salt0salt0salt0salt0sa$d29XNR0aIFz91bOsQTgxtG1ykm7rIyMOkMcAIY0Cr9Q="
		for _, hash := range []string{old, djangos} {
			err = s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.SetPassword(t.Context(), g.User.ID, hash, s.Clock.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
					t.Fatal(err)
				}
			}
			u, err := s.Store.UserByID(t.Context(), g.User.ID)
			if err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=64,") {
				t.Errorf("%s became %q, %v; want the present cost", hash, u.PasswordHash, err)
			}
		}
	})
}

func TestRefreshGivesAccessUntilTheSessionEnds(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Clock.Advance(2 * time.Hour)
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("old access token: %v", err)
		}
		s.Clock.Advance(21*time.Hour + 30*time.Minute)
		renewal, err := s.Renew(t, g.Refresh)
		if err != nil || renewal.Refresh != "" {
			t.Fatalf("refresh: %+v, %v", renewal, err)
		}
		sess, _, err := s.Store.SessionUser(t.Context(), g.Claims.SessionID)
		if err != nil || !sess.LastUsedAt.Equal(s.Clock.Now().Truncate(time.Microsecond)) {
			t.Errorf("last used %v, %v", sess.LastUsedAt, err)
		}
		s.Clock.Advance(45 * time.Minute) // a day has passed; the access token has a quarter of an hour left
		if _, err := s.Authenticate(t.Context(), renewal.Access); err != nil {
			t.Errorf("access token that outlasts its session: %v", err)
		}
		if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("refresh after a day: %v", err)
		}
	})
}

func TestTokensAreNoGoodForAnotherUse(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		if _, err := s.Renew(t, g.Access); !errors.Is(err, account.ErrTokenWrongType) {
			t.Errorf("access for refresh: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Refresh); !errors.Is(err, account.ErrTokenWrongType) {
			t.Errorf("refresh for access: %v", err)
		}
		if _, err := s.Refresh(t.Context(), authtest.Req, account.Input{}); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"refresh": {"field.required"}}) {
			t.Errorf("no token: %v", err)
		}
	})
}

// TestLeakedPasswordsAreRefused with the list and with a server, whose answer
// is asked for only when nothing else is wrong.
func TestLeakedPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	const onServer = "kV7#pazouk-on-server"
	digest := fmt.Sprintf("%X", sha1.Sum([]byte(onServer)))
	for name, test := range map[string]struct {
		list, ask bool
		plain     string
		want      []string
		questions int32
	}{
		"listed":             {true, true, "Khadijah", []string{"password_breached"}, 0},
		"too common already": {true, true, "password", []string{"password_too_common"}, 0},
		"numeric and listed": {true, true, "28111993", []string{"password_entirely_numeric"}, 0},
		"on the server":      {true, true, onServer, []string{"password_breached"}, 1},
		"without the list":   {false, true, onServer, []string{"password_breached"}, 1},
		"nowhere":            {true, true, authtest.Good, nil, 1},
		"no server":          {true, false, onServer, nil, 0},
		"off":                {false, false, "Khadijah", nil, 0},
	} {
		var want map[string][]string
		if test.want != nil {
			want = map[string][]string{"password": test.want}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
				var asked atomic.Int32
				hibp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					asked.Add(1)
					fmt.Fprintf(w, "%s:2\r\n", digest[5:])
				}))
				t.Cleanup(hibp.Close)
				o := breach.Options{List: test.list, Timeout: time.Minute} // one second is short on a busy machine
				if test.ask {
					o.URL = hibp.URL
				}
				s := authtest.New(t, st, func(a *app.Options, _ *token.Options) { a.Breached = breach.New(o) })
				r := authtest.Registration("amina")
				r.Password = account.TextInput(test.plain)
				if _, err := s.Register(t.Context(), authtest.Req, r); (err == nil) != (want == nil) || !cmp.Equal(authtest.FieldKeys(err), want) {
					t.Errorf("register: %v", err)
				}
				if got := asked.Load(); got != test.questions {
					t.Errorf("the server was asked %d times", got)
				}
				s.SignUp(t, "badr")
				if err := s.Staff.SetPassword(t.Context(), s.IDOf(t, "badr"), r.Password, authtest.Reason); (err == nil) != (want == nil) || !cmp.Equal(authtest.FieldKeys(err), want) {
					t.Errorf("set password: %v", err)
				}
			})
		})
	}
}

// TestRegistrationDoesNotWaitForABreachServer that is away.
func TestRegistrationDoesNotWaitForABreachServer(t *testing.T) {
	t.Parallel()
	gone := "http://" + porttest.Address(t)
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		c := breach.New(breach.Options{List: true, URL: gone})
		s := authtest.New(t, st, func(o *app.Options, _ *token.Options) { o.Breached = c })
		s.SignUp(t, "amina")
		if c.Failures() != 1 {
			t.Errorf("%d failures", c.Failures())
		}
	})
}

// TestPasswordsAreOneInNFKC: a login from another keyboard, and the renewal
// of what Django hashed as it was typed.
func TestPasswordsAreOneInNFKC(t *testing.T) {
	t.Parallel()
	const composed, decomposed = "crème-brûlée-42", "cre\u0300me-bru\u0302le\u0301e-42"
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		r := authtest.Registration("amina")
		r.Password = account.TextInput(decomposed)
		if _, err := s.Register(t.Context(), authtest.Req, r); err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{composed, decomposed} {
			if _, err := s.SignIn(t, "amina", plain); err != nil {
				t.Errorf("%+q: %v", plain, err)
			}
		}
		sum := sha1.Sum([]byte("salt" + decomposed))
		u := account.User{Username: "badr", PasswordHash: "sha1$salt$" + hex.EncodeToString(sum[:]), Active: true, JoinedAt: s.Clock.Now()}
		if err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "badr", composed); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Errorf("Django's hash with another spelling: %v", err)
		}
		for _, plain := range []string{decomposed, composed} {
			if _, err := s.SignIn(t, "badr", plain); err != nil {
				t.Errorf("Django's hash, %+q: %v", plain, err)
			}
		}
	})
}

func TestTokensOfDjangoKeepWorking(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]authtest.Setting{
		"HS256": {authtest.HS256}, "HS256 with rotation": {authtest.HS256, authtest.Rotation},
		"ES256": {authtest.Accepting}, "ES256 with rotation": {authtest.Accepting, authtest.Rotation},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
				g := s.SignUp(t, "amina")
				access := authtest.DjangoToken(t, s, token.Access, g.User.ID, "a")
				if c, err := s.Authenticate(t.Context(), access); err != nil || c.User.Username != "amina" {
					t.Fatalf("access: %+v, %v", c, err)
				}
				if _, err := s.Authenticate(t.Context(), authtest.DjangoToken(t, s, token.Access, 404, "b")); !errors.Is(err, account.ErrUserNotFound) {
					t.Errorf("access of nobody: %v", err)
				}
				old := authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "r")
				s.Clock.Advance(time.Minute)
				renewal, err := s.Renew(t, old)
				if err != nil {
					t.Fatalf("refresh: %v", err)
				}
				caller, err := s.Authenticate(t.Context(), renewal.Access)
				if err != nil || caller.SessionID == "" {
					t.Fatalf("renewed access: %+v, %v; want one with a session", caller, err)
				}
				again, err := s.Renew(t, old)
				if err != nil || again.Refresh != renewal.Refresh {
					t.Errorf("again: %v", err)
				}
				if _, err := s.Renew(t, authtest.DjangoToken(t, s, token.Refresh, 404, "x")); !errors.Is(err, account.ErrUserNotFound) {
					t.Errorf("refresh of nobody: %v", err)
				}
				// The adopted session ends like any other.
				err = s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
					return tx.RevokeSession(t.Context(), caller.SessionID, s.Clock.Now())
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Renew(t, old); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("refresh after the end: %v", err)
				}
			}, settings...)
		})
	}
}

func TestTokenOnDjangosBlacklistIsRefused(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		never, used := authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "never"), authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "used")
		if _, err := s.Renew(t, used); err != nil {
			t.Fatalf("before: %v", err)
		}
		var added int64
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) (err error) {
			revoked := []store.RevokedToken{{ID: "never", ExpiresAt: s.Clock.Now().Add(time.Hour)}, {ID: "used", ExpiresAt: s.Clock.Now().Add(time.Hour)}}
			if added, err = tx.RevokeTokens(t.Context(), revoked); err != nil {
				return err
			}
			again, err := tx.RevokeTokens(t.Context(), revoked)
			added += again
			return err
		})
		if err != nil || added != 2 {
			t.Fatalf("revoked %d, %v; want 2", added, err)
		}
		for name, raw := range map[string]string{"never used here": never, "used here before": used} {
			if _, err := s.Renew(t, raw); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: got %v, want ErrTokenInvalid", name, err)
			}
		}
		if _, err := s.Renew(t, authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "other")); err != nil {
			t.Errorf("another token: %v", err)
		}
	}, authtest.HS256)
}

func TestSweepForgetsRevokedTokensThatExpired(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			_, err := tx.RevokeTokens(t.Context(), []store.RevokedToken{{ID: "r", ExpiresAt: s.Clock.Now()}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			there bool
		}{{0, true}, {23 * time.Hour, true}, {2 * time.Hour, false}} {
			s.Clock.Advance(step.after)
			if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Store.TokenRevoked(t.Context(), "r"); err != nil || got != step.there {
				t.Errorf("after %v: revoked %v, %v; want %v", step.after, got, err, step.there)
			}
		}
	})
}

func TestTokenOfAnotherUsersSessionIsRefused(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		amina, badr := s.SignUp(t, "amina"), s.SignUp(t, "badr")
		mixed, _, err := s.Tokens.Issue(token.Access, badr.User.ID, amina.Claims.SessionID, "x", s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), mixed); !errors.Is(err, account.ErrUserNotFound) {
			t.Errorf("got %v, want ErrUserNotFound", err)
		}
		lost, _, err := s.Tokens.Issue(token.Access, badr.User.ID, "no such session", "x", s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), lost); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("got %v, want ErrTokenInvalid", err)
		}
	})
}

func TestServersShareKeys(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		one, two := authtest.New(t, st), authtest.New(t, st)
		g := one.SignUp(t, "amina")
		if _, err := two.Authenticate(t.Context(), g.Access); err != nil {
			t.Fatalf("token of the other server: %v", err)
		}
		if err := one.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*yoozaktest.Clock{one.Clock, two.Clock} {
			c.Advance(keys.Delay + time.Second)
		}
		// The second server has not reloaded its keys, but asks when it sees
		// one that it does not know.
		g, err := one.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := two.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("token of the new key: %v", err)
		}
		if _, err := two.Renew(t, g.Refresh); err != nil {
			t.Errorf("refresh token of the new key: %v", err)
		}
		all, err := one.Keys.List(t.Context())
		if err != nil || len(all) != 4 {
			t.Fatalf("%d keys, %v; want 4", len(all), err)
		}
		for _, k := range all {
			if !k.Private.Empty() {
				t.Error("a private key was listed")
			}
		}
	})
}

func TestHS256HasNoKeysToRotate(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		if err := s.Keys.Rotate(t.Context()); !errors.Is(err, keys.ErrUnmanaged) {
			t.Errorf("got %v, want ErrNoKeys", err)
		}
	}, authtest.HS256)
}

func TestSweepForgetsSessionsThatNoTokenNeeds(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		for _, step := range []struct {
			after time.Duration
			there bool
		}{{0, true}, {48 * time.Hour, true}, {2 * time.Hour, false}} {
			s.Clock.Advance(step.after)
			if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			_, _, err := s.Store.SessionUser(t.Context(), g.Claims.SessionID)
			if (err == nil) != step.there {
				t.Errorf("after %v: %v", step.after, err)
			}
		}
	})
}

func TestEmailsThatDjangoTakes(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for i, test := range []struct {
			email string
			ok    bool
		}{
			{"a@b.ma", true}, {"a+tag@b.ma", true}, {`"quoted"@b.ma`, true}, {"a@[127.0.0.1]", true}, {"a@[::1]", true},
			{"a@localhost", true}, {"a@éxample.ma", true}, {"a@xn--mgba3a4f16a.ir", true}, {"!#$%&'*+/=?^_`{}|~@b.ma", true},
			{"plain", false}, {"a@", false}, {"@b.ma", false}, {"a@b", false}, {"a@b.c", false}, {"a b@c.ma", false}, {"a@b..ma", false},
			{"a@-b.ma", false}, {"a@b-.ma", false}, {"a@b_c.ma", false}, {"é@b.ma", false}, {"a..b@c.ma", false}, {"a@[300.1.1.1]", false},
			{"a@b.ma-", false}, {"a@b.ma.", false}, {"a@b@c", false},
		} {
			r := authtest.Registration(fmt.Sprint("user", i))
			r.Email = account.TextInput(test.email)
			_, err := s.Register(t.Context(), authtest.Req, r)
			if test.ok && err != nil || !test.ok && !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"email": {"email.invalid"}}) {
				t.Errorf("%q: got %v, want ok %v", test.email, err, test.ok)
			}
		}
	})
}
