// Package auth does what the product is for: it registers people, logs them
// in, renews their tokens and says who a token belongs to. Every rule is
// here, once; the JSON API and the command line are ways to ask.
//
// Guarantees:
//
//   - Register and Login return tokens only after the user and the session
//     are committed.
//   - Login takes the time of one password hash whether or not the account
//     exists, and gives one error for every reason.
//   - A token gives access only while its session is not revoked and its
//     user exists and is active; both are asked of the database each time.
//   - Whoever changes or resets a password ends every other session; a login
//     that began with the old password does not outlive the change.
//   - A mail is owed if and only if the change that causes it is committed;
//     its link works once, and only its hash is stored.
//   - Each security-relevant act is an event in the same transaction
//     (docs/events.md).
//   - An address that its user proved beats any claim that nobody did: in
//     login, resets, usernames and limits. Whether an address is known is told
//     by little that a stranger can ask: SECURITY.md says what is left.
//   - Whoever had an address proved can take the account back for seven days
//     after it changed, whatever anybody did since.
//   - Whoever asks is counted here, whatever asks for them: for a network, a
//     session, a user or a service (quota.go). Registration and login are
//     counted for a network by the transport, in the reference's order.
//   - Who guesses at a password is slowed down, and the owner is not locked
//     out: a device that has logged in before has tries of its own.
//   - With rotation, a refresh token has one successor. A repetition gets
//     the same one as long as nothing was seen of it, because an answer can
//     be lost; later it ends the session, because one of the two who hold
//     the token has stolen it (RFC 9700, section 4.14.2).
//
// The errors that a client may see are those of package account; any other
// error is ours to mend.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Options configure a [Service].
type Options struct {
	Audit  *audit.Log
	Guard  *guard.Guard
	Keys   *keys.Manager
	Outbox *outbox.Outbox

	Rotation   bool // each use of a refresh token exchanges it for the next
	Mail       MailOptions
	EraseAfter time.Duration    // how long a closed account can be restored
	Breached   *breach.Checker  // nil: leaked passwords are taken
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger
}

// MailOptions are the rules about mails.
type MailOptions struct {
	Link     func(kind account.ChallengeKind, token, language string) string
	Verify   bool // mail a link at registration
	Delivers bool // mails reach people, who can so prove their address

	// ResetDelay is how long a request to reset a password waits before its
	// address is looked up: the work of delivering a mail must not slow down
	// the answer to the request that caused it.
	ResetDelay time.Duration
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	tokens *token.Tokens
	audit  *audit.Log
	guard  *guard.Guard
	hasher *password.Hasher
	keys   *keys.Manager
	outbox *outbox.Outbox
	o      Options

	proofsLooked atomic.Bool // for double proofs, since this server started
	turns        turns       // of requests that exchange one refresh token
	noting       sync.Map    // ids of refresh tokens of which it is being noted that they are in use

}

// New makes a Service, which delivers the mails of its kinds.
func New(st *store.Store, tokens *token.Tokens, hasher *password.Hasher, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{
		store: st, tokens: tokens, hasher: hasher, audit: o.Audit, guard: o.Guard, keys: o.Keys, outbox: o.Outbox, o: o,
	}
	s.outbox.Handle(account.MailResetRequest, s.expandReset)
	for kind := range mailChallenges {
		s.outbox.Handle(kind, s.sendLink)
	}
	return s
}

// Now is the time by the clock that every rule goes by.
func (s *Service) Now() time.Time { return s.o.Now() }

func (s *Service) now() time.Time { return s.o.Now().UTC() }

// LoginResult is what a login gives.
type LoginResult struct {
	User    account.User
	Access  string
	Refresh string
	Claims  token.Claims // of the access token
	Device  string       // the token by which this device will be known; empty: limits are off
}

// newSession prepares the session of a login that is about to be stored.
func (s *Service) newSession(req account.RequestInfo, now time.Time) account.Session {
	return account.Session{
		ID:         token.NewID(),
		CreatedAt:  now,
		LastUsedAt: now,
		ExpiresAt:  now.Truncate(time.Second).Add(s.tokens.Lifetime(token.Refresh)),
		IP:         req.IP,
		UserAgent:  req.UserAgent,
		RefreshID:  token.NewID(),
		RefreshAt:  now,
	}
}

// maxSessions is how many live sessions a user has at most. A person has a
// few; a program that logs in over and over must not make every list of them
// longer.
const maxSessions = 100

// openSession stores a session. Where its user has too many it ends those that
// were used longest ago, with an event for each.
func (s *Service) openSession(ctx context.Context, tx *store.Store, sess account.Session, req account.RequestInfo) error {
	ended, err := tx.EndSessionsBeyond(ctx, sess.UserID, maxSessions-1, sess.CreatedAt)
	if err != nil {
		return err
	}
	for _, id := range ended {
		err := s.audit.Record(ctx, tx, audit.Entry{
			Kind: account.EventSessionEnded, Actor: account.ActorSystem, UserID: sess.UserID, Session: sess.ID, Request: req,
			Details: account.EventDetails{Session: id}, At: sess.CreatedAt,
		})
		if err != nil {
			return err
		}
	}
	return tx.CreateSession(ctx, sess)
}

// issueTokens signs the two tokens of a stored session.
func (s *Service) issueTokens(u account.User, sess account.Session) (LoginResult, error) {
	refresh, _, err := s.tokens.Issue(token.Refresh, u.ID, sess.ID, sess.RefreshID, sess.RefreshAt)
	if err != nil {
		return LoginResult{}, err
	}
	access, claims, err := s.tokens.Issue(token.Access, u.ID, sess.ID, token.NewID(), sess.RefreshAt)
	if err != nil {
		return LoginResult{}, err
	}
	return LoginResult{User: u, Access: access, Refresh: refresh, Claims: claims}, nil
}

// asUnavailable turns a queue that is too long into an answer for the client.
func asUnavailable(err error) error {
	if errors.Is(err, password.ErrBusy) {
		return errors.Join(account.ErrUnavailable, err)
	}
	return err
}

// entryBy is what a caller does.
func entryBy(kind account.EventKind, caller *Caller, at time.Time) audit.Entry {
	return audit.Entry{Kind: kind, UserID: caller.User.ID, Session: caller.SessionID, Request: caller.Request, At: at}
}
