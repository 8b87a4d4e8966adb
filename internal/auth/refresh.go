package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Renewal is what a refresh token is exchanged for. Refresh is empty unless
// rotation is on, or was when the token was exchanged.
type Renewal struct {
	Access  string
	Refresh string
}

// Refresh exchanges a refresh token whose session is open and whose user is
// active. The errors are those of [token.Tokens.Verify],
// [account.ErrUserNotFound], [account.ErrUserInactive] and
// [account.ErrThrottled]; a repetition that gets the same successor again is
// not counted.
func (s *Service) Refresh(ctx context.Context, peer account.Peer, in account.Input) (Renewal, error) {
	if err := s.Admit(ctx, TokenPerNetwork, peer); err != nil {
		return Renewal{}, err
	}
	errs := account.Fields{}
	raw := checkText(errs, "refresh", in, required)
	if err := errs.Err(); err != nil {
		return Renewal{}, err
	}
	now := s.o.Now().UTC()
	claims, err := s.verify(ctx, raw, token.Refresh, now)
	if err != nil {
		return Renewal{}, err
	}
	if s.o.Rotation { // of many at once the first exchanges the token, the others repeat it
		leave, err := s.turns.wait(ctx, claims.SessionID+" "+claims.ID)
		if err != nil {
			return Renewal{}, err
		}
		defer leave()
	}
	n, u, err := s.renewable(ctx, peer, claims, now)
	if err != nil {
		return Renewal{}, err
	}
	n, exchanged, err := s.exchange(ctx, peer, claims, n, now)
	if err != nil {
		return Renewal{}, err
	}
	var out Renewal
	if exchanged { // the new token is not stored: it is signed again from its id and date
		if out.Refresh, _, err = s.tokens.Issue(token.Refresh, n.UserID, n.ID, n.RefreshID, n.RefreshAt); err != nil {
			return Renewal{}, err
		}
	}
	out.Access, _, err = s.tokens.Issue(token.Access, u.ID, n.ID, accessID(n, now), now)
	return out, err
}

// renewable returns the session of a refresh token and its user, if a token
// of it can be good now.
func (s *Service) renewable(ctx context.Context, peer account.Peer, claims token.Claims, now time.Time) (account.Session, account.User, error) {
	if err := s.notRevoked(ctx, claims); err != nil {
		return account.Session{}, account.User{}, err
	}
	n, u, err := s.session(ctx, claims)
	if errors.Is(err, account.ErrTokenInvalid) && claims.SessionID == "" {
		n, u, err = s.adopt(ctx, peer, claims, now)
	}
	if err == nil && !n.Renewable(now) {
		err = account.ErrTokenInvalid
	}
	return n, u, err
}

// exchange does what the use of a refresh token does to its session, which it
// returns as it is then, and reports whether the token was exchanged for the
// session's newest, now or before.
func (s *Service) exchange(ctx context.Context, peer account.Peer, claims token.Claims, n account.Session, now time.Time) (account.Session, bool, error) {
	switch s.standing(claims, n, now) {
	case repeated:
		return n, true, s.noteUse(ctx, n, now)
	case replaced:
		return n, false, s.refuseReplaced(ctx, peer, n, now)
	}
	if err := s.take(ctx, refreshPerSession, n.ID); err != nil {
		return n, false, err
	}
	if s.o.Rotation {
		n, err := s.rotate(ctx, peer, claims, n, now)
		return n, true, err
	}
	s.see(ctx, claims, n)
	return n, false, s.noteUse(ctx, n, now)
}

// noteUse notes when a session was used, now and then: see
// [account.LastUsedPrecision].
func (s *Service) noteUse(ctx context.Context, n account.Session, now time.Time) error {
	sameSecond := now.Truncate(time.Second).Equal(n.LastUsedAt.Truncate(time.Second))
	outlasts := now.Add(s.o.AccessLifetime).After(n.ExpiresAt) // the access token, which is given now
	if now.Sub(n.LastUsedAt) < account.LastUsedPrecision && (sameSecond || !outlasts) {
		return nil
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.UseSession(ctx, n.ID, now) })
	if errors.Is(err, store.ErrNotFound) { // erased meanwhile
		return nil
	}
	return err
}

// notRevoked refuses a refresh token that Django issued and took back: it is
// on the blacklist that came with the import. Our own tokens end with their
// session and are not looked up.
func (s *Service) notRevoked(ctx context.Context, claims token.Claims) error {
	if claims.SessionID != "" {
		return nil
	}
	revoked, err := s.store.TokenRevoked(ctx, claims.ID)
	if err == nil && revoked {
		return account.ErrTokenInvalid
	}
	return err
}

// adopt gives a session to a refresh token that Django issued, so that it
// can be rotated and revoked like ours. Its id follows from the token's, so
// that two requests at once adopt it once.
func (s *Service) adopt(ctx context.Context, peer account.Peer, claims token.Claims, now time.Time) (account.Session, account.User, error) {
	u, err := s.userWithoutSession(ctx, claims)
	if err != nil {
		return account.Session{}, account.User{}, err
	}
	n := s.newSession(peer, now)
	n.ID, n.UserID, n.RefreshID, n.RefreshAt, n.ExpiresAt = adoptedID(claims), u.ID, claims.ID, claims.IssuedAt, claims.ExpiresAt
	if n.RefreshAt.IsZero() {
		n.RefreshAt = now
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		// The user may have signed out everywhere since we looked.
		err := tx.LockSignedIn(ctx, u.ID, claims.IssuedAt)
		if errors.Is(err, store.ErrNotFound) {
			return account.ErrTokenInvalid
		}
		if err != nil {
			return err
		}
		if err := s.openSession(ctx, tx, n, peer); err != nil {
			return err
		}
		return s.record(ctx, tx, act{kind: account.EventSessionAdopted, userID: u.ID, session: n.ID, peer: peer, at: now})
	})
	if errors.Is(err, store.ErrTaken) {
		return s.session(ctx, claims)
	}
	return n, u, err
}

func adoptedID(claims token.Claims) string {
	sum := sha256.Sum256([]byte("simplejwt " + claims.ID))
	return hex.EncodeToString(sum[:16])
}
