package staff_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
)

// TestEverybodyIsShownWhoMayBeMeant: an id is another's username, and anybody
// can claim an address.
func TestEverybodyIsShownWhoMayBeMeant(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.Claims(t, "amina", "amina@example.ma") // 1
		s.Claims(t, "1", "badr@example.ma")
		s.Claims(t, "amina@example.ma", "chama@example.ma")
		s.Claims(t, "driss", "Amina@Example.MA")
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "driss"), ""); err != nil {
			t.Fatal(err)
		}
		for who, want := range map[string][]int64{
			"1": {1, 2}, "2": {2}, "amina": {1}, "amina@example.ma": {1, 3, 4}, "AMINA@example.ma": {1, 4}, "driss": {4}, "\uff41mina": {1},
			"Amina": nil, "nobody": nil, "7": nil, "-1": nil, "": nil, "@": nil, "99999999999999999999": nil,
		} {
			found, more, err := s.Staff.Show(t.Context(), who)
			var got []int64
			for _, u := range found {
				got = append(got, u.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" || more || (want == nil) != errors.Is(err, account.ErrUserNotFound) {
				t.Errorf("%q: %v (-want +got):\n%s", who, err, diff)
			}
		}
		for i := range 20 {
			s.Claims(t, fmt.Sprint("stranger", i), "amina@example.ma")
		}
		found, more, err := s.Staff.Show(t.Context(), "amina@example.ma")
		if err != nil || !more || len(found) != 21 || found[0].ID != 1 { // the oldest twenty, and who is called so
			t.Errorf("%d users, %v, %v", len(found), more, err)
		}
	})
}

// TestShownUserIsAsTheAccountIs.
func TestShownUserIsAsTheAccountIs(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		show := func() (u struct {
			State         account.UserState
			Sessions      int
			HasPassword   bool
			Verified      bool
			SessionUsedAt time.Time
		}) {
			t.Helper()
			found, _, err := s.Staff.Show(t.Context(), "amina")
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			u.State, u.Sessions, u.HasPassword, u.SessionUsedAt = found[0].State(), found[0].Sessions, found[0].HasPassword, found[0].SessionUsedAt
			u.Verified = !found[0].EmailVerifiedAt.IsZero()
			return u
		}
		g := s.SignUp(t, "amina")
		if got := show(); got.State != account.UserActive || got.Sessions != 1 || !got.HasPassword || got.Verified {
			t.Errorf("new: %+v", got)
		}
		s.Prove(t, g)
		s.Clock.Advance(time.Minute)
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Fatal(err)
		}
		if got := show(); got.Sessions != 2 || !got.Verified || !got.SessionUsedAt.Equal(s.Clock.Now().Truncate(time.Microsecond)) {
			t.Errorf("logged in twice: %+v", got)
		}
		s.Clock.Advance(24*time.Hour - 30*time.Second) // the first session is over, and is not deleted yet
		if got := show(); got.Sessions != 1 {
			t.Errorf("when one has expired: %+v", got)
		}
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		if got := show(); got.State != account.UserDisabled || got.Sessions != 0 || !got.SessionUsedAt.IsZero() {
			t.Errorf("disabled: %+v", got)
		}
		if err := s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		g, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		if got := show(); got.State != account.UserClosed || got.Sessions != 0 {
			t.Errorf("closed: %+v", got)
		}
		if err := s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "amina@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		if got := show(); got.State != account.UserActive || got.HasPassword || !got.Verified {
			t.Errorf("given back: %+v", got)
		}
	})
}
