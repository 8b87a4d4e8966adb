package auth

import (
	"context"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	tokens   *token.Tokens
	accounts *Accounts
	audit    *audit.Log
	guard    *guard.Guard
	hasher   *password.Hasher
	keys     *keys.Manager
	outbox   *outbox.Outbox
	o        Options

	turns  turns    // of requests that exchange one refresh token
	noting sync.Map // ids of refresh tokens of which it is being noted that they are in use

}

// now is the time by the clock that every rule goes by.
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

// entryBy is what a caller does.
func entryBy(kind account.EventKind, caller *Caller, at time.Time) audit.Entry {
	return audit.Entry{Kind: kind, UserID: caller.User.ID, Session: caller.SessionID, Request: caller.Request, At: at}
}
