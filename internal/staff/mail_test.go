package staff_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
)

// TestRetryKeepsToTheMailboxesLimits: who may have a mail tried again does not by
// it have any number of them sent to somebody.
func TestRetryKeepsToTheMailboxesLimits(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		ctx := t.Context()
		agent := s.Staff.As(s.AgentOf(t, s.Employs(t, "agent", account.Support)))
		amina := s.SignUp(t, "amina").User.ID
		s.Deliver(t)
		for range 20 {
			due, err := agent.StartReset(ctx, amina, "")
			if err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
			if !due.After(s.Clock.Now()) {
				continue
			}
			if err := agent.RetryMail(ctx, s.LastMail(t, account.MailResetPassword).ID); !errors.Is(err, account.ErrNotFound) {
				t.Fatalf("one that waits for its turn: %v", err)
			}
			s.Deliver(t)
		}
		if n := s.Sent(t, account.MailResetPassword); n == 0 || n > 5 {
			t.Errorf("%d mails in no time", n)
		}

		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 550} })
		s.SignUp(t, "salma")
		s.Deliver(t)
		failed := s.LastMail(t, account.MailVerifyEmail).ID
		tries, err := 0, error(nil)
		for ; tries < 20 && err == nil; tries++ {
			err = agent.RetryMail(ctx, failed)
			s.Deliver(t)
		}
		if !errors.Is(err, account.ThrottledFor(0)) || tries > 6 {
			t.Errorf("one that fails, again and again: %d times, %v", tries, err)
		}
		if n, err := agent.RetryMails(ctx); n != 0 || err != nil {
			t.Errorf("all of them: %d, %v", n, err)
		}
		s.Clock.Advance(time.Hour)
		if n, err := agent.RetryMails(ctx); n != 1 || err != nil {
			t.Errorf("an hour later: %d, %v", n, err)
		}

		// The attempt that this began is under way: it does not go out twice.
		var claimed []account.Mail
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) (err error) {
			claimed, err = tx.ClaimMails(ctx, 10, "server", s.Clock.Now(), s.Clock.Now().Add(time.Minute))
			return err
		})
		if !slices.ContainsFunc(claimed, func(m account.Mail) bool { return m.ID == failed }) {
			t.Fatalf("not among %d that are due", len(claimed))
		}
		if err := agent.RetryMail(ctx, failed); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("one that goes out at this moment: %v", err)
		}
	}, authtest.Limited)
}

// TestStrangersHoldUpNothingThatTheStaffSend: what anybody can have mailed to a
// mailbox has quotas of its own. Nor does what the staff send show in the answer to
// anybody.
func TestStrangersHoldUpNothingThatTheStaffSend(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		ctx := t.Context()
		agent := s.Staff.As(s.AgentOf(t, s.Employs(t, "agent", account.Support)))
		amina, salma := s.SignUp(t, "amina"), s.SignUp(t, "salma").User.ID
		s.Prove(t, amina)
		ask := func(email, name string) {
			t.Helper()
			if err := s.RequestReset(ctx, authtest.Elsewhere(), account.TextInput(email), account.TextInput(name)); err != nil {
				t.Errorf("asked for %s of %s: %v", name, email, err)
			}
		}
		at := func(what string, want time.Duration, send func(context.Context, int64, string) (time.Time, error), id int64) {
			t.Helper()
			if due, err := send(ctx, id, ""); err != nil || due.Sub(s.Clock.Now()) > want {
				t.Errorf("%s: in %s, %v; want in %s", what, due.Sub(s.Clock.Now()), err, want)
			}
		}
		for n := range 8 {
			for _, name := range []string{"nobody", "amina"} {
				ask("amina@example.ma", name)
			}
			s.Claims(t, fmt.Sprint("squatter", n), "salma@example.ma")
		}
		s.Deliver(t)
		resets := s.Sent(t, account.MailResetPassword)
		at("reset", 0, agent.StartReset, amina.User.ID)
		at("verification", 0, agent.ResendVerification, salma)
		s.Deliver(t)
		if m := s.LastMail(t, account.MailVerifyEmail); s.Sent(t, account.MailResetPassword) != resets+1 || m.UserID != salma || m.SentAt.IsZero() {
			t.Errorf("the staff's mails did not go out: %+v", m)
		}

		for range 6 { // one waits
			at("reset", 15*time.Minute, agent.StartReset, amina.User.ID)
		}
		for range 8 {
			ask("amina@example.ma", "amina")
			ask("amina@example.ma", "nobody")
			ask("nobody@example.ma", "amina")
		}
		// Somebody else's mail to this mailbox waits for itself.
		agent2 := s.Staff.As(s.AgentOf(t, s.Employs(t, "agent2", account.Support)))
		other := s.Claims(t, "other", "amina+other@example.ma").User.ID
		at("another's reset", 15*time.Minute, agent2.StartReset, other)
		s.Deliver(t)
		resets = s.Sent(t, account.MailResetPassword)
		s.Clock.Advance(time.Hour)
		s.Deliver(t)
		if n := s.Sent(t, account.MailResetPassword) - resets; n < 2 {
			t.Errorf("%d mails an hour later, want those that waited", n)
		}
	}, authtest.Limited)
}

// TestAnotherAddressKeepsToItsMailboxsLimits: who may change addresses does not by
// it have any number of mails sent to whoever they like.
func TestAnotherAddressKeepsToItsMailboxsLimits(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		ctx := t.Context()
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		edited, recovered := s.SignUp(t, "edited").User.ID, s.SignUp(t, "recovered").User.ID
		edit := func(version, email string) error {
			_, err := manager.Edit(ctx, edited, auth.UserEdit{Version: account.TextInput(version), Email: account.TextInput(email)})
			return err
		}
		for range 10 { // what is refused uses up nothing
			if err := edit("0000000000000000", "stranger@example.com"); !errors.Is(err, account.ErrEditConflict) {
				t.Fatal(err)
			}
		}
		var throttled error
		for range 10 {
			for _, email := range []string{"stranger@example.com", "another@example.com"} {
				u, err := s.Staff.User(ctx, edited)
				if err != nil {
					t.Fatal(err)
				}
				if err := edit(auth.Version(u, account.Recovery{}), email); err != nil {
					throttled = err
				}
				if err := manager.Recover(ctx, recovered, email, authtest.Reason); err != nil {
					throttled = err
				}
				s.Deliver(t)
			}
		}
		if !errors.Is(throttled, account.ThrottledFor(0)) {
			t.Errorf("nobody was told to wait: %v", throttled)
		}
		got := map[string]int{}
		for _, m := range s.AllMails(t) {
			if !m.SentAt.IsZero() {
				got[string(m.Kind)+" to "+m.Email]++
			}
		}
		for _, email := range []string{"stranger@example.com", "another@example.com"} {
			for _, kind := range []account.MailKind{account.MailVerifyEmail, account.MailResetPassword} {
				if n := got[string(kind)+" to "+email]; n == 0 || n > 5 {
					t.Errorf("%s to %s: %d in no time", kind, email, n)
				}
			}
		}
		if err := s.Staff.Recover(ctx, recovered, "stranger@example.com", authtest.Reason); err != nil {
			t.Errorf("at the terminal: %v", err)
		}
	}, authtest.Limited)
}

// TestWhoeverHadAWayBackIsToldThatItIsGone: an address that the account had
// proved has a link of seven days to take it back. Giving the account to another
// voids it, and says so there.
func TestWhoeverHadAWayBackIsToldThatItIsGone(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		ctx := t.Context()
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		told := func(want ...string) {
			t.Helper()
			s.Deliver(t)
			var got []string
			for _, m := range s.AllMails(t) {
				if m.Kind == account.MailAccountGiven {
					got = append(got, m.Email+" of "+m.Details.Email)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("told: %v, want %v", got, want)
			}
		}
		amina := s.SignUp(t, "amina")
		s.Prove(t, amina)
		if err := s.Staff.SetEmail(ctx, amina.User.ID, "thief@example.com", ""); err != nil {
			t.Fatal(err)
		}
		if err := manager.Recover(ctx, amina.User.ID, "", authtest.Reason); err != nil {
			t.Fatal(err)
		}
		told("amina@example.ma of t***@example.com")
		salma := s.SignUp(t, "salma")
		s.Prove(t, salma)
		if err := manager.Recover(ctx, salma.User.ID, "", authtest.Reason); err != nil { // at her own
			t.Fatal(err)
		}
		told("amina@example.ma of t***@example.com")
		if err := manager.Recover(ctx, salma.User.ID, "other@example.com", authtest.Reason); err != nil {
			t.Fatal(err)
		}
		told("amina@example.ma of t***@example.com", "salma@example.ma of o***@example.com")
	})
}

// TestNoticesOfTheStaffsActsAreFew, however often they do them to one person.
func TestNoticesOfTheStaffsActsAreFew(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		ctx := t.Context()
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		amina := s.SignUp(t, "amina")
		s.Prove(t, amina)
		for range 12 {
			for _, act := range []func() error{
				func() error { return manager.Disable(ctx, amina.User.ID, authtest.Reason) },
				func() error { return manager.Enable(ctx, amina.User.ID, "") },
				func() error { return manager.Close(ctx, amina.User.ID, authtest.Reason) },
				func() error { return manager.Restore(ctx, amina.User.ID, "") },
			} {
				if err := act(); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Deliver(t)
		kinds := map[account.MailKind]int{}
		for _, m := range s.AllMails(t) {
			if m.UserID == amina.User.ID && m.Kind != account.MailVerifyEmail {
				kinds[m.Kind]++
			}
		}
		for kind, n := range kinds {
			if n > 5 {
				t.Errorf("%s: %d mails", kind, n)
			}
		}
		if kinds[account.MailAccountClosed] == 0 || kinds[account.MailAccountDisabled] == 0 || kinds[account.MailNotices] == 0 {
			t.Errorf("%v", kinds)
		}
	}, authtest.EraseAfter30Days)
}

// TestMailsAreLooksAndActs: whose address the queue shows is seen, and nobody
// mails anything to somebody on whom they may not act.
func TestMailsAreLooksAndActs(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		ctx := t.Context()
		owner, c := s.Employs(t, "owner", account.Owner), s.Employs(t, "agent", account.Support)
		agent := s.Staff.As(s.AgentOf(t, c))
		s.Deliver(t)
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 550} })
		failed := map[int64]int64{}
		for _, id := range []int64{owner.User.ID, c.User.ID, s.SignUp(t, "salma").User.ID} {
			if _, err := s.Staff.StartReset(ctx, id, ""); err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
			failed[id] = s.LastMail(t, account.MailResetPassword).ID
		}
		before := s.EventKinds(t)
		mails, err := agent.Queue(ctx, account.Input{}, account.Input{})
		if err != nil || len(mails) == 0 {
			t.Fatal(mails, err)
		}
		for id, mail := range failed {
			if _, err := agent.Mail(ctx, mail); err != nil {
				t.Fatal(err)
			}
			if err := agent.RetryMail(ctx, mail); (err == nil) != (id != owner.User.ID && id != c.User.ID) {
				t.Errorf("tries a mail to %d again: %v", id, err)
			}
		}
		after := s.EventKinds(t)
		for kind, want := range map[account.EventKind]int{
			account.EventUsersListed: 1, account.EventUserSeen: 3, account.EventMailRetried: 1, account.EventStaffRefused: 1, // of several at once
		} {
			if n := after[kind] - before[kind]; n != want {
				t.Errorf("%s: %d, want %d", kind, n, want)
			}
		}
		s.Deliver(t)
		s.Clock.Advance(time.Hour)
		n, err := agent.RetryMails(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []int64{owner.User.ID, c.User.ID} {
			m, err := s.Store.Mail(ctx, failed[id])
			if err != nil || m.State() != account.MailFailed {
				t.Errorf("%d tried again, of them one to %d: %+v, %v", n, id, m, err)
			}
		}
	})
}

// TestMailToNobodyIsALook: a mail that belongs to no account, as a reset that
// somebody asked for, has an address all the same, and their numbers go up by
// one.
func TestMailToNobodyIsALook(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		agent := s.Staff.As(s.AgentOf(t, s.Employs(t, "agent", account.Support)))
		s.AskReset(t, "nobody@example.ma")
		m := s.LastMail(t, account.MailResetRequest)
		for range 2 {
			if got, err := agent.Mail(t.Context(), m.ID); err != nil || got.Email != "nobody@example.ma" || got.UserID != 0 {
				t.Fatal(got, err)
			}
		}
		events, err := s.Store.Events(t.Context(), store.EventFilter{Kind: account.EventUsersListed}, 0)
		if err != nil || len(events) != 2 || events[0].ReadDetails().Count != 1 {
			t.Errorf("%+v, %v", events, err)
		}
	})
}
