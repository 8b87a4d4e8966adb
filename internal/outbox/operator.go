package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// What the operator is told of by mail, each kind once a day at most, to the
// address in [Options].Operator; without one nobody is told.
const (
	tellOperatorEvery = 24 * time.Hour

	// Mails are given up about a day after they were owed. So of what was owed
	// in this time, all that is given up is told of, some of it twice.
	tellOperatorSince = 50 * time.Hour
)

// TellOfMails tells the operator that mails were given up.
func (o *Outbox) TellOfMails(ctx context.Context) error {
	if o.o.Operator == "" {
		return nil
	}
	n, reason, err := o.store.GivenUpMails(ctx, o.now().Add(-tellOperatorSince), account.OperatorMails()...)
	if err != nil || n == 0 {
		return err
	}
	return o.tellOperator(ctx, account.MailOperatorMails, account.MailDetails{Count: n, Problem: reason})
}

// TellOfEvents verifies what is new in the chain of events, now and then all of
// it, and tells the operator what it finds. Whoever changed the database may keep the mail from going out, too:
// docs/events.md says how to be sure.
func (o *Outbox) TellOfEvents(ctx context.Context) error {
	if o.o.Operator == "" {
		return nil
	}
	report, err := o.audit.VerifyNew(ctx)
	if err != nil || report.Problem == "" {
		return err
	}
	o.log.ErrorContext(ctx, "events were changed or removed", "problem", report.Problem)
	return o.tellOperator(ctx, account.MailOperatorEvents, account.MailDetails{Problem: report.Problem})
}

// TellOfWebhooks tells the operator that messages to webhooks were given up
// since they were last told.
func (o *Outbox) TellOfWebhooks(ctx context.Context) error {
	if o.o.Operator == "" {
		return nil
	}
	hooks, err := o.store.Webhooks(ctx)
	if err != nil {
		return err
	}
	since := o.now().Add(-tellOperatorEvery - time.Hour) // some more than until the job runs again
	var lost []string
	for _, w := range hooks {
		if !w.GivenUpAt.After(since) {
			continue
		}
		told, err := o.store.KindMailedSince(ctx, account.MailOperatorRefused, w.GivenUpAt)
		if err != nil {
			return err
		}
		if !told {
			lost = append(lost, fmt.Sprintf("webhook %s: %d in all, the last time: %s", w.ID, w.GivenUp, w.GivenUpWhy))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return o.tellOperator(ctx, account.MailOperatorRefused, account.MailDetails{Problem: strings.Join(lost, "; ")})
}

func (o *Outbox) tellOperator(ctx context.Context, kind account.MailKind, details account.MailDetails) error {
	now := o.now()
	err := o.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		// Of several servers one tells. Where the row to lock is gone, which is
		// what there is to tell, all of them may.
		if _, err := tx.LockEventChain(ctx); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		told, err := tx.KindMailedSince(ctx, kind, now.Add(-tellOperatorEvery))
		if err != nil || told {
			return err
		}
		return tx.AddMail(ctx, account.Mail{
			Kind: kind, Email: o.o.Operator, Language: o.o.OperatorLanguage, Details: details, CreatedAt: now,
		})
	})
	o.Wake()
	return err
}
