package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
)

// TestChangesOverAndOverShareAnEvent: a minute of them is two rows, and all
// are counted.
func TestChangesOverAndOverShareAnEvent(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		amina, badr := s.CallerOf(t, s.SignUp(t, "amina")), s.CallerOf(t, s.SignUp(t, "badr"))
		g, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		phone := s.CallerOf(t, g)
		sessions := map[string]string{amina.SessionID: "web", phone.SessionID: "phone", badr.SessionID: "badr"}
		name := 0
		next := func() account.Input { name++; return account.TextInput(fmt.Sprint("Name ", name)) }
		change := func(c *auth.Caller, p auth.ProfileChange) {
			t.Helper()
			if _, err := s.UpdateProfile(t.Context(), c, p); err != nil {
				t.Fatal(err)
			}
		}
		check := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, s.EventChanges(t, sessions)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			s.Verified(t, account.EventHead{})
		}
		for range 100 {
			change(amina, auth.ProfileChange{FirstName: next()})
			s.SealAll(t)
		}
		check("a hundred", "1 web 1 first_name")
		change(amina, auth.ProfileChange{LastName: next()})
		change(phone, auth.ProfileChange{FirstName: next()})
		change(badr, auth.ProfileChange{FirstName: next()})
		others := []string{"1 web 1 first_name", "1 web 1 last_name", "1 phone 1 first_name", "2 badr 1 first_name"}
		check("other fields, another session, somebody else", others...)
		// One that is refused is none.
		if _, err := s.UpdateProfile(t.Context(), badr, auth.ProfileChange{Username: account.TextInput("amina")}); err == nil {
			t.Fatal("the name was free")
		}
		s.Clock.Advance(time.Minute)
		s.SealAll(t)
		check("after a minute", append(others, "1 web 99 first_name")...)
		change(amina, auth.ProfileChange{FirstName: next()})
		s.SealAll(t)
		check("once more", append(others, "1 web 99 first_name")...)
		s.Clock.Advance(time.Minute)
		s.SealAll(t)
		check("after two minutes", append(others, "1 web 99 first_name", "1 web 1 first_name")...)
		s.Clock.Advance(2 * time.Minute) // though nothing was sealed meanwhile
		change(amina, auth.ProfileChange{FirstName: next()})
		check("after quiet minutes", append(others, "1 web 99 first_name", "1 web 1 first_name", "1 web 1 first_name")...)
		change(amina, auth.ProfileChange{FirstName: next()})
		if err := s.FinishEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("when the server stops", append(others, "1 web 99 first_name", "1 web 1 first_name", "1 web 1 first_name", "1 web 1 first_name")...)
	})
}

// TestChangesOfAUserHaveFewRows, however many sessions and fields there are.
func TestChangesOfAUserHaveFewRows(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		n := 0
		for range 20 {
			g, err := s.SignIn(t, "amina", authtest.Good)
			if err != nil {
				t.Fatal(err)
			}
			c := s.CallerOf(t, g)
			for _, p := range []auth.ProfileChange{{FirstName: account.TextInput(fmt.Sprint("N", n))}, {LastName: account.TextInput(fmt.Sprint("N", n))}, {FirstName: account.TextInput(fmt.Sprint("M", n))}} {
				n++
				if _, err := s.UpdateProfile(t.Context(), c, p); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Clock.Advance(time.Minute)
		s.SealAll(t)
		rows, count := 0, 0
		for _, e := range s.AllEvents(t) {
			if e.Kind == account.EventProfileChanged {
				d := e.ReadDetails()
				rows++
				count += max(1, d.Count)
				if e.UserID != 1 || len(d.Fields) == 0 || e.SessionID == "" && strings.Join(d.Fields, "+") != "first_name+last_name" {
					t.Errorf("event %+v", e)
				}
			}
		}
		if rows > 11 || count != n {
			t.Errorf("%d rows that count %d of %d changes, want 11 at most and all", rows, count, n)
		}
		s.Verified(t, account.EventHead{})
	})
}
