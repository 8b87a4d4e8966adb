package staff

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// SetEmail gives a user another address, for somebody who cannot do it
// themselves. A correction is as good as a registration: the address is not
// proved, a link to do that is mailed, and the one before is told.
func (s *Service) SetEmail(ctx context.Context, username, email string) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	if email, err = auth.CheckEmail(email); err != nil {
		return err
	}
	if email == u.Email {
		errs := account.Fields{}
		errs.Add("email", "email.same", nil)
		return errs.Err()
	}
	now := s.now()
	return s.tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventEmailSet, u.ID, now)); err != nil {
			return err
		}
		if err := s.accounts.SetEmail(ctx, tx, u, email, time.Time{}, "", now); err != nil {
			return err
		}
		u.Email = email
		return s.accounts.MailVerification(ctx, tx, u, "", now, guard.Turn{})
	})
}

// Recover gives an account back to its owner, who reads an address: the staff
// vouch for it, and whoever had the account until then keeps nothing, no
// session, no password and no link.
func (s *Service) Recover(ctx context.Context, username, email string) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	if email, err = auth.CheckEmail(email); err != nil {
		return err
	}
	now := s.now()
	recovered := s.audit.ByStaff(account.EventAccountRecovered, u.ID, now)
	if !u.ClosedAt.IsZero() {
		recovered.Includes = []account.EventKind{account.EventAccountRestored}
	}
	return s.tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if !u.ClosedAt.IsZero() {
			if err := tx.RestoreUser(ctx, u.ID); err != nil {
				return err
			}
		}
		if err := s.accounts.Recover(ctx, tx, u, email, recovered); err != nil {
			return err
		}
		return s.accounts.InvalidateLinks(ctx, tx, u.ID, now, account.UndoEmail)
	})
}
