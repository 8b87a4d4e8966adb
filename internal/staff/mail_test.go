package staff_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
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
