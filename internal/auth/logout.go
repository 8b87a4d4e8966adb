package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Logout ends the session of a refresh token, and with it what its access
// tokens give. Any token of the session will do, also one that rotation
// replaced: somebody wants out. The errors are those of [Service.Refresh].
func (s *Service) Logout(ctx context.Context, peer account.Peer, in account.Input) error {
	if err := s.Admit(ctx, TokenPerNetwork, peer); err != nil {
		return err
	}
	errs := account.Fields{}
	raw := checkText(errs, "refresh", in, required)
	if err := errs.Err(); err != nil {
		return err
	}
	now := s.o.Now().UTC()
	claims, err := s.verify(ctx, raw, token.Refresh, now)
	if err != nil {
		return err
	}
	if err := s.notRevoked(ctx, claims); err != nil {
		return err
	}
	n, _, err := s.session(ctx, claims)
	if errors.Is(err, account.ErrTokenInvalid) && claims.SessionID == "" {
		n, _, err = s.adopt(ctx, peer, claims, now) // so that there is something to end
	}
	if err != nil {
		return err
	}
	logout := act{kind: account.EventLogout, userID: n.UserID, session: n.ID, peer: peer, at: now}
	return s.endSession(ctx, n.ID, logout, account.ErrTokenInvalid)
}

func (s *Service) endSession(ctx context.Context, id string, a act, ended error) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RevokeSession(ctx, id, a.at); err != nil {
			return err
		}
		return s.record(ctx, tx, a)
	})
	if errors.Is(err, store.ErrNotFound) {
		return ended
	}
	return err
}

// LogoutAll ends every session of the caller, this one too.
func (s *Service) LogoutAll(ctx context.Context, caller *Caller) error {
	now := s.o.Now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RevokeSessions(ctx, caller.User.ID, "", now); err != nil {
			return err
		}
		return s.record(ctx, tx, acted(account.EventLogoutAll, caller, now))
	})
}

// Sessions returns the caller's live sessions, the last used first.
func (s *Service) Sessions(ctx context.Context, caller *Caller) ([]account.Session, error) {
	return s.store.LiveSessions(ctx, caller.User.ID, s.o.Now())
}

// EndSession ends one of the caller's sessions. It returns
// [account.ErrNotFound] when there is no such session, it has ended, or it
// is another user's.
func (s *Service) EndSession(ctx context.Context, caller *Caller, id string) error {
	if err := s.countWrite(ctx, caller); err != nil {
		return err
	}
	n, _, err := s.store.SessionUser(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (n.UserID != caller.User.ID || !n.Live(s.o.Now())) {
		return account.ErrNotFound
	}
	if err != nil {
		return err
	}
	a := acted(account.EventSessionEnded, caller, s.o.Now())
	a.details.Session = id
	return s.endSession(ctx, id, a, account.ErrNotFound)
}

// VerifyToken returns nil for an access or refresh token that would be
// accepted now, as simplejwt's TokenVerifyView; here that includes its
// session and its user.
func (s *Service) VerifyToken(ctx context.Context, peer account.Peer, in account.Input) error {
	if err := s.Admit(ctx, TokenPerNetwork, peer); err != nil {
		return err
	}
	errs := account.Fields{}
	raw := checkText(errs, "token", in, required)
	if err := errs.Err(); err != nil {
		return err
	}
	_, _, err := s.inspect(ctx, raw, s.o.Now())
	return err
}
