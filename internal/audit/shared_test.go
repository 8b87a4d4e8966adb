package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
)

// TestFailuresAreBounded: a flood must not fill the disk, nor drown what
// happens to others, and all are counted.
func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SignUp(t, "badr")
		fail := func(username, ip string, times int) {
			for range times {
				from := authtest.Req
				from.IP = ip
				if _, err := s.Login(t.Context(), from, auth.Credentials{Username: account.TextInput(username), Password: account.TextInput("wrong")}); !errors.Is(err, account.ErrInvalidCredentials) {
					t.Fatal(err)
				}
			}
		}
		rows := func(condition func(account.Event) bool) (n, count int) {
			for _, e := range s.AllEvents(t) {
				if e.Kind == account.EventLoginFailed && condition(e) {
					n++
					count += max(1, e.ReadDetails().Count)
				}
			}
			return n, count
		}
		check := func(what string, wantRows, wantCount int, condition func(account.Event) bool) {
			t.Helper()
			if n, count := rows(condition); n != wantRows || count != wantCount {
				t.Errorf("%s: %d rows that count %d, want %d and %d", what, n, count, wantRows, wantCount)
			}
		}
		amina := func(e account.Event) bool { return e.UserID == 1 }
		fail("amina", "192.0.2.1", 7)
		s.SealAll(t)
		check("seven at once", 1, 7, amina)
		fail("amina", "192.0.2.1", 3)
		s.SealAll(t)
		check("three more in the minute", 1, 7, amina)
		s.Clock.Advance(time.Minute)
		s.SealAll(t)
		check("after the minute", 2, 10, amina)
		s.Clock.Advance(time.Minute)
		s.SealAll(t)
		s.SealAll(t)
		check("nothing more", 2, 10, amina)

		for i := range 20 {
			fail("amina", fmt.Sprintf("198.51.100.%d", i), 2)
		}
		s.SealAll(t)
		check("twenty addresses", 2+5+1, 10+40, amina)
		for i := range 100 {
			fail(fmt.Sprint("nobody", i), fmt.Sprintf("198.51.100.%d", i), 1)
		}
		fail("badr", "192.0.2.9", 1)
		s.SealAll(t)
		check("a hundred made-up names", 60+1, 100, func(e account.Event) bool { return e.UserID == 0 })
		check("somebody beside the flood", 1, 1, func(e account.Event) bool { return e.UserID == 2 && e.IP == "192.0.2.9" })

		s.Clock.Advance(time.Minute)
		s.SealAll(t)
		fail("amina", "192.0.2.1", 4)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Audit.Seal(gone); err == nil {
			t.Error("no error from a database that does not answer")
		}
		s.SealAll(t)
		check("after a failed write", 2+5+1+1, 10+40+4, amina)
		fail("amina", "192.0.2.1", 4)
		if err := s.Audit.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("at the end", 2+5+1+2, 10+40+8, amina)
		for _, e := range s.AllEvents(t) {
			if strings.Contains(fmt.Sprintf("%+v", e), "nobody") {
				t.Errorf("a typed name was stored: %+v", e)
			}
		}
		s.Verified(t, store.EventHead{})
	})
}

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
			s.Verified(t, store.EventHead{})
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
		if err := s.Audit.Finish(t.Context()); err != nil {
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
		s.Verified(t, store.EventHead{})
	})
}
