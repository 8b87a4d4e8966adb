package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// A factor that a thief adds would keep the owner out for good. So the notice
// of it has a link, and who has both the link and the password that was in
// force before the factor came takes it away at once. The thief with the
// password lacks the mailbox, the one in the mailbox lacks the password: who
// has only the link begins a recovery that the factor's holder can stop.

// FactorUndoFields are those of a [FactorUndo].
var FactorUndoFields = []Field{tokenField, passwordField.optional()}

// FactorUndo is what whoever reads the notice of a new factor sends.
type FactorUndo struct {
	Token    account.Input
	Password account.Input // in force before; may be missing: then a recovery begins
}

// UndoFactor takes away a factor, with those that came later and the recovery
// codes; every session ends, no password opens the account, and a link to
// choose another is mailed to the address that the token was mailed to, which
// is the account's again. It returns an error about the field "password" when
// that is not the one before. Without one, or after a reset since, a recovery
// with a waiting time begins, and waitsUntil is when it can be finished.
func (s *Service) UndoFactor(ctx context.Context, req account.RequestInfo, in FactorUndo) (waitsUntil time.Time, err error) {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return time.Time{}, err
	}
	errs := account.Fields{}
	raw := tokenField.read(errs, in.Token)
	plain := passwordField.optional().readGiven(errs, in.Password)
	if err := errs.Err(); err != nil {
		return time.Time{}, err
	}
	c, u, err := s.challenge(ctx, s.store, account.UndoFactor, raw)
	if err != nil {
		return time.Time{}, err
	}
	f, err := s.store.Factor(ctx, u.ID, c.FactorID)
	if err != nil {
		return time.Time{}, asBadChallenge(err) // it is gone: there is nothing to undo
	}
	if f.PasswordBefore == "" || plain == "" {
		return s.startRecovery(ctx, req, raw)
	}
	t, err := s.guard.StartUndo(ctx, u, c.Email)
	if err != nil {
		return time.Time{}, err
	}
	defer t.End()
	result, err := s.hasher.Verify(guard.AsStranger(ctx, req), f.PasswordBefore, plain)
	if err != nil {
		return time.Time{}, asUnavailable(err)
	}
	if !result.Match {
		s.audit.RecordFailure(audit.ByUser(account.EventPasswordRefused, u.ID, "", req, s.now()))
		return time.Time{}, s.fail(ctx, t, wrongPassword("password"))
	}
	err = s.redeem(ctx, account.UndoFactor, raw, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		return s.undoFactor(ctx, tx, req, u, c, f, now)
	})
	if err != nil {
		return time.Time{}, err
	}
	return time.Time{}, t.Settle(ctx)
}

func (s *Service) undoFactor(ctx context.Context, tx *store.Store, req account.RequestInfo, u account.User, c account.Challenge, f account.Factor, now time.Time) error {
	undone := audit.ByUser(account.EventFactorUndone, u.ID, "", req, now)
	undone.Details.Factor = string(f.Kind)
	if err := s.accounts.Recover(ctx, tx, u, c.Email, undone); err != nil {
		return err
	}
	if err := tx.DeleteFactor(ctx, u.ID, f.ID); err != nil { // another link was used, or it was removed, a moment ago
		return asBadChallenge(err)
	}
	if err := tx.DeleteFactorsSince(ctx, u.ID, f.ConfirmedAt); err != nil {
		return err
	}
	if err := tx.DeleteRecoveryCodes(ctx, u.ID); err != nil {
		return err
	}
	r, err := s.accounts.Running(ctx, tx, u.ID, now)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && account.EmailKey(r.Email) == account.EmailKey(c.Email) { // there is nothing left to recover
		stopped := audit.ByUser(account.EventRecoveryStopped, u.ID, "", req, now)
		if err := s.accounts.StopRecovery(ctx, tx, u, account.StoppedByLink, stopped); err != nil {
			return err
		}
	}
	if err := s.accounts.suspendWithoutFactor(ctx, tx, undone); err != nil {
		return err
	}
	m := notice(account.MailFactorRemoved, req, now)
	m.Details.FactorKind = f.Kind
	return s.outbox.NotifyAt(ctx, tx, u, c.Email, m)
}

// startRecovery is for who has the link and not the password that was in force
// before, which a reset may have changed since: what they have a thief can have,
// too. So a recovery begins, which whoever has an older factor, or reads another
// mailbox of the account, can stop. The link stays good: the password may come
// to mind. It returns from when on the recovery can be finished, and
// [account.ErrRecoveryRefused] as [Accounts.StartRecovery] does.
func (s *Service) startRecovery(ctx context.Context, req account.RequestInfo, raw string) (readyAt time.Time, err error) {
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		c, u, err := s.holdChallenge(ctx, tx, account.UndoFactor, raw)
		if err != nil {
			return err
		}
		if _, err := tx.Factor(ctx, u.ID, c.FactorID); err != nil {
			return asBadChallenge(err)
		}
		started := audit.ByUser(account.EventRecoveryStarted, u.ID, "", req, s.now())
		if err := s.accounts.StartRecovery(ctx, tx, u, RecoveryStart{Email: c.Email}, started); err != nil {
			return err
		}
		r, err := s.accounts.Running(ctx, tx, u.ID, s.now())
		readyAt = r.ReadyAt
		return err
	})
	s.outbox.Wake()
	return readyAt, err
}
