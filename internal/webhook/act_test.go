package webhook_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/webhook"
)

// silent are the acts that tell nothing: they change nothing of a client that
// another program keeps, or are about nobody.
var silent = []account.EventKind{
	account.EventLogin, account.EventLoginFailed, account.EventPasswordRefused, account.EventSessionAdopted, account.EventPasswordResetRequested,
	account.EventFactorRefused, account.EventFactorLocked, account.EventFactorAdded, account.EventFactorRemoved, account.EventRecoveryCodeUsed, account.EventRecoveryRenewed,
	account.EventEmailChangeRequested, account.EventDataExported, account.EventDeviceTrusted, account.EventRecoveryStarted, account.EventRecoveryStopped,
	account.EventLoginCodeRequested, account.EventCodeRefused, account.EventPasskeyCloned,
	account.EventKeyCreated, account.EventKeyRotated, account.EventKeyRevoked, account.EventServiceCreated, account.EventServiceDisabled,
	account.EventMailRetried, account.EventEventsAnonymised, account.EventEventsRemoved, account.EventDatabaseRestored, account.EventEventsLost,
	account.EventWebhookCreated, account.EventWebhookDisabled, account.EventWebhookEnabled, account.EventWebhookRotated, account.EventWebhookReplayed,
	account.EventWebhookDeleted,
	account.EventUserExported, account.EventLoginUnlocked, account.EventRoleGiven, account.EventRoleAccepted, account.EventRoleSuspended, account.EventRoleTaken,
	account.EventUserSeen, account.EventNoteAdded, account.EventUsersListed, account.EventUsersExported, account.EventStaffRefused,
	account.EventApprovalAsked, account.EventApprovalGiven, account.EventApprovalRefused,
}

// TestEveryActIsDecided: whoever adds one says what it tells.
func TestEveryActIsDecided(t *testing.T) {
	t.Parallel()
	for _, kind := range account.EventKinds() {
		if tells := len(webhook.MessagesOf(kind)) > 0; tells == slices.Contains(silent, kind) {
			t.Errorf("%s: is in messages: %t; say there what it tells, or here that it is silent", kind, tells)
		}
	}
}

// TestEveryTypeIsToldAndDocumented compares the types with what acts tell, and
// with the tables of docs/webhooks.md and its French twin.
func TestEveryTypeIsToldAndDocumented(t *testing.T) {
	t.Parallel()
	var listed, told []string
	for _, typ := range account.WebhookTypes() {
		listed = append(listed, string(typ))
	}
	for _, kind := range account.EventKinds() {
		for _, typ := range webhook.MessagesOf(kind) {
			told = append(told, string(typ))
		}
	}
	slices.Sort(listed)
	slices.Sort(told)
	if diff := cmp.Diff(listed, slices.Compact(told)); diff != "" {
		t.Errorf("(-listed +told):\n%s", diff)
	}
	for _, name := range []string{"webhooks.md", "webhooks.fr.md"} {
		doc, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var documented []string
		for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)` \\|").FindAllSubmatch(doc, -1) {
			documented = append(documented, string(m[1]))
		}
		slices.Sort(documented)
		if diff := cmp.Diff(append(listed, string(account.WebhookTest)), documented); diff != "" {
			t.Errorf("%s (-types +documented):\n%s", name, diff)
		}
	}
}

// TestWhatAnActTellsCostsNoRoundTrip on PostgreSQL, whoever listens: it goes
// with the event.
func TestWhatAnActTellsCostsNoRoundTrip(t *testing.T) {
	t.Parallel()
	near := storetest.Postgres(t)
	url, roundTrips := pgtest.Start(t).Counted(t, near)
	s := authtest.New(t, storetest.Open(t, url))
	silent := audit.New(s.Store, audit.Options{})
	cost := func(log *audit.Log) (n int64) {
		t.Helper()
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			for range 2 { // the first prepares statements
				n = -roundTrips()
				if err := log.Record(ctx, tx, log.ByStaff(account.EventUserDisabled, 1, s.Clock.Now())); err != nil {
					return err
				}
				n += roundTrips()
			}
			return nil
		})
		return n
	}
	alone := cost(silent)
	if alone != 1 {
		t.Fatalf("an event alone takes %d round trips, want 1", alone)
	}
	if got := cost(s.Audit); got != alone {
		t.Errorf("an act that tells nobody: %d round trips, want those of its event, %d", got, alone)
	}
	w, _ := s.Subscribe(t, "https://orders.example/")
	if got := cost(s.Audit); got != alone {
		t.Errorf("an act that is told: %d round trips, want those of its event, %d", got, alone)
	}
	if got := s.Deliveries(t, w.ID); len(got) != 4 || got[0].Type != account.ClientDisabled || got[1].Type != account.SessionRevoked {
		t.Errorf("%+v", got)
	}
	if got := s.EventKinds(t)[account.EventUserDisabled]; got != 6 {
		t.Errorf("%d events, want 6", got)
	}
}

// TestEachActTells goes through everything that changes a client, by whatever
// way, and reads what is owed after each act.
func TestEachActTells(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		tokens := make(chan [2]string, 100)
		s := authtest.New(t, st, authtest.Mailed(t, tokens), authtest.Rotation, authtest.EraseAfter30Days)
		challenge := s.Delivering(t, tokens)
		w, _ := s.Subscribe(t, "https://orders.example/")
		seen, acts := 0, map[string]bool{}
		tells := func(act string, err error, want ...string) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", act, err)
			}
			got := []string{}
			all := s.Deliveries(t, w.ID)
			for _, d := range all[seen:] {
				got = append(got, strings.TrimSpace(fmt.Sprint(d.Type, " ", strings.Join(d.Fields, "+"))))
				if d.UserID == 0 || !strings.HasPrefix(d.MessageID, "msg_") {
					t.Errorf("%s: %+v", act, d)
				}
				acts[string(d.Type)] = true
			}
			seen = len(all)
			if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", act, diff)
			}
		}
		text := account.TextInput
		const better = "tr0ub4dor&zellige"

		s.SignUp(t, "amina")
		tells("register", nil, "client.created")
		tells("verify", s.VerifyEmail(t.Context(), authtest.Req, challenge(account.VerifyEmail)), "client.verified")
		g, err := s.SignIn(t, "amina", authtest.Good)
		tells("login", err)
		c := s.CallerOf(t, g)
		sessions, err := s.Sessions(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, sess := range sessions {
			if sess.ID != c.SessionID {
				tells("end another session", s.EndSession(t.Context(), c, sess.ID), "session.revoked")
			}
		}
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{FirstName: text("Amina"), LastName: text("Alaoui")})
		tells("profile", err, "client.updated first_name+last_name")
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{FirstName: text("Mina")})
		tells("profile again", err, "client.updated first_name")
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{FirstName: text("Amina")})
		tells("profile within the minute, whose event shares a row", err, "client.updated first_name")
		s.Clock.Advance(2 * time.Minute)
		s.SealAll(t)
		tells("the shared row", nil)
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{Username: text("amina2"), Password: text(authtest.Good)})
		tells("rename", err, "client.updated username")
		_, err = s.UpdateProfile(t.Context(), c, auth.ProfileChange{Username: text("amina"), Password: text(authtest.Good)})
		tells("and back", err, "client.updated username")
		_, err = s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: text(authtest.Good), New: text(better)})
		tells("password", err, "password.changed", "session.revoked")
		tells("change of address asked for", s.ChangeEmail(t.Context(), c, auth.EmailChange{Password: text(better), Email: text("new@example.ma")}))
		tells("change of address", s.ConfirmEmail(t.Context(), authtest.Req, challenge(account.ConfirmEmail)), "client.email_changed")
		tells("taken back", s.UndoEmail(t.Context(), authtest.Req, challenge(account.UndoEmail)), "client.email_changed", "password.changed", "session.revoked")
		_, err = s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: challenge(account.ResetPassword), New: text(authtest.Good)})
		tells("reset", err, "password.changed", "session.revoked")
		g, err = s.SignIn(t, "amina", authtest.Good)
		tells("login", err)
		r, err := s.Renew(t, g.Refresh)
		tells("refresh", err)
		s.Clock.Advance(time.Minute)
		tells("use", s.VerifyToken(t.Context(), authtest.Req, text(r.Refresh)))
		if _, err := s.Renew(t, g.Refresh); err == nil {
			t.Fatal("a replaced token was taken")
		}
		tells("reuse", nil, "session.revoked")
		g, err = s.SignIn(t, "amina", authtest.Good)
		tells("login", err)
		tells("logout", s.Logout(t.Context(), authtest.Req, text(g.Refresh)), "session.revoked")
		g, err = s.SignIn(t, "amina", authtest.Good)
		tells("login", err)
		service := &account.OAuthClient{ID: "orders", Scopes: []account.Scope{account.ScopeRevoke}}
		tells("revoked by a service", s.RevokeToken(t.Context(), authtest.Req, service, text(g.Access)), "session.revoked")
		g, err = s.SignIn(t, "amina", authtest.Good)
		tells("login", err)
		tells("logout everywhere", s.LogoutAll(t.Context(), s.CallerOf(t, g)), "session.revoked")
		for range 101 { // the oldest ends
			if g, err = s.SignIn(t, "amina", authtest.Good); err != nil {
				t.Fatal(err)
			}
		}
		tells("the session beyond the most", nil, "session.revoked")

		// By the staff.
		tells("disable", s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""), "client.disabled", "session.revoked")
		tells("enable", s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""), "client.enabled")
		tells("set a password", s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), text(better), authtest.Reason), "password.changed", "session.revoked")
		tells("set an address", s.Staff.SetEmail(t.Context(), s.IDOf(t, "amina"), "amina3@example.ma", ""), "client.email_changed")
		tells("recover", s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "amina4@example.ma", ""), "client.email_changed", "password.changed", "session.revoked")
		_, err = s.Staff.Create(t.Context(), authtest.Req, authtest.Registration("badr"))
		tells("create", err, "client.created")

		// A reset that proves the address, and somebody who says that it is not theirs.
		g = s.SignUp(t, "chama")
		tells("register", nil, "client.created")
		challenge(account.VerifyEmail)
		s.AskReset(t, "chama@example.ma")
		_, err = s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: linkOf(t, s, challenge, account.ResetPassword, "chama"), New: text(better)})
		tells("reset that proves", err, "password.changed", "session.revoked", "client.verified")
		s.SignUp(t, "driss")
		tells("register", nil, "client.created")
		tells("disown", s.DisownEmail(t.Context(), authtest.Req, linkOf(t, s, challenge, account.VerifyEmail, "driss")), "client.email_changed")

		// Closed, restored, closed and given back, closed and erased.
		closing := func() error {
			g, err = s.SignIn(t, "chama", better)
			if err != nil {
				t.Fatal(err)
			}
			return s.CloseAccount(t.Context(), s.CallerOf(t, g), text(better))
		}
		tells("close", closing(), "client.closed", "session.revoked")
		tells("restore", s.Staff.Restore(t.Context(), s.IDOf(t, "chama"), ""), "client.restored")
		tells("close", closing(), "client.closed", "session.revoked")
		tells("recover a closed one", s.Staff.Recover(t.Context(), s.IDOf(t, "chama"), "chama@example.ma", ""), "client.email_changed", "password.changed", "session.revoked", "client.restored")
		tells("set a password", s.Staff.SetPassword(t.Context(), s.IDOf(t, "chama"), text(better), authtest.Reason), "password.changed", "session.revoked")
		tells("close", closing(), "client.closed", "session.revoked")
		s.Clock.Advance(31 * 24 * time.Hour)
		_, err = s.Staff.EndSessions(t.Context(), s.IDOf(t, "amina"), "")
		tells("end sessions", err, "session.revoked")
		invited, err := s.Staff.Invite(t.Context(), auth.Invited{Email: text("invited@example.ma")}, "fr")
		tells("invite", err, "client.created")
		_, err = s.Staff.Edit(t.Context(), invited.ID, auth.UserEdit{Version: text(auth.Version(invited, account.Recovery{})), FirstName: text("Hind")})
		tells("edit", err, "client.updated first_name")
		tells("erase", s.Auth.Sweep(t.Context(), s.Clock.Now()), "client.erased")

		for _, typ := range account.WebhookTypes() {
			if !acts[string(typ)] {
				t.Errorf("no act of this test tells %s", typ)
			}
		}
	})
}

// linkOf is the link that somebody was mailed, which may come after those of others.
func linkOf(t *testing.T, s *authtest.Server, challenge func(account.ChallengeKind) account.Input, kind account.ChallengeKind, username string) account.Input {
	t.Helper()
	for range 10 {
		link := challenge(kind)
		if name, _, err := s.CheckChallenge(t.Context(), authtest.Req, kind, link.Text); err == nil && name == username {
			return link
		}
	}
	t.Fatalf("no link of the kind %s for %s", kind, username)
	return account.Input{}
}
