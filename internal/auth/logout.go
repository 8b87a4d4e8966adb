package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Logout ends the session of a refresh token, and with it what its access
// tokens give. Any token of the session will do, also one that rotation
// replaced or that has expired: somebody wants out, and an access token may
// outlast it. A session that is over already, whatever ended it, is no error:
// there is nothing to end, and nothing to be learnt. The errors are those of
// [token.Tokens.Verify].
func (s *Service) Logout(ctx context.Context, req account.RequestInfo, in account.Input) error {
	if err := s.guard.AllowRequest(ctx, guard.TokenPerNetwork, req); err != nil {
		return err
	}
	errs := account.Fields{}
	raw := refreshField.read(errs, in)
	if err := errs.Err(); err != nil {
		return err
	}
	now := s.now()
	claims, err := s.keys.VerifyEnded(ctx, raw, now)
	if err != nil {
		return err
	}
	sess, err := s.sessionToEnd(ctx, req, claims, now)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	logout := audit.ByUser(account.EventLogout, sess.UserID, sess.ID, req, now)
	return s.endSession(ctx, sess.ID, logout, nil)
}

// LogoutAll ends every session of the caller, this one too, and the trust in
// their devices.
func (s *Service) LogoutAll(ctx context.Context, caller *Caller) error {
	now := s.now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.accounts.EndSessions(ctx, tx, caller.User.ID, "", now); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, entryBy(account.EventLogoutAll, caller, now))
	})
}

// Sessions returns the caller's live sessions, the last used first: those of
// which some token is good.
func (s *Service) Sessions(ctx context.Context, caller *Caller) ([]account.Session, error) {
	now := s.now()
	all, err := s.store.LiveSessions(ctx, caller.User.ID, now, now.Add(-s.tokens.Lifetime(token.Access)))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(sess account.Session) bool {
		return !sess.Live(now, s.tokens.Lifetime(token.Access)) || s.tooOld(sess, now)
	}), nil
}

// EndSession ends one of the caller's sessions. It returns
// [account.ErrNotFound] when there is no such session, it has ended, or it
// is another user's.
func (s *Service) EndSession(ctx context.Context, caller *Caller, id string) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	sess, _, err := s.store.SessionUser(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (sess.UserID != caller.User.ID || !sess.Live(s.now(), s.tokens.Lifetime(token.Access))) {
		return account.ErrNotFound
	}
	if err != nil {
		return err
	}
	if id != caller.SessionID { // whoever stole a token must not turn its owner out (ASVS 7.5.2)
		if _, err := s.requireProof(ctx, caller, Field{}, account.Input{}); err != nil {
			return err
		}
	}
	a := entryBy(account.EventSessionEnded, caller, s.now())
	a.Details.Session = id
	if id == caller.SessionID {
		return s.endSession(ctx, id, a, account.ErrNotFound)
	}
	// What was asked for in a session that somebody else may be in ends with it.
	return s.endSession(ctx, id, a, account.ErrNotFound, account.ConfirmEmail)
}
