package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/trace"
)

// How mails are delivered. A lease outlasts what it is for, so that of two
// servers that live one sends a mail. The first is until the SMTP server has
// let us in: when our server dies before that, another goes on soon. The
// second is for the mail and the answer to it, which may take long; when our
// server dies meanwhile, the mail may have been taken, and the other sends it
// again: better twice than never.
const (
	Lease     = 6 * time.Minute  // more than mail.DefaultTimeouts.Begin
	Hold      = 20 * time.Minute // more than its Begin, Content and Answer
	lookEvery = time.Second      // into the outbox, for what another server or a retry makes due

	// DefaultWorkers is how many mails a server delivers at once.
	DefaultWorkers = 4
)

// Claim is a mail that this server delivers, for as long as its lease.
type Claim struct {
	account.Mail
	store    *store.Store
	sender   *mail.Sender // nil: there is none
	now      func() time.Time
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
	if c.sender == nil {
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
	if c.sender == nil {
		return errNoSender
	}
	ctx, span := trace.Step(ctx, "smtp")
	err := c.sender.BeforeHandover(c.hold).Send(ctx, c.Mail, link)
	span.End(err)
	return err
}

// hold makes the lease longer before the mail is handed over. A mail that is
// not ours any more, or not wanted, is not sent.
func (c *Claim) hold(ctx context.Context) error {
	err := c.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.ExtendMail(ctx, c.ID, c.lease, c.now().Add(Hold))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnwanted
	}
	return err
}
