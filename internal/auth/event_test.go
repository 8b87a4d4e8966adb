package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// accountedFor is an event without what a test cannot know.
type told struct {
	Kind    account.EventKind
	Actor   account.Actor
	UserID  int64
	Session bool // it was in one
	Peer    account.RequestInfo
	Details account.EventDetails
}

// TestEachActLeavesOneEvent goes through everything that is
// security-relevant, and reads the log after each act.
func TestEachActLeavesOneEvent(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		tokens := make(chan [2]string, 100)
		s := authtest.New(t, st, authtest.Mailed(t, tokens), authtest.Rotation, authtest.EraseAfter30Days, authtest.ByStaff)
		ctx, stop := context.WithCancel(t.Context())
		var delivery sync.WaitGroup
		delivery.Go(func() { s.RunMail(ctx) })
		defer delivery.Wait()
		defer stop()
		challenge := func(kind account.ChallengeKind) account.Input {
			for {
				select {
				case got := <-tokens:
					if got[0] == string(kind) {
						return account.TextInput(got[1])
					}
				case <-time.After(time.Minute):
					t.Fatalf("no mail with a %s link", kind)
				}
			}
		}
		asker := account.RequestInfo{IP: authtest.Req.IP, UserAgent: authtest.Req.UserAgent, RequestID: authtest.Req.RequestID}
		byStaff := account.EventDetails{Staff: "root for nadia"}
		last := int64(0)
		seen := map[account.EventKind]bool{}
		expect := func(act string, want ...told) {
			t.Helper()
			s.SealAll(t)
			var got []told
			for _, e := range s.AllEvents(t) {
				if e.ID <= last {
					continue
				}
				last = e.ID
				seen[e.Kind] = true
				d := e.ReadDetails()
				d.Key = "" // random
				if d.Session != "" {
					d.Session = "ended"
				}
				got = append(got, told{e.Kind, e.Actor, e.UserID, e.SessionID != "", account.RequestInfo{IP: e.IP, UserAgent: e.UserAgent, RequestID: e.RequestID}, d})
				if age := s.Clock.Now().Sub(e.At); age < 0 || age > time.Second {
					t.Errorf("%s: at %v, now is %v", act, e.At, s.Clock.Now())
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", act, diff)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		fails := func(err error) {
			t.Helper()
			if err == nil {
				t.Fatal("no error")
			}
		}
		text := account.TextInput
		expect("first start", told{account.EventKeyCreated, account.ActorStaff, 0, false, account.RequestInfo{}, byStaff}, told{account.EventKeyCreated, account.ActorStaff, 0, false, account.RequestInfo{}, byStaff})

		g := s.SignUp(t, "amina")
		id := g.User.ID
		byUser := func(kind account.EventKind, session bool) told {
			return told{kind, account.ActorUser, id, session, asker, account.EventDetails{}}
		}
		expect("register", byUser(account.EventRegistered, true))
		must(s.VerifyEmail(t.Context(), authtest.Req, challenge(account.VerifyEmail)))
		expect("verify e-mail", byUser(account.EventEmailVerified, false))

		_, err := s.SignIn(t, "amina", "wrong password")
		fails(err)
		expect("wrong password", told{account.EventLoginFailed, account.ActorAnonymous, id, false, asker, account.EventDetails{}})
		_, err = s.SignIn(t, "the-password-typed-as-name", authtest.Good)
		fails(err)
		expect("unknown name", told{account.EventLoginFailed, account.ActorAnonymous, 0, false, asker, account.EventDetails{}})
		g, err = s.SignIn(t, "amina", authtest.Good)
		must(err)
		expect("login", byUser(account.EventLogin, true))
		c := s.CallerOf(t, g)
		_, err = s.Sessions(t.Context(), c)
		must(err)
		expect("reading leaves none")

		must(s.EndSession(t.Context(), c, other(t, s, c)))
		ended := byUser(account.EventSessionEnded, true)
		ended.Details.Session = "ended"
		expect("end another session", ended)
		fails(s.EndSession(t.Context(), c, "no-such-session"))
		expect("end no session")

		r, err := s.Renew(t, g.Refresh)
		must(err)
		s.Clock.Advance(time.Minute)
		expect("renewal leaves none")
		_, err = s.Renew(t, g.Refresh)
		must(err)
		expect("a renewal that is repeated leaves none")
		must(s.VerifyToken(t.Context(), authtest.Req, text(r.Refresh)))
		_, err = s.Renew(t, g.Refresh)
		fails(err)
		expect("reuse", told{account.EventRefreshReuse, account.ActorAnonymous, id, true, asker, account.EventDetails{}})
		_, err = s.Renew(t, r.Refresh)
		fails(err)
		expect("reuse of an ended session")

		g, err = s.SignIn(t, "amina", authtest.Good)
		must(err)
		must(s.Logout(t.Context(), authtest.Req, text(g.Refresh)))
		must(s.Logout(t.Context(), authtest.Req, text(g.Refresh)))
		expect("login and logout, twice", byUser(account.EventLogin, true), byUser(account.EventLogout, true))
		g, err = s.SignIn(t, "amina", authtest.Good)
		must(err)
		must(s.LogoutAll(t.Context(), s.CallerOf(t, g)))
		expect("login and logout everywhere", byUser(account.EventLogin, true), byUser(account.EventLogoutAll, true))

		g, err = s.SignIn(t, "amina", authtest.Good)
		must(err)
		c = s.CallerOf(t, g)
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{FirstName: text("Amina"), LastName: text("")})
		must(err)
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{FirstName: text("Amina")})
		must(err)
		profile := byUser(account.EventProfileChanged, true)
		profile.Details.Fields = []string{"first_name"}
		expect("login, change of profile, and one that changes nothing", byUser(account.EventLogin, true), profile)

		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{Username: text("amina2"), Password: text(authtest.Good)})
		must(err)
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{Username: text("amina"), Password: text(authtest.Good)})
		must(err)
		expect("another name, and back", byUser(account.EventUsernameChanged, true), byUser(account.EventUsernameChanged, true))

		const better = "tr0ub4dor&zellige"
		_, err = s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: text("wrong"), New: text(better)})
		fails(err)
		expect("wrong password for a change", byUser(account.EventPasswordRefused, true))
		_, err = s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: text(authtest.Good), New: text(better)})
		must(err)
		expect("change of password", byUser(account.EventPasswordChanged, true))

		must(s.ChangeEmail(t.Context(), c, auth.EmailChange{Password: text(better), Email: text("new@example.ma")}))
		expect("change of e-mail asked for", byUser(account.EventEmailChangeRequested, true))
		must(s.ConfirmEmail(t.Context(), authtest.Req, challenge(account.ConfirmEmail)))
		expect("change of e-mail", byUser(account.EventEmailChanged, false))
		must(s.UndoEmail(t.Context(), authtest.Req, challenge(account.UndoEmail)))
		expect("undone", byUser(account.EventEmailChangeUndone, false))
		challenge(account.ResetPassword) // of the undoing

		must(s.RequestReset(t.Context(), authtest.Req, text("amina@example.ma"), account.Input{}))
		reset := challenge(account.ResetPassword)
		expect("reset asked for", told{account.EventPasswordResetRequested, account.ActorAnonymous, id, false, asker, account.EventDetails{}})
		_, err = s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: reset, New: text(authtest.Good)})
		must(err)
		expect("reset", byUser(account.EventPasswordReset, false))
		_, err = s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: reset, New: text(authtest.Good)})
		fails(err)
		expect("reset again")
		must(s.RequestReset(t.Context(), authtest.Req, text("nobody@example.ma"), account.Input{}))
		for len(s.AllEvents(t)) < int(last)+1 {
			time.Sleep(10 * time.Millisecond)
		}
		expect("reset for nobody", told{account.EventPasswordResetRequested, account.ActorAnonymous, 0, false, asker, account.EventDetails{}})

		toStaff := func(kind account.EventKind, userID int64) told {
			return told{kind, account.ActorStaff, userID, false, account.RequestInfo{}, byStaff}
		}
		must(s.SetActive(t.Context(), "amina", false))
		must(s.SetActive(t.Context(), "amina", true))
		must(s.SetPassword(t.Context(), "amina", text(better)))
		expect("staff", toStaff(account.EventUserDisabled, id), toStaff(account.EventUserEnabled, id), toStaff(account.EventPasswordSet, id))
		u, err := s.CreateUser(t.Context(), account.RequestInfo{}, authtest.Registration("badr"))
		must(err)
		expect("user create", toStaff(account.EventUserCreated, u.ID))
		must(s.SetEmail(t.Context(), "badr", "badr.new@example.ma", false))
		expect("another address", toStaff(account.EventEmailSet, u.ID))
		must(s.DisownEmail(t.Context(), authtest.Req, challenge(account.VerifyEmail)))
		expect("disowned", told{account.EventEmailDisowned, account.ActorAnonymous, u.ID, false, asker, account.EventDetails{}})
		must(s.SetEmail(t.Context(), "badr", "badr@example.ma", true))
		expect("recovered", toStaff(account.EventAccountRecovered, u.ID))
		challenge(account.ResetPassword)
		must(s.RotateKeys(t.Context()))
		expect("key rotate", toStaff(account.EventKeyRotated, 0), toStaff(account.EventKeyRotated, 0))

		g, err = s.SignIn(t, "amina", better)
		must(err)
		c = s.CallerOf(t, g)
		_, err = s.Export(t.Context(), c)
		must(err)
		must(s.CloseAccount(t.Context(), c, text(better)))
		expect("login, export, close", byUser(account.EventLogin, true), byUser(account.EventDataExported, true), byUser(account.EventAccountClosed, true))
		_, err = s.SignIn(t, "amina", better)
		fails(err)
		s.Clock.Advance(time.Minute)
		s.SealAll(t) // takes the entries of the failures before away
		s.Clock.Advance(time.Second)
		must(s.RestoreAccount(t.Context(), "amina"))
		last = int64(len(s.AllEvents(t))) - 1
		expect("restore", toStaff(account.EventAccountRestored, id))

		var undelivered account.Mail
		authtest.Write(t, st, func(_ context.Context, tx *store.Store) error {
			return tx.AddMail(t.Context(), account.Mail{Kind: account.MailPasswordChanged, UserID: id, Email: "amina@example.ma", CreatedAt: s.Clock.Now().Add(time.Hour)})
		})
		mails, err := s.Mails(t.Context(), 1)
		must(err)
		undelivered = mails[0]
		must(s.RetryMail(t.Context(), undelivered.ID))
		retried := toStaff(account.EventMailRetried, 0)
		retried.Details.Mail = undelivered.ID
		expect("mail retry", retried)

		service, _, err := s.CreateOAuthClient(t.Context(), account.OAuthClient{Name: "orders", Scopes: []account.Scope{account.ScopeRevoke}})
		must(err)
		must(s.DisableOAuthClient(t.Context(), service.ID))
		madeService, endedService := toStaff(account.EventServiceCreated, 0), toStaff(account.EventServiceDisabled, 0)
		madeService.Details.Service, endedService.Details.Service = service.ID, service.ID
		expect("service", madeService, endedService)

		_, err = s.RevokeKey(t.Context(), s.KeyID(t, token.Access))
		must(err)
		expect("key revoked", toStaff(account.EventKeyRevoked, 0), toStaff(account.EventKeyRotated, 0))

		g, err = s.SignIn(t, "amina", better)
		must(err)
		must(s.CloseAccount(t.Context(), s.CallerOf(t, g), text(better)))
		expect("login, close again", byUser(account.EventLogin, true), byUser(account.EventAccountClosed, true))
		count := 0
		for _, e := range s.AllEvents(t) {
			if e.UserID == id {
				count++
			}
		}
		nobodys := 0
		for _, e := range s.AllEvents(t) {
			if e.UserID == 0 && e.Salt != nil {
				nobodys++
			}
		}
		if nobodys == 0 {
			t.Error("nothing of nobody's to be forgotten")
		}
		s.Clock.Advance(30*24*time.Hour + time.Second)
		s.SweepAll(t)
		system := func(kind account.EventKind, count int) told {
			return told{kind, account.ActorSystem, 0, false, account.RequestInfo{}, account.EventDetails{Count: count}}
		}
		expect("erasure", system(account.EventAccountErased, count), system(account.EventEventsAnonymised, nobodys))

		for _, kind := range account.EventKinds() {
			if !seen[kind] && kind != account.EventSessionAdopted && kind != account.EventEventsRemoved { // which have tests of their own
				t.Errorf("%s was not tried", kind)
			}
		}
		s.Verified(t, account.EventHead{})
	})
}

// other is the id of a live session of the caller's beside their own.
func other(t *testing.T, s *authtest.Server, c *auth.Caller) string {
	t.Helper()
	sessions, err := s.Sessions(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, sess := range sessions {
		if sess.ID != c.SessionID {
			return sess.ID
		}
	}
	t.Fatal("no other session")
	return ""
}

// TestActsThatAreUndoneLeaveNoEvent: of many at once one happens.
func TestActsThatAreUndoneLeaveNoEvent(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _, _ = s.Register(t.Context(), authtest.Req, authtest.Registration("badr")) })
			wg.Go(func() { _ = s.Logout(t.Context(), authtest.Req, account.TextInput(g.Refresh)) })
		}
		wg.Wait()
		if got := s.EventKinds(t); got[account.EventRegistered] != 2 || got[account.EventLogout] != 1 {
			t.Errorf("%v", got)
		}
	})
}

func TestAdoptedSessionIsAnEvent(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		id := s.SignUp(t, "amina").User.ID
		old := authtest.DjangoToken(t, s, token.Refresh, id, "jti-1")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := s.Refresh(t.Context(), authtest.Req, account.TextInput(old)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := s.EventKinds(t)[account.EventSessionAdopted]; n != 1 {
			t.Errorf("%d events for one token", n)
		}
	}, authtest.HS256)
}

// A token of Django's that is shown while its user signs out everywhere gets
// no session: it would outlive that.
func TestTokenIsNotAdoptedDuringSignOut(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		id := s.SignUp(t, "amina").User.ID
		old := authtest.DjangoToken(t, s, token.Refresh, id, "jti-1")
		s.Clock.Advance(time.Minute)
		adopted := make(chan error, 1)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			err := tx.RevokeSessions(ctx, id, "", s.Clock.Now())
			go func() { // it has looked at the user before this is committed
				_, err := s.Renew(t, old)
				adopted <- err
			}()
			time.Sleep(200 * time.Millisecond)
			return err
		})
		if err := <-adopted; !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("got the error %v, want that the token is not valid", err)
		}
	}, authtest.HS256)
}

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
		if err := s.SealEvents(gone); err == nil {
			t.Error("no error from a database that does not answer")
		}
		s.SealAll(t)
		check("after a failed write", 2+5+1+1, 10+40+4, amina)
		fail("amina", "192.0.2.1", 4)
		if err := s.FinishEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("at the end", 2+5+1+2, 10+40+8, amina)
		for _, e := range s.AllEvents(t) {
			if strings.Contains(fmt.Sprintf("%+v", e), "nobody") {
				t.Errorf("a typed name was stored: %+v", e)
			}
		}
		s.Verified(t, account.EventHead{})
	})
}

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
		good := s.Verified(t, account.EventHead{})
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
			alone, err := s.VerifyEvents(t.Context(), account.EventHead{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			withHead, err := s.VerifyEvents(t.Context(), good.Head)
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
		place := auth.Link(account.EventHead{Seq: 2, Hash: events[1].Hash}, changed)
		if _, err := db.ExecContext(t.Context(), `UPDATE events SET kind = 'logout', hash = $1 WHERE seq = 3`, place.Hash); err != nil {
			t.Fatal(err)
		}
		r, err := s.VerifyEvents(t.Context(), account.EventHead{})
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
		noted := s.Verified(t, account.EventHead{}).Head
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
		first := s.Verified(t, account.EventHead{}).Head
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
		for _, e := range s.AllEvents(t) {
			if e.Kind == account.EventRegistered {
				t.Errorf("still there: %+v", e)
			}
			if d := e.ReadDetails(); e.Kind == account.EventEventsRemoved && (d.Count != int(first.Seq) || d.Through != first.Seq || d.Before.IsZero()) {
				t.Errorf("removal: %+v", d)
			}
		}
		first.Seq--
		if r, err := s.VerifyEvents(t.Context(), first); err != nil || !strings.Contains(r.Problem, "was removed because it was old") {
			t.Errorf("a head that was removed: %q, %v", r.Problem, err)
		}
		s.Clock.Advance(400 * 24 * time.Hour)
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, account.EventHead{}); r.Sealed != 1 {
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
		if r := s.Verified(t, account.EventHead{}); r.Sealed != 3 {
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
						if err := s.SealEvents(ctx); err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						if w == 0 {
							if r, err := s.VerifyEvents(t.Context(), account.EventHead{}); err != nil || r.Problem != "" {
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
		r := servers[1].Verified(t, account.EventHead{})
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
		before := s.Verified(t, account.EventHead{})
		s.SignUp(t, "badr")
		killed := errors.New("killed")
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			if n, err := auth.Seal(t.Context(), tx); n != 1 || err != nil {
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
				if err := auth.Record(t.Context(), s.Service, tx, account.EventLogin, s.Clock.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		s.SealAll(t)
		if r := s.Verified(t, account.EventHead{}); r.Sealed != 1202 || r.Unsealed != 0 {
			t.Errorf("%+v", r)
		}
		s.Clock.Advance(2 * 365 * 24 * time.Hour)
		s.SweepAll(t)
		s.SealAll(t)
		if r := s.Verified(t, account.EventHead{}); r.Removed.Seq != 1202 {
			t.Errorf("after the removal: %+v", r)
		}
	}, authtest.KeepAYear)
}

func TestHeadsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	want := account.EventHead{Seq: 12, Hash: []byte("0123456789abcdef0123456789abcdef")}
	if got, err := auth.ParseHead(" " + auth.HeadText(want) + "\n"); err != nil || got.Seq != want.Seq || string(got.Hash) != string(want.Hash) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "12", ":", "12:", "0:" + auth.HeadText(want)[3:], "-1:" + auth.HeadText(want)[3:], "12:zz", "12:00", "x" + auth.HeadText(want)} {
		if _, err := auth.ParseHead(text); !errors.Is(err, auth.ErrHead) {
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
	if err := s.FinishEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	if head := auth.HeadText(s.Verified(t, account.EventHead{}).Head); !strings.Contains(log.String(), "head="+head) {
		t.Errorf("%s is not in %s", head, log.String())
	}
}
