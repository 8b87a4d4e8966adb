package auth

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// Options configure an [Accounts] and a [Service].
type Options struct {
	Audit  *audit.Log
	Guard  *guard.Guard
	Keys   *keys.Manager
	Outbox *outbox.Outbox

	Box        *secret.Box // encrypts the secrets of factors; nil: they are in clear
	Passkeys   PasskeyOptions
	Brand      string // of the shop, in authenticator apps
	Rotation   bool   // each use of a refresh token exchanges it for the next
	Mail       MailOptions
	EraseAfter time.Duration // how long a closed account can be restored

	OnePerAddress bool // an address that an open account has is refused to others

	RecoveryWait  time.Duration // of an account with a factor; zero: [DefaultRecoveryWait]
	SessionMaxAge time.Duration // from a login on, however often it is renewed; zero: no end of its own
	PasswordMin   int           // characters of a new password; zero: [password.MinLength]
	HouseWords    []string      // by which the shop is known

	Breached *breach.Checker  // nil: leaked passwords are taken
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger
}

// MailOptions are the rules about mails.
type MailOptions struct {
	Link     func(kind account.ChallengeKind, token, language string) string
	Verify   bool // mail a link at registration
	Delivers bool // mails reach people, who can so prove their address

	NewDevice bool // mail people who log in from a new place and device
	LoginCode bool // a code that is mailed logs in, without a password

	// ResetDelay is how long a request to reset a password waits before its
	// address is looked up: the work of delivering a mail must not slow down
	// the answer to the request that caused it.
	ResetDelay time.Duration
}

// Accounts are the rules of accounts that hold whoever acts, a person or the
// staff: names, passwords, addresses, and what ends when one changes hands.
type Accounts struct {
	store  *store.Store
	hasher *password.Hasher
	audit  *audit.Log
	outbox *outbox.Outbox
	o      Options

	proofsLooked atomic.Bool // for double proofs, since this server started
}

// NewAccounts makes an Accounts.
func NewAccounts(st *store.Store, hasher *password.Hasher, o Options) *Accounts {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RecoveryWait == 0 {
		o.RecoveryWait = DefaultRecoveryWait
	}
	return &Accounts{store: st, hasher: hasher, audit: o.Audit, outbox: o.Outbox, o: o}
}

func (a *Accounts) now() time.Time { return a.o.Now().UTC() }

// factors returns those of a user's factors that can be shown here. Whoever
// asks what is due asks here.
func (a *Accounts) factors(ctx context.Context, st *store.Store, userID int64) ([]account.Factor, error) {
	all, err := st.Factors(ctx, userID)
	if err != nil {
		return nil, err
	}
	return a.usableFactors(ctx, st, all)
}

// usableFactors returns those of a user's factors that can be shown here. A
// passkey that was made for another relying party cannot: nobody is asked for
// it, and it opens nothing, or its owner would be locked out when a shop moves.
func (a *Accounts) usableFactors(ctx context.Context, st *store.Store, all []account.Factor) ([]account.Factor, error) {
	i := slices.IndexFunc(all, func(f account.Factor) bool { return f.Kind == account.Passkey })
	if i < 0 {
		return all, nil
	}
	credentials, err := st.Credentials(ctx, all[i].UserID)
	if err != nil {
		return nil, err
	}
	var usable []account.Factor
	for _, f := range all {
		ofUs := func(c account.Credential) bool { return c.FactorID == f.ID && a.usable(c) }
		if f.Kind != account.Passkey || slices.ContainsFunc(credentials, ofUs) {
			usable = append(usable, f)
		}
	}
	return usable, nil
}

// usable reports whether a passkey is one for us.
func (a *Accounts) usable(c account.Credential) bool {
	return a.o.Passkeys.RPID != "" && c.RPID == a.o.Passkeys.RPID
}
