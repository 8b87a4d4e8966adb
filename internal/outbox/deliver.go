package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// backoff are the waits before another attempt; after the last a mail is
// given up, about a day after the first.
var backoff = []time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
	2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

// Waits of their own.
const (
	// uncertainWait is for a mail that an SMTP server may have taken: the whole
	// text was sent and no answer was heard. It is tried once more, late; when
	// that ends in the same way, it may have come twice, and is given up.
	uncertainWait = time.Hour

	// unknownWait is for a mail of a kind that only a newer server knows. It
	// waits for one, however long that takes.
	unknownWait = time.Minute
)

// What waits for longer than it can have to, with a margin, was put off by a
// clock that was set back since.
const (
	waitMargin  = time.Minute
	longestWait = 8 * time.Hour // of backoff
	longestTurn = time.Hour     // in which a mailbox's quota is whole again
)

// Hasten makes mails due that a clock holds up which was set back. Somebody
// may wait for them, and mails of the same kind to the same mailbox wait for
// one that waits for its turn.
func (o *Outbox) Hasten(ctx context.Context) error {
	now := o.now()
	soon := now.Add(waitMargin)
	return o.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		n, err := tx.HastenMails(ctx, now, soon, soon.Add(longestTurn), soon.Add(longestWait))
		if err == nil && n > 0 {
			o.log.WarnContext(ctx, "mails were put off by a clock that was set back: they are due now", "mails", n)
		}
		return err
	})
}

// claim takes mails that are due, at most so many; none is no error. It is done
// to its end when the server stops meanwhile: what was claimed is delivered by
// nobody else before the lease is over.
func (o *Outbox) claim(ctx context.Context, most int) ([]*Claim, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	lease, now := token.NewID(), o.now()
	var mails []account.Mail
	err := o.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		mails, err = tx.ClaimMails(ctx, most, lease, now, now.Add(Lease))
		return err
	})
	claims := make([]*Claim, len(mails))
	for i, m := range mails {
		claims[i] = &Claim{Mail: m, store: o.store, sender: o.o.Sender, now: o.now, lease: lease}
	}
	return claims, err
}

// postpone leaves a mail for later. That is no attempt.
func (o *Outbox) postpone(ctx context.Context, c *Claim, wait time.Duration, failure string) {
	ctx = context.WithoutCancel(ctx)
	err := o.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.PostponeMail(ctx, c.ID, c.lease, o.now().Add(wait), failure)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) { // then it is due again when the lease ends
		o.log.WarnContext(ctx, "a mail could not be postponed", "mail_id", c.ID, "error", err.Error())
	}
}

// deliver makes one attempt at a claimed mail and notes what came of it.
func (o *Outbox) deliver(ctx context.Context, c *Claim) {
	ctx, span := o.o.Trace.Mail(ctx, c.Details.Trace, string(c.Kind), c.Attempts)
	var err error
	defer func() { span.End(err) }()
	wait, err := o.guard.TakeMailTurn(ctx, c.Mail)
	switch handle := o.handlers[c.Kind]; {
	case err != nil:
	case wait > 0:
		o.postpone(ctx, c, wait, c.Failure)
		return
	case handle != nil:
		err = handle(ctx, c)
	case !mail.Known(c.Kind):
		failure := mail.Reason(mail.ErrUnknownKind)
		if c.Failure != failure { // once
			o.log.WarnContext(ctx, "mail left to a newer server", "mail_id", c.ID, "kind", string(c.Kind))
		}
		o.postpone(ctx, c, unknownWait, failure)
		return
	default:
		err = c.Send(ctx, "")
	}
	if err == nil && c.finished {
		o.Wake()
		return
	}
	o.finish(ctx, c, err)
}

// finish notes what came of an attempt.
func (o *Outbox) finish(ctx context.Context, c *Claim, err error) {
	now := o.now()
	var sentAt, dueAt time.Time
	failure := ""
	switch {
	case err == nil:
		sentAt = now
	case errors.Is(err, ErrUnwanted):
		failure = account.MailUnwanted
	case mail.Uncertain(err): // also when the server stops
		if failure = mail.Reason(err); c.Failure != failure {
			dueAt = now.Add(uncertainWait)
		}
	case ctx.Err() != nil: // the next server's, at once, however often it was tried
		dueAt, failure = now, "the server stopped"
	case errors.Is(err, account.ErrUnavailable):
		dueAt, failure = now.Add(backoff[0]), "the database did not answer"
	default:
		failure = mail.Reason(err)
		if !mail.Permanent(err) && c.Attempts <= len(backoff) {
			dueAt = now.Add(backoff[c.Attempts-1])
		}
	}
	switch {
	case failure == "":
		o.sent.Add(1)
	case failure != account.MailUnwanted:
		o.failures.Add(1)
		if dueAt.IsZero() {
			o.givenUp.Add(1)
		}
	}
	if failure != "" {
		o.log.WarnContext(ctx, "mail not delivered", "mail_id", c.ID, "kind", string(c.Kind), "attempt", c.Attempts, "error", failure, "given_up", dueAt.IsZero())
	}
	// Even when the server stops: what was sent must not be sent again.
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for try := 0; ; try++ {
		err = o.store.Tx(finish, func(ctx context.Context, tx *store.Store) error {
			err := tx.FinishMail(ctx, c.ID, c.lease, sentAt, dueAt, failure)
			if errors.Is(err, store.ErrNotFound) && !sentAt.IsZero() {
				return tx.NoteSent(ctx, c.ID, sentAt)
			}
			return err
		})
		if err == nil || errors.Is(err, store.ErrNotFound) || finish.Err() != nil || try == 5 {
			break
		}
		time.Sleep(time.Second)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		o.log.ErrorContext(ctx, "what came of a mail could not be noted; it may be sent twice", "mail_id", c.ID, "error", err.Error())
	}
}

// Run delivers what is in the outbox until ctx ends; then it waits for
// the attempts under way, which end with ctx too.
func (o *Outbox) Run(ctx context.Context) {
	var noticing sync.WaitGroup
	noticing.Go(func() { o.runAlerts(ctx) })
	defer noticing.Wait()
	slots := make(chan struct{}, o.o.Workers)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		free := takeSlots(slots)
		claims, err := o.claim(ctx, free)
		for _, c := range claims {
			go func() {
				defer func() { <-slots }()
				o.survive(ctx, func() { o.deliver(ctx, c) }, "mail_id", c.ID)
			}()
		}
		for range free - len(claims) {
			<-slots
		}
		if len(claims) > 0 {
			continue
		}
		if err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "the outbox cannot be read, it will be tried again", "error", err.Error())
			select { // not at once, whoever wakes us
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
		select {
		case <-ctx.Done():
		case <-o.wake:
		case <-look.C:
		}
	}
	for range o.o.Workers {
		slots <- struct{}{}
	}
}

// takeSlots waits for a slot, and takes all that are free then.
func takeSlots(slots chan struct{}) (taken int) {
	slots <- struct{}{}
	for taken = 1; ; taken++ {
		select {
		case slots <- struct{}{}:
		default:
			return taken
		}
	}
}
