package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// A trusted device stands in for the second factor at one person's logins,
// after the right password. It is given at the second step alone, and lasts
// for 30 days however often it is used. It is no proof for what asks for one,
// and the staff are never given it (NIST SP 800-63B-4, section 3.2.10, has
// such a device be no authenticator).
//
// Which factors its user had is part of it: with another set it is worthless,
// so that no change of factors can forget to end it, on whatever server. What
// else ends it is in [Accounts.EndSessions].
const (
	TrustLifetime  = 30 * 24 * time.Hour // from the second step on
	trustedDevices = 10                  // that a person has at most; the oldest goes

	// MaxTrustedToken is how long the token of a trusted device is in text:
	// 256 random bits.
	MaxTrustedToken = 43
)

// factorSet names a set of factors that can be shown: see [Service.factors].
func factorSet(factors []account.Factor) string {
	ids := make([]string, len(factors))
	for i, f := range factors {
		ids[i] = f.ID
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, " ")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// mayTrust reports whether a user may have trusted devices: the staff, whether
// Django's or by a role, also one that waits, may not.
func mayTrust(ctx context.Context, tx *store.Store, u account.User) (bool, error) {
	if u.Staff || u.Superuser {
		return false, nil
	}
	role, err := hasRole(ctx, tx, u.ID)
	return !role, err
}

// useTrust reports whether somebody comes on a device that stands in for the
// factors that are due, and notes it. Only a password before it counts.
func (s *Service) useTrust(ctx context.Context, tx *store.Store, e entry, factors []account.Factor) (deviceID string, err error) {
	raw := e.request.TrustedToken
	if e.event != account.EventLogin || e.session.AMR != account.AMRPassword || len(raw) != MaxTrustedToken {
		return "", nil
	}
	if may, err := mayTrust(ctx, tx, e.user); err != nil || !may {
		return "", err
	}
	id, err := tx.UseTrustedDevice(ctx, e.user.ID, challengeHash(raw), factorSet(factors), e.session.CreatedAt)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return id, err
}

// grantTrust trusts the device of a login that showed a second factor, in the
// transaction of the login, and returns its token. A recovery code gives no
// trust: whoever uses one has lost their factor, or somebody else has found the
// codes. Nor does a login during which a factor was added or taken away.
func (s *Service) grantTrust(ctx context.Context, tx *store.Store, u account.User, c account.Challenge, method string, sess *account.Session) (raw string, err error) {
	if method == account.AMRRecovery {
		return "", nil
	}
	if may, err := mayTrust(ctx, tx, u); err != nil || !may {
		return "", err
	}
	factors, err := s.factors(ctx, tx, u.ID)
	if err != nil {
		return "", err
	}
	set := factorSet(factors)
	if set != c.FactorID {
		return "", nil
	}
	if err := tx.KeepTrustedDevices(ctx, u.ID, set, trustedDevices-1, sess.CreatedAt); err != nil {
		return "", err
	}
	raw = RandomToken()
	sess.TrustedID = token.NewID()
	err = tx.CreateTrustedDevice(ctx, account.TrustedDevice{
		ID: sess.TrustedID, UserID: u.ID, Hash: challengeHash(raw), Factors: set,
		CreatedAt: sess.CreatedAt, ExpiresAt: sess.CreatedAt.Add(TrustLifetime), IP: sess.IP, UserAgent: sess.UserAgent,
	})
	return raw, err
}

// TrustedDevice is one of a caller's.
type TrustedDevice struct {
	account.TrustedDevice
	Current bool // the caller came on it
}

// TrustedDevices returns the caller's devices on which no second factor is
// asked for, the newest first.
func (s *Service) TrustedDevices(ctx context.Context, caller *Caller) ([]TrustedDevice, error) {
	factors, err := s.factors(ctx, s.store, caller.User.ID)
	if err != nil {
		return nil, err
	}
	all, err := s.store.TrustedDevices(ctx, caller.User.ID)
	if err != nil {
		return nil, err
	}
	var live []TrustedDevice
	set, now, shown := factorSet(factors), s.now(), challengeHash(caller.Request.TrustedToken)
	for _, d := range all {
		if d.Factors == set && now.Before(d.ExpiresAt) {
			live = append(live, TrustedDevice{d, d.Hash == shown})
		}
	}
	return live, nil
}

// EndTrust has the next login on one of the caller's trusted devices ask for
// the factor again, and ends the sessions that were opened there but the
// caller's own: the device may be lost. It returns [account.ErrNotFound] when
// there is no such device, or it is another user's.
func (s *Service) EndTrust(ctx context.Context, caller *Caller, id string) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	all, err := s.TrustedDevices(ctx, caller)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(d TrustedDevice) bool { return d.ID == id }) {
		return account.ErrNotFound
	}
	proof, err := s.requireProof(ctx, caller, Field{}, account.Input{})
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.stillProved(ctx, tx, proof); err != nil {
			return err
		}
		if err := tx.DeleteTrustedDevice(ctx, proof.ID, id); err != nil {
			return err
		}
		ended, err := tx.RevokeSessionsOfDevice(ctx, proof.ID, id, caller.SessionID, now)
		if err != nil {
			return err
		}
		e := entryBy(account.EventDeviceTrustEnded, caller, now)
		e.Details.Count = int(ended)
		return s.audit.Record(ctx, tx, e)
	})
	if errors.Is(err, store.ErrNotFound) { // by another request, a moment ago
		return account.ErrNotFound
	}
	return err
}

// trusted is the event of a device that is trusted from now on.
func trusted(u account.User, sess account.Session, req account.RequestInfo) audit.Entry {
	return audit.ByUser(account.EventDeviceTrusted, u.ID, sess.ID, req, sess.CreatedAt)
}
