package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// TestVerificationFindsWhatAnAttackerDoes: somebody who can write SQL.
func TestVerificationFindsWhatAnAttackerDoes(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url), authtest.EraseAfter30Days)
		for _, name := range []string{"amina", "badr", "chama"} {
			s.SignUp(t, name)
			if _, err := s.SignIn(t, name, authtest.Good); err != nil {
				t.Fatal(err)
			}
			s.SealAll(t)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil { // not sealed
			t.Fatal(err)
		}
		// 1 and 2 are keys; 3, 5, 7 registrations; 4, 6, 8 logins; 9 waits.
		good := s.Verified(t, store.EventHead{})
		if good.Sealed != 8 || good.Unsealed != 1 || good.Head.Seq != 8 {
			t.Fatalf("%+v", good)
		}
		s.Verified(t, good.Head)
		db := authtest.OpenRaw(t, url)
		authtest.Execute(t, db, `CREATE TABLE kept_events AS SELECT * FROM events`, `CREATE TABLE kept_chain AS SELECT * FROM event_chain`)

		const anew = `UPDATE events SET seq = NULL, hash = NULL`
		const empty = `UPDATE event_chain SET seq = 0, hash = removed_hash`
		for name, test := range map[string]struct {
			statements []string
			reseal     bool   // as the server will by itself
			noted      bool   // the head is needed to find it
			want       string // in the problem
		}{
			"changed time":              {[]string{`UPDATE events SET at = (SELECT MAX(expires_at) FROM sessions) WHERE id = 6`}, false, false, "number 6"},
			"changed kind":              {[]string{`UPDATE events SET kind = 'logout' WHERE id = 4`}, false, false, "number 4, with the id 4"},
			"changed actor":             {[]string{`UPDATE events SET actor = 'system' WHERE id = 5`}, false, false, "number 5"},
			"changed details":           {[]string{`UPDATE events SET details = '' WHERE id = 1`}, false, false, "number 1,"},
			"changed id":                {[]string{`UPDATE events SET id = 100 WHERE id = 6`}, false, false, "number 6, with the id 100"},
			"changed user":              {[]string{`UPDATE events SET user_id = 2 WHERE id = 4`}, false, false, "number 4, with the id 4 (login"},
			"changed ip":                {[]string{`UPDATE events SET ip = '192.0.2.1' WHERE id = 4`}, false, false, "of the person was changed"},
			"changed user agent":        {[]string{`UPDATE events SET user_agent = 'x' WHERE id = 8`}, false, false, "number 8"},
			"changed session":           {[]string{`UPDATE events SET session_id = 'x' WHERE id = 8`}, false, false, "number 8"},
			"changed request":           {[]string{`UPDATE events SET request_id = 'x' WHERE id = 3`}, false, false, "number 3"},
			"ip without its commitment": {[]string{`UPDATE events SET ip = '192.0.2.1', commitment = hash WHERE id = 4`}, false, false, "number 4"},
			"taken away salt":           {[]string{`UPDATE events SET salt = NULL WHERE id = 4`}, false, false, "number 4"},
			"changed hash":              {[]string{`UPDATE events SET hash = commitment WHERE id = 5`}, false, false, "number 5"},
			"removed":                   {[]string{`DELETE FROM events WHERE id = 5`}, false, false, "number 5 is not there: after number 4 comes number 6"},
			"removed and closed up":     {[]string{`DELETE FROM events WHERE id = 5`, `UPDATE events SET seq = seq - 1 WHERE id = 6`, `UPDATE events SET seq = seq - 1 WHERE id = 7`, `UPDATE events SET seq = seq - 1 WHERE id = 8`, `UPDATE event_chain SET seq = 7`}, false, false, "number 5, with the id 6"},
			"removed first":             {[]string{`DELETE FROM events WHERE id = 1`}, false, false, "number 1 is not there"},
			"removed newest":            {[]string{`DELETE FROM events WHERE id = 8`}, false, false, "number 8 is not there"},
			"removed all":               {[]string{`DELETE FROM events`}, false, false, "number 1 is not there"},
			"unsealed":                  {[]string{`UPDATE events SET seq = NULL WHERE id = 5`}, false, false, "number 5 is not there"},
			"swapped":                   {[]string{`UPDATE events SET seq = 100 WHERE id = 4`, `UPDATE events SET seq = 4 WHERE id = 6`, `UPDATE events SET seq = 6 WHERE id = 4`}, false, false, "number 4, with the id 6"},
			"put in":                    {[]string{`INSERT INTO events (id, at, kind, actor, details, session_id, request_id, ip, user_agent, commitment, seq, hash) SELECT 50, at, kind, actor, details, '', '', '', '', commitment, 9, hash FROM events WHERE id = 8`, `UPDATE event_chain SET seq = 9`}, false, false, "number 9, with the id 50"},
			"head's note":               {[]string{`UPDATE event_chain SET hash = (SELECT hash FROM events WHERE id = 7)`}, false, false, "note of the head"},
			"no note of the head":       {[]string{`DELETE FROM event_chain`}, false, false, "is not there"},
			"anonymous without erasure": {[]string{`UPDATE events SET user_id = NULL, session_id = '', request_id = '', ip = '', user_agent = '', salt = NULL WHERE id = 4`}, false, false, "1 events are without their personal part"},
			"unsealed ip":               {[]string{`UPDATE events SET ip = '192.0.2.1' WHERE id = 9`}, false, false, "id 9, not sealed yet"},
			"removed as if old":         {[]string{`UPDATE event_chain SET removed_seq = 4, removed_hash = (SELECT hash FROM events WHERE seq = 4)`, `DELETE FROM events WHERE seq <= 4`}, false, false, "no events_removed event tells of it"},
			"cut at the end":            {[]string{`DELETE FROM events WHERE seq >= 7`, `UPDATE event_chain SET seq = 6, hash = (SELECT hash FROM events WHERE seq = 6)`}, false, true, "the chain ends at number 6"},
			"made anew":                 {[]string{`DELETE FROM events WHERE id = 4`, anew, empty}, true, true, "number 8 does not have the hash that was noted"},
			"made anew, and longer": {[]string{
				`INSERT INTO events (at, kind, actor, details, session_id, request_id, ip, user_agent, commitment) SELECT at, kind, actor, details, '', '', '', '', commitment FROM events WHERE kind = 'key_created'`,
				`INSERT INTO events (at, kind, actor, details, session_id, request_id, ip, user_agent, commitment) SELECT at, 'events_anonymised', 'system', '{"count":4}', '', '', '', '', commitment FROM events WHERE id = 1`,
				`DELETE FROM events WHERE id = 6`, anew, empty,
			}, true, true, "noted"},
		} {
			authtest.Execute(t, db, test.statements...)
			if test.reseal {
				s.SealAll(t)
			}
			alone, err := s.Audit.Verify(t.Context(), store.EventHead{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			withHead, err := s.Audit.Verify(t.Context(), good.Head)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch {
			case test.noted && alone.Problem != "":
				t.Errorf("%s: is found without a head: better than docs/events.md says: %s", name, alone.Problem)
			case !test.noted && !strings.Contains(alone.Problem, test.want), alone.Problem == "" && !test.noted:
				t.Errorf("%s: %q, want %q", name, alone.Problem, test.want)
			case withHead.Problem == "", test.noted && !strings.Contains(withHead.Problem, test.want):
				t.Errorf("%s, with a noted head: %q, want %q", name, withHead.Problem, test.want)
			}
			authtest.Execute(t, db, `DELETE FROM events`, `INSERT INTO events SELECT * FROM kept_events`, `DELETE FROM event_chain`, `INSERT INTO event_chain SELECT * FROM kept_chain`)
			s.Verified(t, good.Head)
		}
	})
}

// TestVerificationFromANotedHead looks at what came after it, and finds there
// what a whole one does.
func TestVerificationFromANotedHead(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url))
		var heads []store.EventHead
		for _, name := range []string{"amina", "badr", "chama"} {
			s.SignUp(t, name)
			if _, err := s.SignIn(t, name, authtest.Good); err != nil {
				t.Fatal(err)
			}
			s.SealAll(t)
			heads = append(heads, s.Verified(t, store.EventHead{}).Head)
		}
		from, end := heads[1], heads[2]
		// 1 and 2 are keys; 3, 5, 7 registrations; 4, 6, 8 logins.
		if from.Seq != 6 || end.Seq != 8 {
			t.Fatal(heads)
		}
		db := authtest.OpenRaw(t, url)
		authtest.Execute(t, db, `CREATE TABLE kept_events AS SELECT * FROM events`, `CREATE TABLE kept_chain AS SELECT * FROM event_chain`)
		other := from
		other.Hash = end.Hash
		cut := []string{`DELETE FROM events WHERE seq >= 7`, `UPDATE event_chain SET seq = 6, hash = (SELECT hash FROM events WHERE seq = 6)`}
		for name, test := range map[string]struct {
			statements  []string
			from, noted store.EventHead
			want        string // in the problem
			sealed      int
		}{
			"nothing":                     {nil, from, store.EventHead{}, "", 2},
			"nothing, with a newer head":  {nil, from, end, "", 2},
			"nothing, from the end":       {nil, end, end, "", 0},
			"nothing, from another hash":  {nil, other, store.EventHead{}, "number 6 does not have the hash that was noted", 0},
			"changed after":               {[]string{`UPDATE events SET kind = 'logout' WHERE id = 7`}, from, store.EventHead{}, "number 7, with the id 7", 0},
			"changed person after":        {[]string{`UPDATE events SET ip = '192.0.2.1' WHERE id = 8`}, from, store.EventHead{}, "of the person was changed", 0},
			"anonymous without erasure":   {[]string{`UPDATE events SET user_id = NULL, session_id = '', request_id = '', ip = '', user_agent = '', salt = NULL WHERE id = 8`}, from, store.EventHead{}, "1 events are without their personal part", 0},
			"removed after":               {[]string{`DELETE FROM events WHERE id = 7`}, from, store.EventHead{}, "number 7 is not there", 0},
			"changed before: not seen":    {[]string{`UPDATE events SET kind = 'logout' WHERE id = 5`}, from, store.EventHead{}, "", 2},
			"removed where it begins":     {[]string{`DELETE FROM events WHERE id = 6`}, from, store.EventHead{}, "number 6, whose hash was noted, is not there", 0},
			"removed as if old":           {[]string{`UPDATE event_chain SET removed_seq = 7, removed_hash = (SELECT hash FROM events WHERE seq = 7)`, `DELETE FROM events WHERE seq <= 7`}, from, store.EventHead{}, "was removed because it was old", 0},
			"cut before where it begins":  {cut, end, store.EventHead{}, "the chain ends at number 6", 0},
			"cut after, not noted":        {cut, from, store.EventHead{}, "", 0},
			"cut after, with a newer one": {cut, from, end, "the chain ends at number 6", 0},
		} {
			authtest.Execute(t, db, test.statements...)
			r, err := s.Audit.VerifyFrom(t.Context(), test.from, test.noted)
			switch {
			case err != nil, test.want == "" && r.Problem != "", !strings.Contains(r.Problem, test.want):
				t.Errorf("%s: %q, %v; want %q", name, r.Problem, err, test.want)
			case test.want == "" && (r.Sealed != test.sealed || r.From.Seq != test.from.Seq):
				t.Errorf("%s: %+v", name, r)
			}
			authtest.Execute(t, db, `DELETE FROM events`, `INSERT INTO events SELECT * FROM kept_events`, `DELETE FROM event_chain`, `INSERT INTO event_chain SELECT * FROM kept_chain`)
		}
		if _, err := s.Audit.VerifyFrom(t.Context(), end, from); !errors.Is(err, audit.ErrOlderHead) {
			t.Errorf("a head of before the beginning: %v", err)
		}
	})
}

// TestEventWithItsHashMadeAnewIsFoundByTheNext: whoever changes an event and
// its hash has to go on to the head.
func TestEventWithItsHashMadeAnewIsFoundByTheNext(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url))
		for _, name := range []string{"amina", "badr", "chama"} {
			s.SignUp(t, name)
		}
		s.SealAll(t)
		events := s.AllEvents(t)
		changed := events[2]
		changed.Kind = account.EventLogout
		db := authtest.OpenRaw(t, url)
		place := audit.Link(store.EventHead{Seq: 2, Hash: events[1].Hash}, changed)
		if _, err := db.ExecContext(t.Context(), `UPDATE events SET kind = 'logout', hash = $1 WHERE seq = 3`, place.Hash); err != nil {
			t.Fatal(err)
		}
		r, err := s.Audit.Verify(t.Context(), store.EventHead{})
		if err != nil || !strings.Contains(r.Problem, "number 4, with the id 4") {
			t.Errorf("%q, %v", r.Problem, err)
		}
	})
}

// TestChainSurvivesErasure: the person is gone, the events are still proof.
func TestChainSurvivesErasure(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "badr")
		g := s.SignUp(t, "amina")
		_, _ = s.SignIn(t, "amina", "wrong")
		_, _ = s.SignIn(t, "nobody", "wrong")
		s.SealAll(t)
		noted := s.Verified(t, store.EventHead{}).Head
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		_, _ = s.SignIn(t, "amina", "wrong") // not of hers any more
		s.Clock.Advance(30*24*time.Hour - time.Minute)
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, noted); r.Forgot != 0 {
			t.Errorf("anonymous too early: %+v", r)
		}
		s.Clock.Advance(2 * time.Minute)
		s.SweepAll(t)
		s.Verified(t, noted) // before it is sealed, too
		s.SealAll(t)
		r := s.Verified(t, noted)
		if r.Forgot == 0 || r.Unsealed != 0 {
			t.Errorf("%+v", r)
		}
		for _, e := range s.AllEvents(t) {
			switch {
			case e.UserID == g.User.ID:
				t.Errorf("still hers: %+v", e)
			case e.UserID == 0 && (e.IP != "" || e.UserAgent != "" || e.RequestID != "" || e.SessionID != ""):
				t.Errorf("still somebody's: %+v", e)
			case e.UserID == 1 && (e.IP == "" || e.Salt == nil):
				t.Errorf("somebody else's was forgotten: %+v", e)
			}
		}
	}, authtest.EraseAfter30Days)
}

func TestOldEventsAreRemovedAndTheChainHolds(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SealAll(t)
		first := s.Verified(t, store.EventHead{}).Head
		s.Clock.Advance(200 * 24 * time.Hour)
		for range 3 {
			if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
				t.Fatal(err)
			}
		}
		s.SealAll(t)
		second := s.Verified(t, first).Head
		s.Clock.Advance(165*24*time.Hour + time.Minute)
		s.SweepAll(t)
		if r := s.Verified(t, second); r.Removed.Seq != 0 {
			t.Errorf("removed before the day of grace: %+v", r)
		}
		s.Clock.Advance(24 * time.Hour)
		s.SweepAll(t)
		s.Verified(t, second)
		s.SealAll(t)
		s.SweepAll(t)
		r := s.Verified(t, second)
		if r.Removed.Seq != first.Seq || string(r.Removed.Hash) != string(first.Hash) || r.Sealed != 4 {
			t.Errorf("%+v", r)
		}
		s.Verified(t, first) // the last that was removed: its hash was left
		if r, err := s.Audit.VerifyFrom(t.Context(), r.Head, store.EventHead{}); err != nil || r.Problem != "" || r.Sealed != 0 {
			t.Errorf("from after the event that tells of the removal: %+v, %v", r, err)
		}
		if r, err := s.Audit.VerifyFrom(t.Context(), first, store.EventHead{}); err != nil || r.Problem != "" || r.Sealed != 4 {
			t.Errorf("from the last that was removed: %+v, %v", r, err)
		}
		for _, e := range s.AllEvents(t) {
			if e.Kind == account.EventRegistered {
				t.Errorf("still there: %+v", e)
			}
			if d := e.ReadDetails(); e.Kind == account.EventEventsRemoved && (d.Count != int(first.Seq) || d.Through != first.Seq || d.Before.IsZero()) {
				t.Errorf("removal: %+v", d)
			}
		}
		first.Seq--
		if r, err := s.Audit.Verify(t.Context(), first); err != nil || !strings.Contains(r.Problem, "was removed because it was old") {
			t.Errorf("a head that was removed: %q, %v", r.Problem, err)
		}
		s.Clock.Advance(400 * 24 * time.Hour)
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, store.EventHead{}); r.Sealed != 1 {
			t.Errorf("all but the removal's own: %+v", r)
		}
	}, authtest.KeepAYear)
}

func TestEventsAreKeptForEverWithoutALimit(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SealAll(t)
		s.Clock.Advance(50 * 365 * 24 * time.Hour)
		s.SweepAll(t)
		if r := s.Verified(t, store.EventHead{}); r.Sealed != 3 {
			t.Errorf("%+v", r)
		}
	})
}

// TestServersSealTogether: two servers on one database, logging in and
// sealing at once, leave one chain without gaps.
func TestServersSealTogether(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		servers := []*authtest.Server{authtest.New(t, storetest.Open(t, url)), authtest.New(t, storetest.Open(t, url))}
		const each = 60
		var acts, sealing sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		for i, s := range servers {
			for w := range 4 {
				acts.Go(func() {
					for n := range each / 4 {
						if _, err := s.Register(t.Context(), authtest.Req, authtest.Registration(fmt.Sprint("u", i, "-", w, "-", n))); err != nil {
							t.Error(err)
						}
					}
				})
				sealing.Go(func() {
					for ctx.Err() == nil {
						if err := s.Audit.Seal(ctx); err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						if w == 0 {
							if r, err := s.Audit.Verify(t.Context(), store.EventHead{}); err != nil || r.Problem != "" {
								t.Errorf("while sealing: %s %v", r.Problem, err)
							}
						}
					}
				})
			}
		}
		acts.Wait()
		stop()
		sealing.Wait()
		servers[0].SealAll(t)
		r := servers[1].Verified(t, store.EventHead{})
		if want := 2*each + 2; r.Sealed != want || r.Unsealed != 0 || r.Head.Seq != int64(want) {
			t.Errorf("%+v, want %d", r, want)
		}
	})
}

// TestSealingThatIsUndoneLeavesTheChain: the process ends in its middle.
func TestSealingThatIsUndoneLeavesTheChain(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SealAll(t)
		before := s.Verified(t, store.EventHead{})
		s.SignUp(t, "badr")
		killed := errors.New("killed")
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			if n, err := audit.Seal(t.Context(), tx); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			return killed
		})
		if !errors.Is(err, killed) {
			t.Fatal(err)
		}
		if r := s.Verified(t, before.Head); r.Head.Seq != before.Head.Seq || r.Unsealed != 1 {
			t.Errorf("%+v", r)
		}
		s.SealAll(t)
		if r := s.Verified(t, before.Head); r.Sealed != before.Sealed+1 || r.Unsealed != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestMoreEventsThanOneTransactionSeals are sealed in steps.
func TestMoreEventsThanOneTransactionSeals(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		authtest.Write(t, s.Store, func(_ context.Context, tx *store.Store) error {
			for range 1200 {
				if err := s.Audit.Record(t.Context(), tx, audit.Entry{Kind: account.EventLogin, At: s.Clock.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		s.SealAll(t)
		if r := s.Verified(t, store.EventHead{}); r.Sealed != 1202 || r.Unsealed != 0 {
			t.Errorf("%+v", r)
		}
		s.Clock.Advance(2 * 365 * 24 * time.Hour)
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, store.EventHead{}); r.Removed.Seq != 1202 {
			t.Errorf("after the removal: %+v", r)
		}
	}, authtest.KeepAYear)
}

func TestHeadsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	want := store.EventHead{Seq: 12, Hash: []byte("0123456789abcdef0123456789abcdef")}
	if got, err := audit.ParseHead(" " + audit.HeadText(want) + "\n"); err != nil || got.Seq != want.Seq || string(got.Hash) != string(want.Hash) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "12", ":", "12:", "0:" + audit.HeadText(want)[3:], "-1:" + audit.HeadText(want)[3:], "12:zz", "12:00", "x" + audit.HeadText(want)} {
		if _, err := audit.ParseHead(text); !errors.Is(err, audit.ErrHead) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestHeadIsLogged: what the database alone cannot agree with later.
func TestHeadIsLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logged := func(o *app.Options, _ *token.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) }
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)), logged)
	s.SignUp(t, "amina")
	if err := s.Audit.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if head := audit.HeadText(s.Verified(t, store.EventHead{}).Head); !strings.Contains(log.String(), "head="+head) {
		t.Errorf("%s is not in %s", head, log.String())
	}
}
