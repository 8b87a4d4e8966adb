package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Claim is a mail that this server delivers, for as long as its lease.
type Claim struct {
	account.Mail
	outbox   *Outbox
	lease    string
	finished bool // by its handler
}

// ErrUnwanted says that what a mail was about is over: it is given up.
var ErrUnwanted = errors.New(account.MailUnwanted)

var errNoSender = errors.New("no way to send mail is configured")

// Lock holds the mail until the transaction ends, so that it is not cancelled
// meanwhile, or returns [ErrUnwanted] when it was. A mail that could not be
// sent is not held.
func (c *Claim) Lock(ctx context.Context, tx *store.Store) error {
	if c.outbox.o.Sender == nil {
		return errNoSender
	}
	err := tx.LockMail(ctx, c.ID, c.lease)
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnwanted
	}
	return err
}

// Finish takes the mail as delivered, in the transaction of what became of it.
func (c *Claim) Finish(ctx context.Context, tx *store.Store, now time.Time) error {
	c.finished = true
	return tx.FinishMail(ctx, c.ID, c.lease, now, time.Time{}, "")
}

// Send hands the mail over, with a link or none.
func (c *Claim) Send(ctx context.Context, link string) error {
	if c.outbox.o.Sender == nil {
		return errNoSender
	}
	return c.outbox.o.Sender.BeforeHandover(c.hold).Send(ctx, c.Mail, link)
}

// hold makes the lease longer before the mail is handed over. A mail that is
// not ours any more, or not wanted, is not sent.
func (c *Claim) hold(ctx context.Context) error {
	err := c.outbox.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.ExtendMail(ctx, c.ID, c.lease, c.outbox.now().Add(Hold))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnwanted
	}
	return err
}
