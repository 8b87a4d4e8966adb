// Package outbox delivers the mails that are owed, and tells users of guessing
// and the operator of trouble.
//
// Guarantees:
//
//   - A mail is owed if and only if the transaction that owes it is committed.
//   - Of several servers one delivers a mail at a time; when it dies another
//     goes on. A mail may come twice, and is not lost.
//   - A mistake in one mail ends neither the delivery nor the server.
//
// What a mail holds beside its text, a link for example, is made when it is
// delivered, by the handler of its kind: see [Outbox.Handle].
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/trace"
)

// Options configure an [Outbox].
type Options struct {
	Sender           *mail.Sender // nil: mails stay in the outbox
	Operator         string       // whom to tell that something is wrong; empty: nobody
	OperatorLanguage string
	Trace            *trace.Tracer // nil: nothing is traced
	Workers          int           // mails at once, each over a connection; 0 is [DefaultWorkers]

	// LinkLifetime is how long the link in a mail of a kind works; zero: it has none.
	LinkLifetime func(account.MailKind) time.Duration
	Now          func() time.Time // nil: time.Now
	Log          *slog.Logger
}

// Handler delivers a claimed mail: it ends with [Claim.Send] or
// [Claim.Finish], or returns why not.
type Handler func(ctx context.Context, c *Claim) error

// Outbox is the mails that are owed. It is safe for concurrent use.
type Outbox struct {
	store    *store.Store
	audit    *audit.Log
	guard    *guard.Guard
	o        Options
	log      *slog.Logger
	handlers map[account.MailKind]Handler
	wake     chan struct{} // a mail was added
	guessed  chan int64    // users at whose passwords strangers try; zero is nobody

	sent, failures, givenUp atomic.Int64
}

// New makes an Outbox.
func New(st *store.Store, log *audit.Log, g *guard.Guard, o Options) *Outbox {
	if o.Workers == 0 {
		o.Workers = DefaultWorkers
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Outbox{
		store: st, audit: log, guard: g, o: o, log: o.Log,
		handlers: map[account.MailKind]Handler{}, wake: make(chan struct{}, 1), guessed: make(chan int64, 64),
	}
}

func (o *Outbox) now() time.Time { return o.o.Now().UTC() }

// Sent counts the mails that this server sent.
func (o *Outbox) Sent() int64 { return o.sent.Load() }

// Failures counts the attempts of this server that failed.
func (o *Outbox) Failures() int64 { return o.failures.Load() }

// GivenUp counts the mails that this server gave up.
func (o *Outbox) GivenUp() int64 { return o.givenUp.Load() }

// Handle has mails of a kind delivered by a handler; others are sent as they
// are. It is called before [Outbox.Run].
func (o *Outbox) Handle(kind account.MailKind, handle Handler) { o.handlers[kind] = handle }

// Wake has [Outbox.Run] look for what was added, now.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Add owes a mail when its turn comes. It returns
// [account.ThrottledFor] if another account's mail has that turn, or one to
// another address of the account's: then nothing is owed.
func (o *Outbox) Add(ctx context.Context, tx *store.Store, m account.Mail, t guard.Turn) error {
	if t.Wait == 0 {
		return tx.AddMail(ctx, m)
	}
	m.DueAt, m.DelayKey = m.CreatedAt.Add(t.Wait), t.Key
	err := tx.AddMail(ctx, m)
	if !errors.Is(err, store.ErrTaken) {
		return err
	}
	waiting, err := tx.DelayedMail(ctx, t.Key)
	if errors.Is(err, store.ErrNotFound) || err == nil && (waiting.UserID != m.UserID || m.UserID != 0 && account.EmailKey(waiting.Email) != account.EmailKey(m.Email)) {
		return account.ThrottledFor(t.Wait)
	}
	if err != nil || waiting.Details.CodeHash == m.Details.CodeHash {
		return err
	}
	// Two who asked share the mail, and a code is right for one of them alone: it
	// goes out without, or whoever asked last could have the other wait for
	// nothing. In a lane both are one device, or session, which has begun anew.
	waiting.Details.CodeHash = ""
	if m.Details.Lane != "" {
		waiting.Details.CodeHash = m.Details.CodeHash
	}
	return tx.ShareDelayedMail(ctx, t.Key, waiting.Details)
}

// Notify owes a user a notice, if they have proved their address: anybody can
// register with anybody's, and must not have them mailed.
func (o *Outbox) Notify(ctx context.Context, tx *store.Store, u account.User, m account.Mail) error {
	if u.Email == "" || u.EmailVerifiedAt.IsZero() {
		return nil
	}
	return o.NotifyAt(ctx, tx, u, u.Email, m)
}

// NotifyAt owes a user a notice at an address that they have proved, and may
// not have any more. Of many of a kind few are sent: see allowNotice.
func (o *Outbox) NotifyAt(ctx context.Context, tx *store.Store, u account.User, email string, m account.Mail) error {
	m.UserID, m.Email, m.Language = u.ID, email, u.Language
	m.Details.Verified, m.Details.FirstName = true, u.FirstName
	if m.Details.Username == "" {
		m.Details.Username = u.Username
	}
	send, err := o.allowNotice(ctx, tx, m)
	if err != nil || !send {
		return err
	}
	return tx.AddMail(ctx, m)
}

// How long mails are kept that nobody needs to work any more.
const (
	sentRetention   = 24 * time.Hour      // to count them, and to see that they were sent
	failedRetention = 30 * 24 * time.Hour // for somebody to try them again
)

// Sweep forgets mails that were delivered or given up, and deletes those of the
// folder whose links are worthless, a day after they were written at the
// earliest.
func (o *Outbox) Sweep(ctx context.Context, now time.Time) error {
	err := errors.Join(o.sweepNotices(ctx, now), o.store.Sweep(ctx, "delete mails", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return tx.DeleteMails(ctx, now.Add(-sentRetention), now.Add(-failedRetention), most)
	}))
	if o.o.Sender == nil {
		return err
	}
	_, folder := o.o.Sender.Sweep(ctx, now, func(kind account.MailKind) time.Duration {
		return max(sentRetention, o.o.LinkLifetime(kind))
	})
	return errors.Join(err, folder)
}

// survive runs fn and logs a panic of it, with what it was about: a mistake
// in one mail must not end the server.
func (o *Outbox) survive(ctx context.Context, fn func(), about ...any) {
	defer func() {
		if p := recover(); p != nil {
			o.log.ErrorContext(ctx, "panic", append(about, "panic", p, "stack", string(debug.Stack()))...)
		}
	}()
	fn()
}
