package auth_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
)

// TestChangesOfDifferentFieldsAtOnceAreAllKept: two forms of one page, or two
// devices.
func TestChangesOfDifferentFieldsAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		caller, err := s.Authenticate(t.Context(), g.Access)
		if err != nil {
			t.Fatal(err)
		}
		for round := range 20 {
			first, last, username := fmt.Sprint("First", round), fmt.Sprint("Last", round), fmt.Sprint("amina", round)
			var all sync.WaitGroup
			changes := []auth.ProfileChange{{FirstName: account.TextInput(first)}, {LastName: account.TextInput(last)}}
			if round < 2 { // a name is changed twice in 30 days at most
				changes = append(changes, auth.ProfileChange{Username: account.TextInput(username), Password: account.TextInput(authtest.Good)})
			} else {
				username = "amina1"
			}
			for _, change := range changes {
				all.Go(func() {
					if _, err := s.UpdateProfile(t.Context(), caller, change); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			u, err := s.Store.UserByID(t.Context(), g.User.ID)
			if err != nil || u.FirstName != first || u.LastName != last || u.Username != username {
				t.Fatalf("%q %q %q, %v; want %q %q %q", u.FirstName, u.LastName, u.Username, err, first, last, username)
			}
		}
		if _, err := s.UpdateProfile(t.Context(), caller, auth.ProfileChange{FirstName: account.TextInput("")}); err != nil {
			t.Fatal(err)
		}
		if u, err := s.Store.UserByID(t.Context(), g.User.ID); err != nil || u.FirstName != "" || u.LastName != "Last19" {
			t.Errorf("after the first name was taken away: %q %q, %v", u.FirstName, u.LastName, err)
		}
	})
}
