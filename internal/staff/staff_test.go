package staff_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
)

func TestDisabledUserLosesAccessAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrUserInactive) {
			t.Errorf("access: %v", err)
		}
		if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrUserInactive) {
			t.Errorf("refresh: %v", err)
		}
		if err := s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("access after enabling: %v; the old sessions stay ended", err)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Errorf("login after enabling: %v", err)
		}
	})
}

// TestClosedByTheStaffWhileDisabledStaysShut: a way back opens what was closed,
// and not what the staff disabled before.
func TestClosedByTheStaffWhileDisabledStaysShut(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		for _, delivered := range []bool{true, false} { // before it was disabled, or owed still
			username := map[bool]string{true: "delivered", false: "owed"}[delivered]
			g := s.SignUp(t, username)
			s.Prove(t, g)
			if err := s.AskEmailChange(t, g, username+"@example.com"); err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
			confirms := authtest.TokensOf(smtp, account.ConfirmEmail)
			if err := s.ConfirmEmail(t.Context(), authtest.Req, confirms[len(confirms)-1]); err != nil {
				t.Fatal(err)
			}
			if delivered {
				s.Deliver(t)
			}
			if err := s.Staff.Disable(t.Context(), g.User.ID, authtest.Reason); err != nil {
				t.Fatal(err)
			}
			if err := s.Staff.Close(t.Context(), g.User.ID, authtest.Reason); err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
			for _, back := range authtest.TokensOf(smtp, account.UndoEmail) {
				if err := s.UndoEmail(t.Context(), authtest.Req, back); authtest.FieldKeys(err)["token"] == nil {
					t.Errorf("%s: %v", username, err)
				}
			}
			if u, err := s.Staff.User(t.Context(), g.User.ID); err != nil || u.Active || u.ClosedAt.IsZero() {
				t.Errorf("%s: it is open again: %+v, %v", username, u.State(), err)
			}
			if kinds := mailsTo(t, s, username+"@example.ma"); delivered && !slices.Contains(kinds, account.MailAccountClosed) {
				t.Errorf("%s: the address before is not told of it: %v", username, kinds)
			}
		}
	})
}

func TestSetPasswordEndsSessions(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		if err := s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), account.TextInput("12345678"), authtest.Reason); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"password": {"password_too_common", "password_entirely_numeric"}}) {
			t.Errorf("weak: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("after a refused change: %v", err)
		}
		if err := s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), account.TextInput("another-Pass-77"), authtest.Reason); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("access: %v", err)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Errorf("old password: %v", err)
		}
		if _, err := s.SignIn(t, "amina", "another-Pass-77"); err != nil {
			t.Errorf("new password: %v", err)
		}
		if err := s.Staff.SetPassword(t.Context(), s.IDOf(t, "nobody"), account.TextInput(authtest.Good), authtest.Reason); !errors.Is(err, account.ErrUserNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

// TestWhoIsErasedMeanwhileIsNotThere: what staff do to somebody whom another
// erases at that moment is done, or they are told that there is nobody.
func TestWhoIsErasedMeanwhileIsNotThere(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		agent := s.AgentOf(t, s.Employs(t, "owner", account.Owner))
		for name, act := range map[string]func(svc *staff.Service, id int64) error{
			"look": func(svc *staff.Service, id int64) error { return svc.Look(t.Context(), id) },
			"note": func(svc *staff.Service, id int64) error {
				_, err := svc.AddNote(t.Context(), id, account.TextInput("called"))
				return err
			},
			"reset": func(svc *staff.Service, id int64) error {
				_, err := svc.StartReset(t.Context(), id, "")
				return err
			},
		} {
			for i := range 8 {
				id := s.SignUp(t, fmt.Sprintf("%s-%d", name, i)).User.ID
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := s.Staff.Erase(t.Context(), id, authtest.Reason); err != nil && !errors.Is(err, account.ErrUnavailable) {
						t.Errorf("%s: erase: %v", name, err)
					}
				})
				for range 3 {
					wg.Go(func() {
						err := act(s.Staff.As(agent), id)
						if err != nil && !errors.Is(err, account.ErrNotFound) && !errors.Is(err, account.ErrUserNotFound) && !errors.Is(err, account.ErrUserNotActive) && !errors.Is(err, account.ErrUnavailable) {
							t.Errorf("%s: %v", name, err)
						}
					})
				}
				wg.Wait()
			}
		}
	})
}
