package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

const week = 7 * 24 * time.Hour

// TestVerificationGoesOnWhereItEnded: it looks at what is new, and once a week
// at everything; and finds, by the head that it has in memory, a chain that was
// made anew meanwhile.
func TestVerificationGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		const (
			anew  = `UPDATE events SET seq = NULL, hash = NULL`
			empty = `UPDATE event_chain SET seq = 0, hash = removed_hash`
		)
		st := storetest.Open(t, url)
		s := authtest.New(t, st)
		sign := func(names ...string) {
			t.Helper()
			for _, name := range names {
				s.SignUp(t, name)
			}
			s.SealAll(t)
		}
		sign("amina", "badr") // 1 and 2 are keys
		db := authtest.OpenRaw(t, url)
		authtest.Execute(t, db, `CREATE TABLE kept_events AS SELECT * FROM events`, `CREATE TABLE kept_chain AS SELECT * FROM event_chain`)
		names := 0
		for name, test := range map[string]struct {
			statements []string
			reseal     bool   // as the server will by itself
			at         string // in the problem, at once
			later      string // in the problem, after a week
		}{
			"nothing":                    {},
			"what is new is changed":     {statements: []string{`UPDATE events SET kind = 'logout' WHERE seq = 5`}, at: "number 5,", later: "number 5,"},
			"what is old is changed":     {statements: []string{`UPDATE events SET kind = 'logout' WHERE seq = 3`}, later: "number 3,"},
			"where it ended is changed":  {statements: []string{`UPDATE events SET hash = commitment WHERE seq = 4`}, at: "number 4 does not have the hash", later: "number 4,"},
			"where it ended is removed":  {statements: []string{`DELETE FROM events WHERE seq = 4`}, at: "number 4, whose hash was noted, is not there", later: "number 4 is not there"},
			"cut before where it ended":  {statements: []string{`DELETE FROM events WHERE seq >= 4`, `UPDATE event_chain SET seq = 3, hash = (SELECT hash FROM events WHERE seq = 3)`}, at: "the chain ends at number 3", later: "the chain ends at number 3"},
			"made anew":                  {statements: []string{`DELETE FROM events WHERE id = 3`, anew, empty}, reseal: true, at: "number 4 does not have the hash", later: "number 4 does not have the hash"},
			"made anew, as far as it is": {statements: []string{`UPDATE events SET kind = 'logout' WHERE id = 4`, anew, empty}, reseal: true, at: "number 4 does not have the hash", later: "number 4 does not have the hash"},
		} {
			authtest.Execute(t, db, `DELETE FROM events`, `INSERT INTO events SELECT * FROM kept_events`, `DELETE FROM event_chain`, `INSERT INTO event_chain SELECT * FROM kept_chain`)
			s = authtest.New(t, st) // a server that starts
			verify := func(when, want string, sealed int) {
				t.Helper()
				r, err := s.Audit.VerifyNew(t.Context())
				if err != nil || (r.Problem == "") != (want == "") || !strings.Contains(r.Problem, want) {
					t.Errorf("%s, %s: %q, %v, want %q", name, when, r.Problem, err, want)
				}
				if r.Problem == "" && r.Sealed != sealed {
					t.Errorf("%s, %s: %d events were looked at, want %d", name, when, r.Sealed, sealed)
				}
			}
			verify("at the start", "", 4)
			verify("again", "", 0)
			names++
			sign("person" + string(rune('a'+names)))
			authtest.Execute(t, db, test.statements...)
			if test.reseal {
				s.SealAll(t)
			}
			verify("with something new", test.at, 1)
			s.Clock.Advance(week)
			verify("after a week", test.later, 5)
			if test.later != "" {
				verify("and again", test.later, 0)
				continue
			}
			verify("and again", "", 0)
			s.Clock.Advance(-2 * week)
			verify("by a clock that was set back", "", 5)
		}
	})
}

// TestVerificationFindsNothingInEventsThatWereRemoved for their age, also where
// it ended.
func TestVerificationFindsNothingInEventsThatWereRemoved(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		verify := func(when string) {
			t.Helper()
			if r, err := s.Audit.VerifyNew(t.Context()); err != nil || r.Problem != "" {
				t.Errorf("%s: %q, %v", when, r.Problem, err)
			}
		}
		s.SignUp(t, "amina")
		s.SealAll(t)
		verify("before")
		s.SignUp(t, "badr")
		s.SealAll(t)
		s.Clock.Advance(2 * 365 * 24 * time.Hour)
		s.SignUp(t, "chama")
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, store.EventHead{}); r.Removed.Seq != 4 { // 3 is where the first ended
			t.Fatalf("%+v", r)
		}
		verify("after the removal")
		verify("again")
	}, authtest.KeepAYear)
}

// TestVerificationFindsNothingInWhatAPromotionLost: a server that ran on the
// primary goes on with a standby that lacks the newest events.
func TestVerificationFindsNothingInWhatAPromotionLost(t *testing.T) {
	t.Parallel()
	first := pgtest.StartOwn(t)
	first.Exec(t, "CREATE DATABASE y")
	storetest.Open(t, first.URL("y"))
	second := first.Standby(t)
	host := func(c *pgtest.Cluster) string {
		rest := strings.TrimPrefix(c.URL("y"), "postgres://yoozak@")
		return rest[:strings.Index(rest, "/")]
	}
	s := authtest.New(t, storetest.Open(t, "postgres://yoozak@"+host(first)+","+host(second)+"/y?sslmode=disable&target_session_attrs=read-write"))
	cutOff(t, first, second)
	s.SignUp(t, "amina")
	s.SealAll(t)
	noted := s.Verified(t, store.EventHead{}).Head
	if r, err := s.Audit.VerifyNew(t.Context()); err != nil || r.Problem != "" || r.Head.Seq != noted.Seq {
		t.Fatalf("%+v, %v", r, err)
	}
	first.Kill()
	second.Exec(t, "SELECT pg_promote()")
	var r audit.Report
	authtest.Eventually(t, func() (answered bool) {
		var err error
		r, err = s.Audit.VerifyNew(t.Context())
		return err == nil
	})
	if r.Problem != "" || r.Head.Seq >= noted.Seq {
		t.Errorf("%+v", r)
	}
}
