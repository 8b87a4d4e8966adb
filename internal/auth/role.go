package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// A role of the staff opens what customers' accounts do not. So it counts only
// once the person has accepted it by a link that was mailed to their address,
// in a session that was opened after it was offered, with a second factor; and
// no longer than they have one that they are asked for. What a role allows is the business of package
// staff.

// MailRole owes a user the link to accept a role, in place of those before.
func (a *Accounts) MailRole(ctx context.Context, tx *store.Store, u account.User, role account.Role, now time.Time) error {
	if err := a.InvalidateLinks(ctx, tx, u.ID, now, account.AcceptRole); err != nil {
		return err
	}
	m := mailTo(u, account.MailRoleOffered, "", now)
	m.Details.Role = role
	return tx.AddMail(ctx, m)
}

// RoleLink makes the link to accept a role, in place of those before, for
// somebody who hands it over where no mail reaches people.
func (a *Accounts) RoleLink(ctx context.Context, tx *store.Store, u account.User, now time.Time) (string, error) {
	if err := a.InvalidateLinks(ctx, tx, u.ID, now, account.AcceptRole); err != nil {
		return "", err
	}
	raw, c := newChallenge(account.AcceptRole, u.ID, u.Email, now)
	if err := tx.CreateChallenge(ctx, c); err != nil {
		return "", err
	}
	return a.o.Mail.Link(account.AcceptRole, raw, u.Language), nil
}

// EndRole makes links to accept a role worthless, and ends the sessions in
// which it was used.
func (a *Accounts) EndRole(ctx context.Context, tx *store.Store, userID int64, now time.Time) error {
	if err := a.InvalidateLinks(ctx, tx, userID, now, account.AcceptRole); err != nil {
		return err
	}
	return a.EndSessions(ctx, tx, userID, "", now)
}

// NotLastOwner returns [account.ErrLastOwner] for the last owner: see
// [store.Store.LastOwner].
func (a *Accounts) NotLastOwner(ctx context.Context, tx *store.Store, userID int64) error {
	last, err := tx.LastOwner(ctx, userID)
	if err == nil && last {
		err = account.ErrLastOwner
	}
	return err
}

// keepOwner returns [account.ErrLastOwner] if a user who has just deleted a
// factor has none left and is the last owner: nobody could renew the role. Ways
// back for whoever was robbed do not ask: there a thief would be the owner.
func (a *Accounts) keepOwner(ctx context.Context, tx *store.Store, userID int64) error {
	factors, err := a.factors(ctx, tx, userID)
	if err != nil || len(factors) > 0 {
		return err
	}
	return a.NotLastOwner(ctx, tx, userID)
}

// suspendWithoutFactor suspends the role of a user who has lost the last factor
// that can be shown here, in the transaction in which that was deleted. Whatever
// takes factors away asks.
func (a *Accounts) suspendWithoutFactor(ctx context.Context, tx *store.Store, e audit.Entry) error {
	factors, err := a.factors(ctx, tx, e.UserID)
	if err != nil || len(factors) > 0 {
		return err
	}
	return a.suspendRole(ctx, tx, e)
}

// suspendRole suspends a user's role, if they have one that counts. It is also for
// who adds a factor and could be asked for none until then: the role was accepted
// with one of another relying party, and whoever has the password or the mailbox
// alone is in that session.
func (a *Accounts) suspendRole(ctx context.Context, tx *store.Store, e audit.Entry) error {
	suspended, err := tx.SuspendStaff(ctx, e.UserID, e.At)
	if err != nil || !suspended {
		return err
	}
	if err := tx.DeleteApprovalsOf(ctx, e.UserID); err != nil {
		return err
	}
	return a.audit.Record(ctx, tx, audit.Entry{
		Kind: account.EventRoleSuspended, Actor: account.ActorSystem, UserID: e.UserID, Request: e.Request, At: e.At,
	})
}

// StaffWithoutFactor says of how many of the staff the role counts although they
// have no factor that can be shown here: since the shop moved, their passkeys are
// of another relying party. The first factor that such a one adds suspends it.
func (s *Service) StaffWithoutFactor(ctx context.Context) (n int, err error) {
	members, err := s.store.StaffMembers(ctx)
	if err != nil {
		return 0, err
	}
	for _, m := range members {
		factor, err := s.hasFactor(ctx, s.store, m.UserID)
		if err != nil {
			return 0, err
		}
		if m.Counts() && !factor {
			n++
		}
	}
	return n, nil
}

// hasRole reports whether a user has a role, also one that does not count: for
// ways in that show too little of who somebody is.
func hasRole(ctx context.Context, st *store.Store, userID int64) (bool, error) {
	_, err := st.StaffMember(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// RoleOffer is what a link to accept a role is about.
type RoleOffer struct {
	Username, Email string
	Role            account.Role
	NeedsPassword   bool // there is none yet: see [Service.ChoosePasswordOfRole]
}

// RoleOffer says what a link to accept a role is about, without using it.
func (s *Service) RoleOffer(ctx context.Context, req account.RequestInfo, raw string) (RoleOffer, error) {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return RoleOffer{}, err
	}
	c, u, m, err := s.offer(ctx, s.store, raw)
	return RoleOffer{u.Username, c.Email, m.Role, !password.Usable(u.PasswordHash)}, err
}

// offer returns what a link to accept a role is about now.
func (s *Service) offer(ctx context.Context, st *store.Store, raw string) (account.Challenge, account.User, account.StaffMember, error) {
	c, u, err := s.challenge(ctx, st, account.AcceptRole, raw)
	if err == nil && account.EmailKey(c.Email) != account.EmailKey(u.Email) {
		err = badChallenge("challenge_invalid")
	}
	if err != nil {
		return c, u, account.StaffMember{}, err
	}
	m, err := st.StaffMember(ctx, u.ID)
	if err == nil && !m.AcceptedAt.IsZero() {
		err = store.ErrNotFound
	}
	return c, u, m, asBadChallenge(err)
}

// FirstPasswordFields are those of [Service.ChoosePasswordOfRole].
var FirstPasswordFields = []Field{tokenField, newPassword}

// ChoosePasswordOfRole gives a user who was invited to the staff, and has no
// password yet, their first one. The link stays good, to accept the role after
// a login; a second time it chooses nothing. That it was followed proves the
// address.
func (s *Service) ChoosePasswordOfRole(ctx context.Context, req account.RequestInfo, in, next account.Input) error {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return err
	}
	errs := account.Fields{}
	raw, plain := tokenField.read(errs, in), newPassword.read(errs, next)
	if err := errs.Err(); err != nil {
		return err
	}
	c, u, _, err := s.offer(ctx, s.store, raw)
	if err != nil {
		return err
	}
	hash, err := s.accounts.newPassword(guard.AsStranger(ctx, req), "new_password", plain, u)
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		proved, err := s.accounts.proofTime(ctx, tx, c.Email, u.ID, now) // it holds the address before the user's row
		if err != nil {
			return err
		}
		if err := tx.HoldUser(ctx, u.ID); err != nil {
			return err
		}
		_, u, _, err := s.offer(ctx, tx, raw)
		if err != nil {
			return err
		}
		if password.Usable(u.PasswordHash) {
			return badChallenge("challenge_used")
		}
		if proved.IsZero() {
			return badChallenge("email.proved_elsewhere")
		}
		if err := s.accounts.SetPassword(ctx, tx, hash, audit.ByUser(account.EventPasswordReset, u.ID, "", req, now)); err != nil {
			return err
		}
		return tx.SetProof(ctx, u.ID, u.Email, proved)
	})
	return asBadChallenge(err)
}

// AcceptRole accepts the role that a link offers the caller. They have logged
// in since it was offered, and shown a second factor in this session lately.
// It returns [account.ErrConfirmRequired] where they have not, an error about
// no field where they have no factor, and one about the field "token" when the
// link is not good, or somebody else's.
func (s *Service) AcceptRole(ctx context.Context, caller *Caller, in account.Input) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	errs := account.Fields{}
	raw := tokenField.read(errs, in)
	if err := errs.Err(); err != nil {
		return err
	}
	c, u, m, err := s.offer(ctx, s.store, raw)
	if err == nil && u.ID != caller.User.ID {
		err = badChallenge("challenge_invalid")
	}
	if err != nil {
		return err
	}
	factors, err := s.factors(ctx, s.store, u.ID)
	switch {
	case err != nil:
		return err
	case len(factors) == 0:
		return account.NonFieldError("factor_none", nil)
	case caller.SessionID == "" || caller.OpenedAt.Before(m.GivenAt): // one of before may have been adopted, or be somebody else's
		return account.ErrStaffLogin
	case !account.HasAMR(caller.AMR, account.AMRMultiple):
		return s.confirmRequired(ctx, u, factors)
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
		_, u, _, err := s.offer(ctx, tx, raw)
		if err == nil && u.EmailVerifiedAt.IsZero() {
			err = badChallenge("email.unproved")
		}
		if err != nil {
			return err
		}
		if factor, err := s.hasFactor(ctx, tx, u.ID); err != nil || !factor {
			return errors.Join(err, account.NonFieldError("factor_none", nil))
		}
		if err := tx.UseChallenge(ctx, account.AcceptRole, c.Hash, now); err != nil {
			return asBadChallenge(err)
		}
		if err := tx.AcceptRole(ctx, u.ID, now); err != nil {
			return asBadChallenge(err)
		}
		// A correction that began while the role was offered: see [Accounts.StopCorrection].
		accepted := entryBy(account.EventRoleAccepted, caller, now)
		if err := s.accounts.StopCorrection(ctx, tx, u, accepted); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return s.audit.Record(ctx, tx, accepted)
	})
	return err
}
