package staff

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// SetEmail gives a user another address, for somebody who cannot do it
// themselves. A correction is as good as a registration: the address is not
// proved, a link to do that is mailed (or another invitation, to who has only
// been invited), and the one before is told. Of an account with a factor it only begins a recovery, which gives the address when its
// waiting time is over, and keeps the factor: see [Service.Recovery]. An address
// that is only written otherwise is the one that the user has: it is stored, and
// stays proved. It returns [ErrNotActive] where the account is disabled or closed:
// what would be mailed to another address would not go out.
func (s *Service) SetEmail(ctx context.Context, id int64, email, reason string) error {
	email, err := auth.CheckEmail(email)
	if err != nil {
		return err
	}
	u, err := s.toBeChanged(ctx, id)
	if err != nil {
		return err
	}
	if err := s.accounts.AddressFree(ctx, s.store, u, email, false); err != nil { // what is wrong uses up nothing
		return err
	}
	turn, err := s.addressTurn(ctx, u, email)
	if err != nil {
		return err
	}
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, was account.User, do doing) error {
		if err := s.accounts.HoldAddressFree(ctx, tx, was, email, false); err != nil {
			return err
		}
		u, err := s.held(ctx, tx, id)
		if err != nil {
			return err
		}
		if email == u.Email {
			return account.FieldError("email", "email.same", nil)
		}
		return s.setEmail(ctx, tx, u, email, reason, do, turn)
	})
}

// toBeChanged is a user on whom the agent may act: asked before what is to be
// mailed uses up what a mailbox may get.
func (s *Service) toBeChanged(ctx context.Context, id int64) (account.User, error) {
	if err := s.asRefused(ctx, s.mayTouch(ctx, s.store, id)); err != nil {
		return account.User{}, err
	}
	u, err := s.store.UserByID(ctx, id)
	return u, asUserNotFound(err)
}

// addressTurn counts the mail to another address of a user, which may be
// anybody's: an agent can change it there and back as often as they like.
func (s *Service) addressTurn(ctx context.Context, u account.User, email string) (guard.Turn, error) {
	if email == "" || email == u.Email || sameMailbox(u, email) && !u.EmailVerifiedAt.IsZero() {
		return guard.Turn{}, nil
	}
	if !u.Active && !sameMailbox(u, email) {
		return guard.Turn{}, ErrNotActive
	}
	invited, err := s.invited(ctx, s.store, u)
	if err != nil {
		return guard.Turn{}, err
	}
	u.Email = email
	kind := account.MailVerifyEmail
	if invited {
		kind = account.MailInvited
	}
	return s.mailTurn(ctx, kind, u)
}

// invited reports whether a user was invited and nobody has had the account
// since. Whoever else has no password, of Django or because it was made void,
// has an account that its owner knows: an invitation to an address that one of
// the staff chose would hand it over, without the request for a link that
// [Service.AddressesThenLinks] looks for.
func (s *Service) invited(ctx context.Context, st *store.Store, u account.User) (bool, error) {
	if hasPassword(u) || !u.EmailVerifiedAt.IsZero() || !u.LastLoginAt.IsZero() {
		return false, nil
	}
	events, err := st.Events(ctx, store.EventFilter{UserID: u.ID, Kinds: []account.EventKind{account.EventUserInvited, account.EventEmailVerified, account.EventPasswordReset}}, 1)
	return len(events) > 0 && events[0].Kind == account.EventUserInvited, err
}

// sameMailbox reports whether an address is the user's, however it is written.
func sameMailbox(u account.User, email string) bool {
	return account.EmailKey(email) == account.EmailKey(u.Email)
}

// setEmail is SetEmail for a user who is held.
func (s *Service) setEmail(ctx context.Context, tx *store.Store, u account.User, email, reason string, do doing, t guard.Turn) error {
	if sameMailbox(u, email) {
		if err := s.stopCorrection(ctx, tx, u, do); err != nil {
			return err
		}
		return s.spellEmail(ctx, tx, u, email, do, t)
	}
	if !u.Active && email != "" {
		return ErrNotActive
	}
	start := auth.RecoveryStart{Email: email, Keeps: true, Reason: reason}
	waits, err := s.accounts.StartRecoveryIfFactor(ctx, tx, u, start, do.entry(account.EventRecoveryStarted))
	if err != nil || waits {
		return err
	}
	if err := s.accounts.SetEmail(ctx, tx, u, email, time.Time{}, do.entry(account.EventEmailSet)); err != nil {
		return err
	}
	if email == "" {
		return nil
	}
	u.Email = email
	return s.mailProof(ctx, tx, u, do, t)
}

// mailProof owes a user the link to prove their address; or, who has only been
// invited, another invitation.
func (s *Service) mailProof(ctx context.Context, tx *store.Store, u account.User, do doing, t guard.Turn) error {
	invited, err := s.invited(ctx, tx, u)
	if err != nil {
		return err
	}
	if invited {
		return s.accounts.MailInvitation(ctx, tx, u, do.at, t)
	}
	return s.accounts.MailProof(ctx, tx, u, s.ip(), do.at, t)
}

// stopCorrection is for an edit that names the address that a user has: another
// that waits is not to be theirs.
func (s *Service) stopCorrection(ctx context.Context, tx *store.Store, u account.User, do doing) error {
	err := s.accounts.StopCorrection(ctx, tx, u, do.entry(account.EventRecoveryStopped))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// spellEmail has a user's address written otherwise. Nobody else reads it then:
// so it is no other address to those who watch for one, and the links that were
// mailed there stay good.
func (s *Service) spellEmail(ctx context.Context, tx *store.Store, u account.User, email string, do doing, t guard.Turn) error {
	if err := tx.SetEmail(ctx, u.ID, email, u.EmailVerifiedAt); err != nil {
		return err
	}
	e := do.entry(account.EventUserEdited)
	e.Details.Fields = []string{"email"}
	if err := s.audit.Record(ctx, tx, e); err != nil || !u.EmailVerifiedAt.IsZero() {
		return err
	}
	u.Email = email
	return s.mailProof(ctx, tx, u, do, t)
}

// Recover gives an account back to its owner, who reads an address: the staff
// vouch for it, and whoever had the account until then keeps nothing, no
// session, no password and no link. Without an address it is the account's.
//
// Nobody takes a factor from somebody else silently: where the account has one
// this needs a reason, and begins a recovery with a waiting time, in which its
// owner can stop it: see [Service.Recovery]. A closed account is restored by it; of
// a disabled one it returns [ErrNotActive]: nothing would be mailed. It returns
// [account.ThrottledFor] to an agent who would have the mailbox sent more than it
// may get.
func (s *Service) Recover(ctx context.Context, id int64, email, reason string) error {
	if s.agent != nil {
		var err error
		if reason, err = checkReason(reason, mustGiveReason); err != nil {
			return err
		}
	}
	if email != "" {
		var err error
		if email, err = auth.CheckEmail(email); err != nil {
			return err
		}
	}
	if err := s.mayMailLink(ctx, id, email); err != nil {
		return err
	}
	return s.actAt(ctx, id, email, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		if u.State() == account.UserDisabled {
			return ErrNotActive
		}
		start, to := auth.RecoveryStart{Email: email, Reason: reason}, email
		if to != "" {
			if err := s.accounts.AddressFree(ctx, tx, u, to, true); err != nil {
				return err
			}
		} else {
			var err error
			if to, err = auth.CheckEmail(u.Email); err != nil {
				return err
			}
		}
		recovered := do.entry(account.EventAccountRecovered)
		if !sameMailbox(u, to) {
			recovered.Details.Fields = []string{"email"}
		}
		if !u.ClosedAt.IsZero() {
			recovered.Includes = []account.EventKind{account.EventAccountRestored}
		}
		waits, err := s.accounts.StartRecoveryIfFactor(ctx, tx, u, start, do.entry(account.EventRecoveryStarted))
		if err != nil || waits {
			return err
		}
		if !u.ClosedAt.IsZero() {
			if err := tx.RestoreUser(ctx, u.ID); err != nil {
				return err
			}
		}
		if err := s.accounts.TellGiven(ctx, tx, u, to, do.at); err != nil {
			return err
		}
		if err := s.accounts.InvalidateLinks(ctx, tx, u.ID, do.at, account.UndoEmail); err != nil {
			return err
		}
		return s.accounts.Recover(ctx, tx, u, to, recovered)
	})
}

// mayMailLink counts the link that an agent has mailed to an address, or to the
// account's own, which belongs to whoever reads it.
func (s *Service) mayMailLink(ctx context.Context, id int64, email string) error {
	if s.agent == nil {
		return nil
	}
	u, err := s.toBeChanged(ctx, id)
	if err != nil {
		return err
	}
	if u.State() == account.UserDisabled {
		return ErrNotActive
	}
	if email != "" {
		u.Email = email
	}
	turn, err := s.mailTurn(ctx, account.MailResetPassword, u)
	if err == nil && turn.Wait > 0 {
		err = account.ThrottledFor(turn.Wait)
	}
	return err
}

// Recovery returns the recovery of a user that runs, or [ErrNoRecovery].
func (s *Service) Recovery(ctx context.Context, id int64) (account.Recovery, error) {
	return s.recovery(ctx, s.store, id)
}

func (s *Service) recovery(ctx context.Context, st *store.Store, id int64) (account.Recovery, error) {
	r, err := s.accounts.Running(ctx, st, id, s.now())
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoRecovery
	}
	return r, err
}

// Correction returns the recovery of a user that runs, if it only gives another
// address, or the zero one.
func (s *Service) Correction(ctx context.Context, id int64) (account.Recovery, error) {
	return s.correction(ctx, s.store, id)
}

func (s *Service) correction(ctx context.Context, st *store.Store, id int64) (account.Recovery, error) {
	r, err := s.recovery(ctx, st, id)
	if errors.Is(err, ErrNoRecovery) || err == nil && !r.Keeps {
		return account.Recovery{}, nil
	}
	return r, err
}

// corrections are [Service.Correction] of those of several users who have one.
func (s *Service) corrections(ctx context.Context, users []account.User) (map[int64]account.Recovery, error) {
	ids := make([]int64, 0, len(users))
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	now, all := s.now(), map[int64]account.Recovery{}
	waiting, err := s.store.OpenCorrections(ctx, ids)
	for _, r := range waiting {
		if r.Running(now) {
			all[r.UserID] = r
		}
	}
	return all, err
}

// StopRecovery ends the recovery of a user that runs. It returns
// [ErrNoRecovery] when none does.
func (s *Service) StopRecovery(ctx context.Context, id int64, reason string) error {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return err
	}
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, _ account.User, do doing) error {
		u, err := s.held(ctx, tx, id)
		if err != nil {
			return err
		}
		err = s.accounts.StopRecovery(ctx, tx, u, account.StoppedByStaff, do.entry(account.EventRecoveryStopped))
		if errors.Is(err, store.ErrNotFound) {
			err = ErrNoRecovery
		}
		return err
	})
}

// ErrNoRecovery says that there is no recovery to stop.
var ErrNoRecovery error = &conflict{"no recovery of this account is running", account.ErrNotFound}
