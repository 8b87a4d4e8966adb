package staff

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/store"
)

// ErrNoKeys says that there are no keys to manage: see [keys.ErrUnmanaged].
var ErrNoKeys = keys.ErrUnmanaged

// KeyDelay is how long a new key is published before it signs.
const KeyDelay = keys.Delay

// Keys returns the keys that sign and verify tokens, the youngest first, and
// never what is private of them. It returns [ErrNoKeys] where there is one
// secret of the operator's instead.
func (s *Service) Keys(ctx context.Context) ([]store.SigningKey, error) {
	if !s.o.Keys.Managed() {
		return nil, ErrNoKeys
	}
	return s.o.Keys.List(ctx)
}

// ErrKeysWait says that the next keys are made already, and do not sign yet.
var ErrKeysWait = errors.New("staff: the next keys wait to sign")

// RotateKeys makes the next keys. Nobody notices: see [keys.Manager.Rotate]. It
// returns [ErrKeysWait] while there are some, so that pressing a button over and
// over does not fill the list that every verifier fetches.
func (s *Service) RotateKeys(ctx context.Context) error {
	rotated, err := s.o.Keys.RotateBy(ctx, s.byOperator)
	if err == nil && !rotated {
		err = ErrKeysWait
	}
	return err
}

// RevokeKey ends a key at once, for a reason: see [keys.Manager.Revoke]. It
// returns [account.ErrNotFound] for one that there is not.
func (s *Service) RevokeKey(ctx context.Context, id, reason string) (keys.Revocation, error) {
	reason, err := checkReason(reason, s.agentReason())
	if err != nil {
		return keys.Revocation{}, err
	}
	out, err := s.o.Keys.RevokeBy(ctx, func(kind account.EventKind, details account.EventDetails, at time.Time) audit.Entry {
		e := s.byOperator(kind, details, at)
		if kind == account.EventKeyRevoked {
			e.Reason = reason
		}
		return e
	}, id)
	if errors.Is(err, keys.ErrNotFound) {
		err = account.ErrNotFound
	}
	return out, err
}

// OpenSessions says how many sessions are open, and whether exactly.
func (s *Service) OpenSessions(ctx context.Context) (n int, exact bool, err error) {
	return s.store.CountSessions(ctx, s.now())
}
