package auth_test

import (
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/token"
)

// TestUserHasAHundredSessionsAtMost: one more ends the one that was used
// longest ago, and says so.
func TestUserHasAHundredSessionsAtMost(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		other := s.SignUp(t, "badr")
		grants := []auth.LoginResult{s.SignUp(t, "amina")}
		login := func() auth.LoginResult {
			t.Helper()
			s.Clock.Advance(time.Minute)
			g, err := s.SignIn(t, "amina", authtest.Good)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		for range 99 {
			grants = append(grants, login())
		}
		if _, err := s.Renew(t, grants[0].Refresh); err != nil { // is used again
			t.Fatal(err)
		}
		if err := s.Logout(t.Context(), authtest.Req, account.TextInput(grants[50].Refresh)); err != nil {
			t.Fatal(err)
		}
		grants = append(grants, login()) // in its place
		alive := func(g auth.LoginResult) bool {
			_, err := s.Renew(t, g.Refresh)
			return err == nil
		}
		if !alive(grants[1]) {
			t.Error("a session was ended though there were a hundred")
		}
		s.Clock.Advance(time.Hour) // so that the look was long ago
		c := s.CallerOf(t, login())
		for i, want := range map[int]bool{0: true, 1: true, 2: false, 3: true, 50: false, 100: true} {
			if got := alive(grants[i]); got != want {
				t.Errorf("session %d: alive %v, want %v", i, got, want)
			}
		}
		if !alive(other) {
			t.Error("somebody else's session was ended")
		}
		sessions, err := s.Sessions(t.Context(), c)
		if err != nil || len(sessions) != 100 || sessions[0].UserID != c.User.ID {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
		sec, err := s.Security(t.Context(), c)
		if err != nil || sec.Sessions != 100 {
			t.Errorf("%d sessions, %v", sec.Sessions, err)
		}
		second, err := s.Tokens.Verify(grants[2].Refresh, token.Refresh, s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range s.AllEvents(t) {
			if e.Kind != account.EventSessionEnded {
				continue
			}
			n++
			if e.Actor != account.ActorSystem || e.UserID != c.User.ID || e.SessionID != c.SessionID || e.IP != authtest.Req.IP || e.ReadDetails().Session != second.SessionID {
				t.Errorf("event %+v", e)
			}
		}
		if n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}
