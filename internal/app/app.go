// Package app puts the parts of the server together, for the server, the
// command line and the tests: who stands on whom is said here, once. It holds
// no rule and speaks no protocol.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/pulse"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/trace"
	"github.com/yoozak/clients/internal/webhook"
)

// Options configure an [App].
type Options struct {
	Rotation    bool // each use of a refresh token exchanges it for the next
	Mail        Mail
	Webhooks    Webhooks
	Passkeys    auth.PasskeyOptions
	Box         *secret.Box   // encrypts the stored keys; nil: they are in clear
	KeyRotation time.Duration // age at which a signing key gets its successor; 0: by command only
	EraseAfter  time.Duration // how long a closed account can be restored

	OnePerAddress bool // an address that an open account has is refused to others

	RecoveryWait  time.Duration // of an account with a factor; zero: a day
	SessionMaxAge time.Duration // from a login on; zero: no end of its own
	PasswordMin   int           // characters of a new password; zero: 8
	HouseWords    []string      // by which the shop is known

	Breached   *breach.Checker  // nil: leaked passwords are taken
	Zone       *time.Location   // of the shop; nil: UTC
	TwoPersons bool             // of the staff have to want what takes people's data away, or many people's out
	EventsKeep time.Duration    // how long events are kept; zero: for ever
	Staff      string           // who runs this command, in events; empty: it is the server
	HeadFile   string           // where the head of the events is noted; empty: nowhere
	Trace      *trace.Tracer    // nil: nothing is traced
	Limits     *guard.Limiter   // nil: everybody may do anything as often as they like
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger
}

// Mail says how mails go out. Without a Sender they stay in the outbox.
type Mail struct {
	Sender     *mail.Sender
	Link       func(kind account.ChallengeKind, token, language string) string
	Verify     bool // mail a link at registration
	Delivers   bool // mails reach people, who can so prove their address
	NewDevice  bool // mail people who log in from a new place and device
	LoginCode  bool // a code that is mailed logs in, without a password
	Workers    int  // mails at once; 0: 4
	PerAddress int  // the most mails an hour of a kind to one mailbox that strangers can cause

	// ResetDelay is how long a request to reset a password waits before its
	// address is looked up: the work of delivering a mail must not slow down
	// the answer to the request that caused it.
	ResetDelay time.Duration

	Operator         string // whom to tell that something is wrong; empty: nobody
	OperatorLanguage string
}

// Webhooks says how their receivers are reached.
type Webhooks struct {
	Allow    []netip.Prefix // networks of ours that may be dialled
	Proxy    *url.URL       // nil: none
	Resolver *net.Resolver  // nil: the system's
}

// App is the parts, each safe for concurrent use.
type App struct {
	Base // where Open made it

	Pulse    *pulse.Pulse
	Audit    *audit.Log
	Guard    *guard.Guard
	Keys     *keys.Manager
	Outbox   *outbox.Outbox
	Webhooks *webhook.Service
	Accounts *auth.Accounts
	Staff    *staff.Service
	Auth     *auth.Service
}

// New puts an App together. It starts nothing; the caller closes what it
// gives.
func New(st *store.Store, tokens *token.Tokens, hasher *password.Hasher, o Options) *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{Pulse: pulse.New(st, pulse.Options{Now: o.Now, Log: o.Log})}
	a.Audit = audit.New(st, audit.Options{Keep: o.EventsKeep, AnonymiseAfter: o.EraseAfter, Staff: o.Staff, HeadFile: o.HeadFile, Now: o.Now, Log: o.Log, Tell: webhook.Told})
	a.Guard = guard.New(st, a.Audit, guard.Options{Limits: o.Limits, Box: o.Box, MailPerAddress: o.Mail.PerAddress, Now: o.Now, Log: o.Log})
	a.Keys = keys.New(st, tokens, a.Audit, a.Guard, keys.Options{
		Box: o.Box, Rotation: o.KeyRotation, Now: o.Now, Log: o.Log,
		Reencrypt: func(ctx context.Context, tx *store.Store) error {
			if err := webhook.Reencrypt(ctx, tx, o.Box); err != nil {
				return err
			}
			return auth.ReencryptFactors(ctx, tx, o.Box)
		},
	})
	a.Outbox = outbox.New(st, a.Audit, a.Guard, outbox.Options{
		Sender: o.Mail.Sender, Operator: o.Mail.Operator, OperatorLanguage: o.Mail.OperatorLanguage, Workers: o.Mail.Workers, LinkLifetime: auth.LinkLifetime,
		Now: o.Now, Log: o.Log, Trace: o.Trace,
	})
	a.Webhooks = webhook.New(st, a.Audit, webhook.Options{
		Box: o.Box, Allow: o.Webhooks.Allow, Proxy: o.Webhooks.Proxy, Resolver: o.Webhooks.Resolver,
		Operator: o.Mail.Operator, OperatorLanguage: o.Mail.OperatorLanguage, Now: o.Now, Log: o.Log,
	})
	a.Accounts = auth.NewAccounts(st, hasher, auth.Options{
		Audit: a.Audit, Guard: a.Guard, Keys: a.Keys, Outbox: a.Outbox,
		Mail:         auth.MailOptions{Link: o.Mail.Link, Verify: o.Mail.Verify, Delivers: o.Mail.Delivers, LoginCode: o.Mail.LoginCode, ResetDelay: o.Mail.ResetDelay, NewDevice: o.Mail.NewDevice},
		Passkeys:     o.Passkeys,
		RecoveryWait: o.RecoveryWait, SessionMaxAge: o.SessionMaxAge, PasswordMin: o.PasswordMin, HouseWords: o.HouseWords,
		Box: o.Box, Brand: o.Mail.Sender.Brand(), Rotation: o.Rotation, EraseAfter: o.EraseAfter, OnePerAddress: o.OnePerAddress, Breached: o.Breached, Now: o.Now, Log: o.Log,
	})
	a.Auth = auth.New(a.Accounts, tokens)
	a.Staff = staff.New(st, a.Accounts, a.Audit, a.Guard, a.Webhooks, staff.Options{TwoPersons: o.TwoPersons, Keys: a.Keys, Zone: o.Zone, Now: o.Now, Log: o.Log})
	return a
}

// Sweep deletes what nobody needs any more at the time now: each part's.
func (a *App) Sweep(ctx context.Context, now time.Time) error {
	return errors.Join(a.Auth.Sweep(ctx, now), a.Audit.Sweep(ctx, now), a.Guard.Sweep(ctx, now), a.Keys.Sweep(ctx, now), a.Outbox.Sweep(ctx, now),
		a.Webhooks.Sweep(ctx, now), a.Staff.Sweep(ctx, now), a.Pulse.Sweep(ctx, now))
}

// RefillSearch folds anew what is searched of users that another rule folded,
// or whom a server of another release wrote.
func (a *App) RefillSearch(ctx context.Context) error {
	return a.Store.Sweep(ctx, "fold what is searched", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		n, err := tx.RefillSearch(ctx, most)
		return int64(n), err
	})
}
