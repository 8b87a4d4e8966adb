package auth_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// meanwhile runs something once when the server asks for the time, which it
// does between looking at a password and the transaction that follows.
type meanwhile struct {
	after atomic.Int32 // so many times more; the last one counts
	run   func()
}

func (m *meanwhile) asked() {
	if m.after.Add(-1) == 0 {
		m.run()
	}
}

// What a caller does with a password that the owner changed a moment ago does
// not come after the owner's change, and so outlive it: a hash takes its
// time, and whoever floods the queue of hashes has more of it.
func TestPasswordThatWasChangedMeanwhileConfirmsNothing(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]struct {
		field string
		times int32
		do    func(ctx context.Context, s *authtest.Server, c *auth.Caller) error
	}{
		"change of address": {"password", 1, func(ctx context.Context, s *authtest.Server, c *auth.Caller) error {
			return s.ChangeEmail(ctx, c, auth.EmailChange{Password: account.TextInput(authtest.PasswordOf("amina")), Email: account.TextInput("b@thief.example")})
		}},
		"closing": {"password", 1, func(ctx context.Context, s *authtest.Server, c *auth.Caller) error {
			return s.CloseAccount(ctx, c, account.TextInput(authtest.PasswordOf("amina")))
		}},
		"another username": {"password", 3, func(ctx context.Context, s *authtest.Server, c *auth.Caller) error {
			_, err := s.UpdateProfile(ctx, c, auth.ProfileChange{Username: account.TextInput("thief"), Password: account.TextInput(authtest.PasswordOf("amina"))})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
				smtp := smtptest.Start(t, smtptest.Options{})
				m := &meanwhile{}
				s := authtest.New(t, st, authtest.Mailing(t, smtp), func(o *app.Options, _ *token.Options) {
					now := o.Now
					o.Now = func() time.Time { m.asked(); return now() }
				})
				g := s.Has(t, "amina", "amina@example.ma")
				s.Prove(t, g)
				c := s.CallerOf(t, g)
				m.run = func() {
					if err := s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), account.TextInput("another-Pass-77"), authtest.Reason); err != nil {
						t.Error(err)
					}
				}
				m.after.Store(act.times)
				err := act.do(t.Context(), s, c)
				if m.after.Load() > 0 {
					t.Fatal("the password was not changed meanwhile")
				}
				if want := map[string][]string{act.field: {"password_wrong"}}; !cmp.Equal(authtest.FieldKeys(err), want) {
					t.Errorf("%v, want %v", err, want)
				}
				u, err := s.Store.UserByID(t.Context(), g.User.ID)
				if err != nil || u.Username != "amina" || !u.Active {
					t.Errorf("%q, active %v, %v", u.Username, u.Active, err)
				}
				s.Deliver(t)
				authtest.WantTokens(t, smtp, account.ConfirmEmail, 0)
			})
		})
	}
}

// TestConfirmProlongsNoSession: the access token of a refresh in its last hour
// outlasts it, and is good for no other.
func TestConfirmProlongsNoSession(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		codes := s.AddRecoveryCode(t, g.User.ID)
		s.AddTOTP(t, g.User.ID)
		lifetime := s.Tokens.Lifetime(token.Refresh)
		s.Clock.Advance(lifetime - time.Minute)
		p, err := s.Renew(t, g.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(2 * time.Minute)
		g.Access = p.Access
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, g), auth.Proof{RecoveryCode: account.TextInput(codes)}); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("a minute after its end: %v", err)
		}
		if left, err := s.Store.RecoveryCodesLeft(t.Context(), g.User.ID); err != nil || left != 1 {
			t.Errorf("%d recovery codes are left, %v: it was used up for nothing", left, err)
		}
	})
}
