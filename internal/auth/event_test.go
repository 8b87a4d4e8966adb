package auth_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/webauthntest"
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
		s := authtest.New(t, st, authtest.Mailed(t, tokens), authtest.Rotation, authtest.EraseAfter30Days, authtest.ByStaff, authtest.LoginCode)
		challenge := s.Delivering(t, tokens)
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

		g, err = s.SignIn(t, "amina", authtest.Good)
		must(err)
		c = s.CallerOf(t, g)
		seed, factor := s.Enrols(t, c)
		addedApp := byUser(account.EventFactorAdded, true)
		addedApp.Details.Factor = "totp"
		expect("login, an app", byUser(account.EventLogin, true), addedApp)
		waits := s.Waits(t, "amina", authtest.Good)
		expect("a login that waits leaves none")
		_, err = s.LoginSecond(t.Context(), authtest.Req, auth.SecondStep{Challenge: waits, Proof: auth.Proof{Code: s.WrongCode(seed)}})
		fails(err)
		expect("a wrong code", byUser(account.EventFactorRefused, false))
		_, err = s.LoginSecond(t.Context(), authtest.Req, auth.SecondStep{Challenge: waits, Proof: auth.Proof{RecoveryCode: text(factor.RecoveryCodes[0])}})
		must(err)
		usedCode := byUser(account.EventRecoveryCodeUsed, true)
		usedCode.Details.Count = 9
		expect("a recovery code", usedCode, byUser(account.EventLogin, true))
		_, err = s.RenewRecoveryCodes(t.Context(), c)
		must(err)
		list, err := s.Factors(t.Context(), c)
		must(err)
		removedApp := byUser(account.EventFactorRemoved, true)
		removedApp.Details.Factor = "totp"
		must(s.RemoveFactor(t.Context(), c, list.Factors[0].ID))
		expect("new codes, removal", byUser(account.EventRecoveryRenewed, true), removedApp)
		challenge(account.UndoFactor) // of one that is gone
		s.Enrols(t, c)
		expect("an app again", addedApp)
		_, err = s.UndoFactor(t.Context(), authtest.Req, auth.FactorUndo{Token: challenge(account.UndoFactor), Password: text(authtest.Good)})
		must(err)
		undoneApp := byUser(account.EventFactorUndone, false)
		undoneApp.Details.Factor = "totp"
		expect("undone by the link", undoneApp)
		challenge(account.ResetPassword)
		idris := s.SignUp(t, "idris").User.ID
		challenge(account.VerifyEmail)
		s.Clock.Advance(time.Second)
		codeID, err := s.RequestCode(t.Context(), authtest.Req, nil, auth.CodeRequest{Purpose: text("login"), To: text("idris@example.ma")})
		must(err)
		digits := challenge(authtest.CodeIn(account.MailLoginCode)).Text
		_, err = s.UseCode(t.Context(), authtest.Req, nil, text(codeID), text(otherCode(digits)))
		fails(err)
		_, err = s.UseCode(t.Context(), authtest.Req, nil, text(codeID), text(digits))
		must(err)
		of := func(e told) told {
			e.UserID = idris
			return e
		}
		expect("register, and log in by a code", of(byUser(account.EventRegistered, true)),
			told{account.EventLoginCodeRequested, account.ActorAnonymous, idris, false, asker, account.EventDetails{}},
			of(byUser(account.EventEmailVerified, false)), of(byUser(account.EventPasswordVoided, false)), of(byUser(account.EventLogin, true)),
			told{account.EventCodeRefused, account.ActorAnonymous, idris, false, asker, account.EventDetails{}})

		toStaff := func(kind account.EventKind, userID int64) told {
			return told{kind, account.ActorStaff, userID, false, account.RequestInfo{}, byStaff}
		}
		must(s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""))
		must(s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""))
		must(s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), text(better), authtest.Reason))
		expect("staff", toStaff(account.EventUserDisabled, id), toStaff(account.EventUserEnabled, id), toStaff(account.EventPasswordSet, id))
		u, err := s.Staff.Create(t.Context(), account.RequestInfo{}, authtest.Registration("badr"))
		must(err)
		expect("user create", toStaff(account.EventUserCreated, u.ID))
		must(s.Staff.SetEmail(t.Context(), s.IDOf(t, "badr"), "badr.new@example.ma", ""))
		expect("another address", toStaff(account.EventEmailSet, u.ID))
		must(s.DisownEmail(t.Context(), authtest.Req, challenge(account.VerifyEmail)))
		expect("disowned", told{account.EventEmailDisowned, account.ActorAnonymous, u.ID, false, asker, account.EventDetails{}})
		must(s.Staff.Recover(t.Context(), s.IDOf(t, "badr"), "badr@example.ma", ""))
		recovered := toStaff(account.EventAccountRecovered, u.ID)
		recovered.Details.Fields = []string{"email"} // which is another
		expect("recovered", recovered)
		challenge(account.ResetPassword)
		must(s.Keys.Rotate(t.Context()))
		expect("key rotate", toStaff(account.EventKeyRotated, 0), toStaff(account.EventKeyRotated, 0))

		// Trusted devices, recovery.
		s.Clock.Advance(time.Minute) // failures of one minute share a row
		s.Prove(t, g)
		seed = s.AddTOTP(t, id)
		_, err = s.SignIn(t, "amina", better)
		late := due(t, err)
		expect("a login that waits leaves none")
		_, err = trusting(t, s, late, auth.Proof{Code: text("000000")})
		fails(err)
		expect("wrong factor", byUser(account.EventFactorRefused, false))
		g, err = trusting(t, s, late, auth.Proof{Code: code(t, s, seed)})
		must(err)
		expect("second step with trust", byUser(account.EventLogin, true), byUser(account.EventDeviceTrusted, true))
		c = s.CallerOf(t, g)
		trustedDevices, err := s.TrustedDevices(t.Context(), c)
		must(err)
		must(s.EndTrust(t.Context(), c, trustedDevices[0].ID))
		fails(s.EndTrust(t.Context(), c, trustedDevices[0].ID))
		expect("trust ended", byUser(account.EventDeviceTrustEnded, true))
		must(s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", "lost it"))
		fails(s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", "lost it"))
		expect("recovery started", toStaff(account.EventRecoveryStarted, id))
		must(s.StopRecoveryByLink(t.Context(), authtest.Req, challenge(account.StopRecovery)))
		expect("recovery stopped", byUser(account.EventRecoveryStopped, false))
		s.Clock.Advance(7 * 24 * time.Hour)
		must(s.Staff.Recover(t.Context(), s.IDOf(t, "amina"), "", "lost it"))
		s.Clock.Advance(24 * time.Hour)
		last = int64(len(s.AllEvents(t)))
		must(s.TellRecoveries(t.Context(), s.Clock.Now()))
		must(s.FinishRecovery(t.Context(), authtest.Req, challenge(account.FinishRecovery)))
		expect("recovery finished", byUser(account.EventRecoveryFinished, false))
		_, err = s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: challenge(account.ResetPassword), New: text(better)})
		must(err)
		expect("reset", byUser(account.EventPasswordReset, false))
		must(s.NotMe(t.Context(), authtest.Req, challenge(account.NotMe)))
		expect("not me", byUser(account.EventNotMe, false))
		_, err = s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: challenge(account.ResetPassword), New: text(better)})
		must(err)
		expect("reset again", byUser(account.EventPasswordReset, false))
		o := s.SignUp(t, "omar")
		key := s.AddPasskeyTo(t, s.CallerOf(t, o))
		_, err = s.SignInBy(t, key, nil)
		must(err)
		byOmar := func(kind account.EventKind, session bool) told {
			return told{kind, account.ActorUser, o.User.ID, session, asker, account.EventDetails{}}
		}
		addedKey := byOmar(account.EventFactorAdded, true)
		addedKey.Details.Factor = string(account.Passkey)
		expect("register, a passkey, login by it", byOmar(account.EventRegistered, true), addedKey, byOmar(account.EventLogin, true))
		_, err = s.SignInBy(t, key, func(a *webauthntest.Answer) { a.Count = 1 })
		fails(err)
		expect("a copy of it", byOmar(account.EventPasskeyCloned, false))
		_, err = s.SignInBy(t, key, func(a *webauthntest.Answer) { a.RPID = "evil.example" })
		fails(err)
		expect("a passkey that is refused", told{account.EventLoginFailed, account.ActorAnonymous, 0, false, asker, account.EventDetails{}})
		waiting, asked := askedSecond(t, s, "omar")
		_, err = s.LoginSecond(t.Context(), authtest.Req, secondStep(waiting, secondBy(asked.Ceremony, "{}")))
		fails(err)
		expect("a wrong second factor", byOmar(account.EventFactorRefused, false))

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
		must(s.Staff.Restore(t.Context(), s.IDOf(t, "amina"), ""))
		last = int64(len(s.AllEvents(t))) - 1
		expect("restore", toStaff(account.EventAccountRestored, id))

		var undelivered account.Mail
		authtest.Write(t, st, func(_ context.Context, tx *store.Store) error {
			return tx.AddMail(t.Context(), account.Mail{Kind: account.MailPasswordChanged, UserID: id, Email: "amina@example.ma", CreatedAt: s.Clock.Now().Add(time.Hour)})
		})
		mails, err := s.Staff.Mails(t.Context(), 1)
		must(err)
		undelivered = mails[0]
		must(s.Staff.RetryMail(t.Context(), undelivered.ID))
		retried := toStaff(account.EventMailRetried, id)
		retried.Details.Mail = undelivered.ID
		expect("mail retry", retried)

		service, _, err := s.Staff.CreateOAuthClient(t.Context(), account.OAuthClient{Name: "orders", Scopes: []account.Scope{account.ScopeRevoke}})
		must(err)
		must(s.Staff.DisableOAuthClient(t.Context(), service.ID))
		madeService, endedService := toStaff(account.EventServiceCreated, 0), toStaff(account.EventServiceDisabled, 0)
		madeService.Details.Service, endedService.Details.Service = service.ID, service.ID
		expect("service", madeService, endedService)

		hook, _ := s.Subscribe(t, "https://orders.example/")
		_, _, err = s.Staff.RotateWebhook(t.Context(), hook.ID, time.Hour)
		must(err)
		_, err = s.Staff.ReplayWebhook(t.Context(), hook.ID, 1, 9)
		must(err)
		must(s.Staff.DisableWebhook(t.Context(), hook.ID))
		must(s.Staff.EnableWebhook(t.Context(), hook.ID))
		must(s.Staff.DeleteWebhook(t.Context(), hook.ID)) // which turns it off first
		var ofHook []told
		for _, kind := range []account.EventKind{
			account.EventWebhookCreated, account.EventWebhookRotated, account.EventWebhookReplayed, account.EventWebhookDisabled, account.EventWebhookEnabled,
			account.EventWebhookDisabled, account.EventWebhookDeleted,
		} {
			e := toStaff(kind, 0)
			e.Details.Webhook = hook.ID
			ofHook = append(ofHook, e)
		}
		expect("webhook", ofHook...)

		_, err = s.Keys.Revoke(t.Context(), s.KeyID(t, token.Access))
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
			ownTest := []account.EventKind{ // and those of agents: TestEachActOfAnAgentIsAnEvent
				account.EventUserEdited, account.EventUserInvited, account.EventUserExported, account.EventSessionsEndedByStaff, account.EventLoginUnlocked,
				account.EventRoleGiven, account.EventRoleAccepted, account.EventRoleSuspended, account.EventRoleTaken, account.EventUserSeen, account.EventNoteAdded,
				account.EventUsersListed, account.EventUsersExported, account.EventStaffRefused, account.EventApprovalAsked, account.EventApprovalGiven, account.EventApprovalRefused,
				account.EventFactorLocked, account.EventSessionAdopted, account.EventEventsRemoved, account.EventDatabaseRestored, account.EventEventsLost}
			if !seen[kind] && !slices.Contains(ownTest, kind) {
				t.Errorf("%s was not tried", kind)
			}
		}
		s.Verified(t, store.EventHead{})
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
