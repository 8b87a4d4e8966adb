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

// rotationGrace is how long a refresh token that was exchanged still gets
// the same successor: phones repeat a request whose answer was lost.
const rotationGrace = 10 * time.Second

// Renewal is what a refresh token is exchanged for. Refresh is empty unless
// rotation is on.
type Renewal struct {
	Access  string
	Refresh string
}

// Refresh exchanges a refresh token whose session is live and whose user is
// active. The errors are those of [token.Tokens.Verify],
// [account.ErrUserNotFound], [account.ErrUserInactive] and
// [account.ErrThrottled].
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
	if err := s.notRevoked(ctx, claims); err != nil {
		return Renewal{}, err
	}
	n, u, err := s.session(ctx, claims)
	if errors.Is(err, account.ErrTokenInvalid) && claims.SessionID == "" {
		n, u, err = s.adopt(ctx, peer, claims, now)
	}
	if err != nil {
		return Renewal{}, err
	}
	if !n.Live(now) {
		return Renewal{}, account.ErrTokenInvalid
	}
	if err := s.take(ctx, refreshPerSession, n.ID); err != nil {
		return Renewal{}, err
	}
	var out Renewal
	if s.o.Rotation {
		if out.Refresh, err = s.rotate(ctx, peer, claims, n, now); err != nil {
			return Renewal{}, err
		}
	} else {
		// Rotation was on once and exchanged this token for another.
		if n.PreviousID != "" && claims.ID != n.RefreshID && claims.IssuedAt.Before(n.RefreshAt.Truncate(time.Second)) {
			return Renewal{}, account.ErrTokenInvalid
		}
		if now.Sub(n.LastUsedAt) >= account.LastUsedPrecision {
			err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.UseSession(ctx, n.ID, now) })
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return Renewal{}, err
			}
		}
	}
	out.Access, _, err = s.tokens.Issue(token.Access, u.ID, n.ID, token.NewID(), now)
	return out, err
}

// rotate returns the one successor of a refresh token. The new token itself
// is not stored: it is signed again from its id and date.
func (s *Service) rotate(ctx context.Context, peer account.Peer, claims token.Claims, n account.Session, now time.Time) (string, error) {
	if claims.ID == n.RefreshID {
		next := store.Rotation{
			SessionID: n.ID, OldID: claims.ID, NewID: token.NewID(),
			At: now, ExpiresAt: now.Truncate(time.Second).Add(s.o.RefreshLifetime),
		}
		err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.Rotate(ctx, next) })
		if err == nil {
			raw, _, err := s.tokens.Issue(token.Refresh, n.UserID, n.ID, next.NewID, next.At)
			return raw, err
		}
		if !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		// Another request with this token was quicker: be its repetition.
		if n, _, err = s.store.SessionUser(ctx, n.ID); err != nil {
			return "", gone(err)
		}
		if !n.Live(now) {
			return "", account.ErrTokenInvalid
		}
	}
	if claims.ID == n.PreviousID && now.Sub(n.RefreshAt) <= rotationGrace {
		raw, _, err := s.tokens.Issue(token.Refresh, n.UserID, n.ID, n.RefreshID, n.RefreshAt)
		return raw, err
	}
	err := s.endSession(ctx, n.ID, act{
		kind: account.EventRefreshReuse, actor: account.ActorAnonymous, userID: n.UserID, session: n.ID, peer: peer, at: now,
	}, store.ErrNotFound)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	s.o.Log.WarnContext(ctx, "session revoked: a used refresh token came again", "user_id", n.UserID, "session_id", n.ID)
	return "", account.ErrTokenInvalid
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
