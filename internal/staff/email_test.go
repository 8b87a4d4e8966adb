package staff_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

// edits has the staff change somebody, of whom they have seen the newest version.
func edits(t *testing.T, s *authtest.Server, svc *staff.Service, id int64, in auth.UserEdit) (account.User, error) {
	t.Helper()
	u, err := s.Staff.User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	waits, err := s.Staff.Correction(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	in.Version = account.TextInput(auth.Version(u, waits))
	return svc.Edit(t.Context(), id, in)
}

// addressOf is an edit of the address alone.
func addressOf(email string) auth.UserEdit { return auth.UserEdit{Email: account.TextInput(email)} }

// mailsTo are the kinds of the mails to an address, the oldest first.
func mailsTo(t *testing.T, s *authtest.Server, email string) (kinds []account.MailKind) {
	t.Helper()
	for _, m := range s.AllMails(t) {
		if m.Email == email {
			kinds = append(kinds, m.Kind)
		}
	}
	return kinds
}

// TestAddressThatIsWrittenOtherwiseIsTheSame: the mailbox is the same one, so what
// was proved stays proved. Else one edit would take the proof, and a second the
// account, with no mail to its owner.
func TestAddressThatIsWrittenOtherwiseIsTheSame(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		plain, factor, typed := s.SignUp(t, "plain"), s.SignUp(t, "factor"), s.SignUp(t, "typed")
		s.Prove(t, plain)
		s.Prove(t, factor)
		s.Enrols(t, s.CallerOf(t, factor))
		for id, email := range map[int64]string{plain.User.ID: "Plain@example.ma", factor.User.ID: "Factor@example.ma"} {
			u, err := edits(t, s, manager, id, addressOf(email))
			if err != nil || u.Email != email || u.EmailVerifiedAt.IsZero() {
				t.Errorf("%q, proved %v, %v; want %q, proved", u.Email, u.EmailVerifiedAt, err, email)
			}
			if kinds := mailsTo(t, s, email); len(kinds) != 0 {
				t.Errorf("%s is mailed %v", email, kinds)
			}
			if _, err := s.Staff.Recovery(t.Context(), id); err == nil {
				t.Errorf("a recovery waits for %s", email)
			}
		}
		if err := s.Staff.SetEmail(t.Context(), plain.User.ID, "PLAIN@example.ma", ""); err != nil {
			t.Fatal(err)
		}
		if u, err := s.Staff.User(t.Context(), plain.User.ID); err != nil || u.Email != "PLAIN@example.ma" || u.EmailVerifiedAt.IsZero() {
			t.Errorf("by the command: %q, proved %v, %v", u.Email, u.EmailVerifiedAt, err)
		}
		if ids, err := manager.AddressesThenLinks(t.Context()); err != nil || len(ids) != 0 {
			t.Errorf("%v, %v", ids, err)
		}
		// The owner is told of another one.
		if _, err := edits(t, s, manager, plain.User.ID, addressOf("thief@example.com")); err != nil {
			t.Fatal(err)
		}
		if kinds := mailsTo(t, s, "PLAIN@example.ma"); len(kinds) != 1 || kinds[0] != account.MailEmailChanged {
			t.Errorf("the owner is mailed %v", kinds)
		}
		// Of an address that nobody proved the link goes out again.
		if u, err := edits(t, s, manager, typed.User.ID, addressOf("Typed@example.ma")); err != nil || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("%+v, %v", u, err)
		}
		if kinds := mailsTo(t, s, "Typed@example.ma"); len(kinds) != 1 || kinds[0] != account.MailVerifyEmail {
			t.Errorf("who proved nothing is mailed %v", kinds)
		}
	})
}

// corrected is a client with a factor whose address the staff have corrected: it
// waits.
func corrected(t *testing.T, s *authtest.Server, svc *staff.Service, username, email string) *auth.Caller {
	t.Helper()
	g := s.SignUp(t, username)
	s.Prove(t, g)
	s.Enrols(t, s.CallerOf(t, g))
	c := s.CallerOf(t, g)
	if _, err := edits(t, s, svc, c.User.ID, addressOf(email)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Staff.Recovery(t.Context(), c.User.ID); err != nil || !r.Keeps || r.Email != email {
		t.Fatalf("%+v, %v", r, err)
	}
	return c
}

// TestAnotherAddressEndsACorrectionThatWaits: else the reader of an address that
// was mistyped takes the account a day later.
func TestAnotherAddressEndsACorrectionThatWaits(t *testing.T) {
	t.Parallel()
	const typo = "typo@example.com"
	// noFactor is its client who takes the factor away meanwhile.
	noFactor := func(t *testing.T, s *authtest.Server, c *auth.Caller) {
		t.Helper()
		f, err := s.Factors(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), c, f.Factors[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	for name, act := range map[string]struct {
		do    func(t *testing.T, s *authtest.Server, smtp *smtptest.Server, manager *staff.Service, c *auth.Caller)
		email string // that the account has then
	}{
		"an edit": {func(t *testing.T, s *authtest.Server, _ *smtptest.Server, manager *staff.Service, c *auth.Caller) {
			noFactor(t, s, c)
			if _, err := edits(t, s, manager, c.User.ID, addressOf("right@example.com")); err != nil {
				t.Error(err)
			}
		}, "right@example.com"},
		"an edit to the address that waits": {func(t *testing.T, s *authtest.Server, _ *smtptest.Server, manager *staff.Service, c *auth.Caller) {
			noFactor(t, s, c)
			if _, err := edits(t, s, manager, c.User.ID, addressOf(typo)); err != nil {
				t.Error(err)
			}
		}, typo},
		"the present address again": {func(t *testing.T, s *authtest.Server, _ *smtptest.Server, manager *staff.Service, c *auth.Caller) {
			if _, err := edits(t, s, manager, c.User.ID, addressOf("client@example.ma")); err != nil {
				t.Error(err)
			}
			if m := s.LastMail(t, account.MailRecoveryStopped); m.Email != "client@example.ma" {
				t.Errorf("%s is told", m.Email)
			}
		}, "client@example.ma"},
		"the present address, written otherwise": {func(t *testing.T, s *authtest.Server, _ *smtptest.Server, manager *staff.Service, c *auth.Caller) {
			if _, err := edits(t, s, manager, c.User.ID, addressOf("Client@example.ma")); err != nil {
				t.Error(err)
			}
		}, "Client@example.ma"},
		"an address that its owner proves": {func(t *testing.T, s *authtest.Server, smtp *smtptest.Server, _ *staff.Service, c *auth.Caller) {
			if err := s.ChangeEmail(t.Context(), c, auth.EmailChange{Email: account.TextInput("own@example.com")}); err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
			if err := s.ConfirmEmail(t.Context(), authtest.Elsewhere(), authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]); err != nil {
				t.Error(err)
			}
		}, "own@example.com"},
		"the account given to the address that waits": {func(t *testing.T, s *authtest.Server, _ *smtptest.Server, manager *staff.Service, c *auth.Caller) {
			noFactor(t, s, c)
			if err := manager.Recover(t.Context(), c.User.ID, typo, authtest.Reason); err != nil {
				t.Error(err)
			}
		}, typo},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
				c := corrected(t, s, manager, "client", typo)
				act.do(t, s, smtp, manager, c)
				if r, err := s.Staff.Recovery(t.Context(), c.User.ID); !errors.Is(err, staff.ErrNoRecovery) {
					t.Errorf("the correction to %s goes on, %v", r.Email, err)
				}
				s.Clock.Advance(auth.DefaultRecoveryWait)
				if err := s.TellRecoveries(t.Context(), s.Clock.Now()); err != nil {
					t.Fatal(err)
				}
				s.Deliver(t)
				authtest.WantTokens(t, smtp, account.FinishRecovery, 0)
				if u, err := s.Staff.User(t.Context(), c.User.ID); err != nil || u.Email != act.email {
					t.Errorf("the address is %s, %v; want %s", u.Email, err, act.email)
				}
			})
		})
	}
}

// TestRoleEndsACorrectionThatWaits: who may correct a client's address may not have
// begun to move that of somebody of the staff.
func TestRoleEndsACorrectionThatWaits(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		c := corrected(t, s, manager, "client", "evil@example.com")
		ended := func(when string) {
			t.Helper()
			if r, err := s.Staff.Recovery(t.Context(), c.User.ID); !errors.Is(err, staff.ErrNoRecovery) {
				t.Errorf("%s: the correction to %s goes on, %v", when, r.Email, err)
			}
		}
		if err := s.Staff.Offer(t.Context(), c.User.ID, account.Owner); err != nil {
			t.Fatal(err)
		}
		ended("the role is offered")
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { // that began at the same moment
			return tx.CreateRecovery(ctx, account.Recovery{
				ID: "late", UserID: c.User.ID, Email: "evil@example.com", Keeps: true, ByStaff: true,
				StartedAt: s.Clock.Now(), ReadyAt: s.Clock.Now().Add(auth.DefaultRecoveryWait),
			})
		})
		s.Deliver(t)
		if err := s.AcceptRole(t.Context(), c, authtest.WantTokens(t, smtp, account.AcceptRole, 1)[0]); err != nil {
			t.Fatal(err)
		}
		ended("it is accepted")
	})
}

// TestCorrectionsThatTheStaffStopAreFew: each start and each stop is mailed to the
// person, and none of them is held back.
func TestCorrectionsThatTheStaffStopAreFew(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		c := corrected(t, s, manager, "amina", "typo0@example.com")
		for i := 1; i <= 5; i++ {
			if err := manager.StopRecovery(t.Context(), c.User.ID, ""); err != nil {
				t.Fatal(err)
			}
			_, err := edits(t, s, manager, c.User.ID, addressOf(fmt.Sprintf("typo%d@example.com", i)))
			var refused *auth.RecoveryRefused
			if got := errors.As(err, &refused); got != (i == 5) {
				t.Fatalf("correction %d: %v", i, err)
			}
		}
		s.Clock.Advance(24 * time.Hour)
		if _, err := edits(t, s, manager, c.User.ID, addressOf("right@example.com")); err != nil {
			t.Error(err)
		}
	})
}

// TestAnyFactorOfBeforeStopsACorrection, however young: it takes none away, and
// where no address is proved nobody else could.
func TestAnyFactorOfBeforeStopsACorrection(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		g := s.SignUp(t, "client")
		s.Enrols(t, s.CallerOf(t, g))
		if _, err := edits(t, s, manager, g.User.ID, addressOf("evil@example.com")); err != nil {
			t.Fatal(err)
		}
		if err := s.StopRecovery(t.Context(), s.CallerOf(t, g)); err != nil {
			t.Errorf("by the factor of that day: %v", err)
		}
		if _, err := s.Staff.Recovery(t.Context(), g.User.ID); !errors.Is(err, staff.ErrNoRecovery) {
			t.Error(err)
		}
	})
}

// TestStoppedCorrectionBlocksNoRecovery: a manager who mistypes an address again
// and again does not take the way back from who lost the factor.
func TestStoppedCorrectionBlocksNoRecovery(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		s.Deliver(t)
		c := corrected(t, s, manager, "client", "typo@example.com")
		if err := manager.StopRecovery(t.Context(), c.User.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := edits(t, s, manager, c.User.ID, addressOf("right@example.com")); err != nil {
			t.Errorf("another, after the staff stopped it: %v", err)
		}
		s.Deliver(t)
		links := authtest.WantTokens(t, smtp, account.StopRecovery, 2)
		if err := s.StopRecoveryByLink(t.Context(), authtest.Elsewhere(), links[1]); err != nil {
			t.Fatal(err)
		}
		if _, err := edits(t, s, manager, c.User.ID, addressOf("third@example.com")); !errors.Is(err, account.ErrRecoveryRefused) {
			t.Errorf("another, after its owner stopped it: %v", err)
		}
		if _, err := s.UndoFactor(t.Context(), authtest.Elsewhere(), auth.FactorUndo{Token: authtest.WantTokens(t, smtp, account.UndoFactor, 2)[1]}); err != nil {
			t.Errorf("the way back of who lost the factor: %v", err)
		}
		if r, err := s.Staff.Recovery(t.Context(), c.User.ID); err != nil || r.Keeps {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// TestAccountWithoutAPasswordIsNotHandedOver by an edit alone: its owner is no stranger
// who was invited, and a link to choose a password would go out without a request
// that [staff.Service.AddressesThenLinks] sees.
func TestAccountWithoutAPasswordIsNotHandedOver(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		proved, plain := s.SignUp(t, "proved"), s.SignUp(t, "plain")
		s.Prove(t, proved)
		invited, err := manager.Invite(t.Context(), auth.Invited{Email: account.TextInput("invited@example.ma"), Username: account.TextInput("invited")}, "fr")
		if err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		links := authtest.TokensOf(smtp, account.ResetPassword)
		if err := s.Reset(t, links[len(links)-1], authtest.Good); err != nil {
			t.Fatal(err)
		}
		for i, id := range []int64{proved.User.ID, plain.User.ID, invited.ID} {
			err := s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				return tx.SetPassword(ctx, id, "!", s.Clock.Now()) // as Django has some, and as a way back leaves it
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, email := range []string{fmt.Sprintf("thief%d@example.ma", i), fmt.Sprintf("thief-%d@example.ma", i)} {
				if _, err := edits(t, s, manager, id, addressOf(email)); err != nil {
					t.Fatal(err)
				}
				if kinds := mailsTo(t, s, email); len(kinds) != 1 || kinds[0] != account.MailVerifyEmail {
					t.Errorf("%d: %s is mailed %v", i, email, kinds)
				}
			}
		}
	})
}

// TestInvitationGoesToTheAddressThatIsCorrected: a link to prove it would lead to no
// password, and that of the invitation ended.
func TestInvitationGoesToTheAddressThatIsCorrected(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		u, err := manager.Invite(t.Context(), auth.Invited{Email: account.TextInput("typo@example.ma"), Username: account.TextInput("amina")}, "fr")
		if err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{"right@example.ma", "Right@example.ma"} {
			if _, err := edits(t, s, manager, u.ID, addressOf(email)); err != nil {
				t.Fatal(err)
			}
			if kinds := mailsTo(t, s, email); len(kinds) != 1 || kinds[0] != account.MailInvited {
				t.Errorf("%s is mailed %v", email, kinds)
			}
		}
		s.Deliver(t)
		links := authtest.TokensOf(smtp, account.ResetPassword)
		if err := s.Reset(t, links[len(links)-1], authtest.Good); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Error(err)
		}
	})
}

// TestNoAddressForWhoIsShutOut: the mail that proves it would not go out, nor when
// the account is open again.
func TestNoAddressForWhoIsShutOut(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		disabled, closed := s.SignUp(t, "disabled"), s.SignUp(t, "closed")
		if err := manager.Disable(t.Context(), disabled.User.ID, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		if err := manager.Close(t.Context(), closed.User.ID, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		for _, id := range []int64{disabled.User.ID, closed.User.ID} {
			if _, err := edits(t, s, manager, id, addressOf("right@example.com")); !errors.Is(err, staff.ErrNotActive) {
				t.Errorf("an edit: %v", err)
			}
			if err := s.Staff.SetEmail(t.Context(), id, "right@example.com", ""); !errors.Is(err, staff.ErrNotActive) {
				t.Errorf("the command: %v", err)
			}
			if _, err := edits(t, s, manager, id, auth.UserEdit{FirstName: account.TextInput("Amina")}); err != nil {
				t.Errorf("a name: %v", err)
			}
		}
		if kinds := mailsTo(t, s, "right@example.com"); len(kinds) != 0 {
			t.Errorf("mailed %v", kinds)
		}
	})
}

// TestWhoIsDisabledIsNotGivenBack: the link would be mailed to nobody, while the
// password and every link of before were gone. A closed account is restored by it.
func TestWhoIsDisabledIsNotGivenBack(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		disabled, closed := s.SignUp(t, "disabled"), s.SignUp(t, "closed")
		s.Prove(t, disabled)
		if err := manager.Disable(t.Context(), disabled.User.ID, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		before, err := s.Staff.User(t.Context(), disabled.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		told := len(mailsTo(t, s, "disabled@example.ma"))
		for name, svc := range map[string]*staff.Service{"the console": manager, "the command": s.Staff} {
			for _, email := range []string{"", "other@example.com"} {
				if err := svc.Recover(t.Context(), disabled.User.ID, email, authtest.Reason); !errors.Is(err, staff.ErrNotActive) {
					t.Errorf("%s, at %q: %v", name, email, err)
				}
			}
		}
		if u, err := s.Staff.User(t.Context(), disabled.User.ID); err != nil || u.Email != before.Email || u.PasswordHash != before.PasswordHash {
			t.Errorf("it has another address (%s) or password; %v", u.Email, err)
		}
		if n := len(mailsTo(t, s, "disabled@example.ma")); n != told {
			t.Errorf("%d mails tell of it", n-told)
		}
		if err := manager.Close(t.Context(), closed.User.ID, authtest.Reason); err != nil {
			t.Fatal(err)
		}
		if err := manager.Recover(t.Context(), closed.User.ID, "right@example.com", authtest.Reason); err != nil {
			t.Errorf("closed: %v", err)
		}
		if u, err := s.Staff.User(t.Context(), closed.User.ID); err != nil || !u.Active || u.Email != "right@example.com" || u.EmailVerifiedAt.IsZero() {
			t.Errorf("closed, and given back: %+v, %v", u, err)
		}
	})
}
