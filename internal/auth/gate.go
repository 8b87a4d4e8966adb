package auth

import (
	"context"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
)

// The gate. Every way in ends here: registration, password, second step, and
// whatever comes later. Nothing else opens a session (ASVS 6.3.4).

// entry is somebody at the gate, who has shown who they are.
type entry struct {
	user    account.User
	session account.Session // that they would get; its AMR is what they have shown
	request account.RequestInfo
	event   account.EventKind // of the way that they came
	second  bool              // a second factor, or what counts as two, is among it
}

// admit opens the session of an entry, or says that a second factor is due:
// then due is [account.ErrSecondFactor] with a challenge, and is to be returned
// once the transaction is committed. Whether one is due is asked of the
// factors each time. The user's row must be held by the transaction, as a login
// does it, so that a factor that is added meanwhile comes before or after. A
// trusted device stands in for it; and whoever comes from a new place is told.
func (s *Service) admit(ctx context.Context, tx *store.Store, e entry) (due *account.Error, err error) {
	if e.event != account.EventRegistered && !e.second { // who was just made has no factor
		all, err := tx.Factors(ctx, e.user.ID)
		if err != nil {
			return nil, err
		}
		factors, err := s.accounts.usableFactors(ctx, tx, all)
		if err != nil {
			return nil, err
		}
		if len(factors) > 0 {
			if e.session.TrustedID, err = s.useTrust(ctx, tx, e, factors); err != nil {
				return nil, err
			}
			if e.session.TrustedID == "" {
				return s.challengeSecond(ctx, tx, e, factors)
			}
			e.session.ProvedAt = time.Time{} // the device shows nothing of its user
		}
		// [store.Store.Login] left it to the second step of who has a factor, and
		// there is no other for who has only passkeys of another relying party.
		if e.event == account.EventLogin && (len(all) > 0 || e.session.AMR != account.AMRPassword) {
			if err := tx.NoteLogin(ctx, e.user.ID, e.session.CreatedAt); err != nil {
				return nil, err
			}
		}
	}
	if err := s.openSession(ctx, tx, e); err != nil {
		return nil, err
	}
	if e.event != account.EventSessionAdopted { // nobody logs in there
		if err := s.noteLogin(ctx, tx, e); err != nil {
			return nil, err
		}
	}
	return nil, s.audit.Record(ctx, tx, audit.ByUser(e.event, e.user.ID, e.session.ID, e.request, e.session.CreatedAt))
}

// challengeSecond lets a login wait for its second factor.
func (s *Service) challengeSecond(ctx context.Context, tx *store.Store, e entry, factors []account.Factor) (*account.Error, error) {
	raw, c := newChallenge(account.SecondFactor, e.user.ID, "", e.session.CreatedAt)
	c.AMR, c.FactorID = e.session.AMR, factorSet(factors)
	if err := tx.CreateChallenge(ctx, c); err != nil {
		return nil, err
	}
	methods, err := s.secondMethods(ctx, tx, e.user.ID, factors)
	if err != nil {
		return nil, err
	}
	due := *account.ErrSecondFactor
	due.Challenge, due.Methods = raw, methods
	return &due, nil
}

// secondMethods are what the owner of these factors can show, the strongest
// first and recovery last.
func (s *Service) secondMethods(ctx context.Context, st *store.Store, userID int64, factors []account.Factor) ([]string, error) {
	var methods []string
	for _, kind := range []account.FactorKind{account.Passkey, account.TOTP} {
		if slices.ContainsFunc(factors, func(f account.Factor) bool { return f.Kind == kind }) {
			methods = append(methods, string(kind))
		}
	}
	left, err := st.RecoveryCodesLeft(ctx, userID)
	if err == nil && left > 0 {
		methods = append(methods, account.MethodRecovery)
	}
	return methods, err
}

// factors returns those of a user's factors that can be shown here.
func (s *Service) factors(ctx context.Context, st *store.Store, userID int64) ([]account.Factor, error) {
	return s.accounts.factors(ctx, st, userID)
}

// usable reports whether a passkey is one for us.
func (s *Service) usable(c account.Credential) bool { return s.accounts.usable(c) }

// hasFactor reports whether a user has a factor, for ways in that cannot ask
// for it: they are closed then.
func (s *Service) hasFactor(ctx context.Context, st *store.Store, userID int64) (bool, error) {
	factors, err := s.factors(ctx, st, userID)
	return len(factors) > 0, err
}

// loginSession prepares the session of somebody who shows who they are now.
func (s *Service) loginSession(req account.RequestInfo, userID int64, amr string, now time.Time) account.Session {
	sess := s.newSession(req, now)
	sess.UserID, sess.AMR, sess.ProvedAt = userID, amr, now
	return sess
}
