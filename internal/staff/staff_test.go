package staff_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
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
