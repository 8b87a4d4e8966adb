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

// conflict is why an act is not for an account as it is: in the words of the
// command line, and as clients are told.
type conflict struct {
	why    string
	client *account.Error
}

func (c *conflict) Error() string { return c.why }

// Unwrap is for package errors.
func (c *conflict) Unwrap() error { return c.client }

// What keeps an act from an account in its state.
var (
	// ErrClosed says that the person left: only [Service.Restore] brings them
	// back.
	ErrClosed error = &conflict{"the account was closed by its owner", account.ErrUserClosed}
	// ErrNotClosed says that there is nothing to restore.
	ErrNotClosed error = &conflict{"the account was not closed by its owner", account.ErrUserNotClosed}
	// ErrNotActive says that the person could not use what would be mailed.
	ErrNotActive error = &conflict{"the account is not active", account.ErrUserNotActive}
)

// UserNamed is who has a username, or [account.ErrUserNotFound]. Commands are
// given names.
func (s *Service) UserNamed(ctx context.Context, username string) (account.User, error) {
	u, err := s.store.UserByUsername(ctx, username)
	return u, asUserNotFound(err)
}

// User returns a user, or [account.ErrNotFound].
func (s *Service) User(ctx context.Context, id int64) (account.User, error) {
	u, err := s.store.UserByID(ctx, id)
	return u, asNotFound(err)
}

// Create creates an active user without logging them in, by the rules of
// registration. It is for commands: no agent chooses somebody's password.
func (s *Service) Create(ctx context.Context, req account.RequestInfo, r auth.Registration) (account.User, error) {
	u, err := s.accounts.NewUser(ctx, req, r)
	if err != nil {
		return account.User{}, err
	}
	return s.create(ctx, u)
}

// create stores a user who was checked, and returns them with their id.
func (s *Service) create(ctx context.Context, u account.User) (account.User, error) {
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return s.createIn(ctx, tx, &u) })
	return u, err
}

func (s *Service) createIn(ctx context.Context, tx *store.Store, u *account.User) error {
	if err := s.accounts.Create(ctx, tx, u); err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, s.by(account.EventUserCreated, u.ID, u.JoinedAt))
}

// Invite creates a user without a password, who is mailed the link to choose
// one. In whose language they are written to where it is not said is the
// request's.
func (s *Service) Invite(ctx context.Context, in auth.Invited, language string) (account.User, error) {
	u, err := s.accounts.NewInvited(ctx, in, language)
	if err != nil {
		return account.User{}, err
	}
	turn, err := s.mailTurn(ctx, account.MailInvited, u)
	if err != nil {
		return account.User{}, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.accounts.Create(ctx, tx, &u); err != nil {
			return err
		}
		if err := s.accounts.MailInvitation(ctx, tx, u, u.JoinedAt, turn); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.by(account.EventUserInvited, u.ID, u.JoinedAt))
	})
	if err == nil {
		s.accounts.Wake()
	}
	return u, err
}

// mailTurn counts a mail that the staff have sent: a mailbox has limits of such
// mails, too.
func (s *Service) mailTurn(ctx context.Context, kind account.MailKind, u account.User) (guard.Turn, error) {
	m := account.Mail{Kind: kind, UserID: u.ID, Email: u.Email, Details: account.MailDetails{ByStaff: true}}
	if s.agent != nil {
		m.IP = s.agent.Request.IP
	}
	return s.guard.MailTurn(ctx, m)
}

// SetPassword gives a user another password, by the rules of registration,
// ends their sessions and the links that could give others one, and tells every
// address that they have proved. It is for commands, on servers without mail:
// no agent chooses somebody's password.
func (s *Service) SetPassword(ctx context.Context, id int64, in account.Input, reason string) error {
	reason, err := checkReason(reason, needsReason(s.accounts.Delivers()))
	if err != nil {
		return err
	}
	u, err := s.store.UserByID(ctx, id)
	if err != nil {
		return asUserNotFound(err)
	}
	hash, err := s.accounts.NewPassword(ctx, in, u)
	if err != nil {
		return err
	}
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		if err := s.accounts.SetPassword(ctx, tx, hash, do.entry(account.EventPasswordSet)); err != nil {
			return err
		}
		return s.accounts.TellOwners(ctx, tx, u, account.Mail{Kind: account.MailPasswordChanged, CreatedAt: do.at})
	})
}

// errAlready says that there was nothing to do.
var errAlready = errors.New("it is so already")

// actOnState is act for what goes by whether the account is disabled or closed: of
// two who do it at once the second sees what the first did.
func (s *Service) actOnState(ctx context.Context, id int64, reason string, fn func(ctx context.Context, tx *store.Store, u account.User, do doing) error) error {
	return s.actAt(ctx, id, "", reason, fn)
}

// actAt is act for what has an address be proved, or be proved no more: that one, or
// the user's. It is held before the user, as links hold it, or each would wait for
// the other. Where the user has another one once they are held, it begins again.
func (s *Service) actAt(ctx context.Context, id int64, email, reason string, fn func(ctx context.Context, tx *store.Store, u account.User, do doing) error) error {
	for {
		moved := false
		err := s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, was account.User, do doing) error {
			at := email
			if at == "" {
				at = was.Email
			}
			if at != "" {
				if err := tx.LockAddress(ctx, at); err != nil {
					return err
				}
			}
			u, err := s.held(ctx, tx, id)
			if err != nil {
				return err
			}
			if moved = email == "" && !sameMailbox(u, at); moved {
				return nil
			}
			return fn(ctx, tx, u, do)
		})
		if !moved {
			return err
		}
	}
}

// held is a user, whom nobody else changes until the transaction ends, and on whom
// the agent may act still: they may have been offered a role meanwhile.
func (s *Service) held(ctx context.Context, tx *store.Store, id int64) (account.User, error) {
	if err := tx.LockUser(ctx, id); err != nil {
		return account.User{}, err
	}
	if err := s.mayTouch(ctx, tx, id); err != nil {
		return account.User{}, err
	}
	return tx.UserByID(ctx, id)
}

// orAlready takes an act that found nothing to do for done.
func orAlready(err error) error {
	if errors.Is(err, errAlready) {
		return nil
	}
	return err
}

// Enable lets a disabled user log in again; of another it does nothing. It
// returns [ErrClosed] for a closed account: closed and disabled are one bit in the
// database, so its way back would open it against the staff's word.
func (s *Service) Enable(ctx context.Context, id int64, reason string) error {
	return orAlready(s.enable(ctx, id, reason))
}

func (s *Service) enable(ctx context.Context, id int64, reason string) error {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return err
	}
	return s.actOnState(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		switch {
		case !u.ClosedAt.IsZero():
			return ErrClosed
		case u.Active:
			return errAlready
		}
		if err := tx.SetActive(ctx, u.ID, true); err != nil {
			return err
		}
		if err := s.accounts.Reopen(ctx, tx, u, do.at); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, do.entry(account.EventUserEnabled))
	})
}

// Disable keeps a user from logging in, ends their sessions, and tells them; of
// who is disabled it does nothing. An agent must give a reason. It returns
// [ErrClosed] for a closed account.
func (s *Service) Disable(ctx context.Context, id int64, reason string) error {
	return orAlready(s.disable(ctx, id, reason))
}

func (s *Service) disable(ctx context.Context, id int64, reason string) error {
	reason, err := checkReason(reason, s.agentReason())
	if err != nil {
		return err
	}
	return s.actOnState(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		switch {
		case !u.ClosedAt.IsZero():
			return ErrClosed
		case !u.Active:
			return errAlready
		}
		return s.accounts.Disable(ctx, tx, u, do.entry(account.EventUserDisabled))
	})
}

// Close closes an account for its owner, who is told until when it can be
// restored. The ways back of one that is disabled are worthless then: they open what
// was closed. It returns [ErrClosed] for one that is closed.
func (s *Service) Close(ctx context.Context, id int64, reason string) error {
	reason, err := checkReason(reason, s.agentReason())
	if err != nil {
		return err
	}
	return s.actOnState(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		if !u.ClosedAt.IsZero() {
			return ErrClosed
		}
		if err := s.accounts.Close(ctx, tx, u, do.entry(account.EventAccountClosed)); err != nil || u.Active {
			return err
		}
		return s.accounts.InvalidateLinks(ctx, tx, u.ID, do.at, account.UndoEmail)
	})
}

// Restore brings a closed account back, with the password that it had.
func (s *Service) Restore(ctx context.Context, id int64, reason string) error {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return err
	}
	return s.actOnState(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		err := tx.RestoreUser(ctx, u.ID)
		if errors.Is(err, store.ErrNotFound) {
			return ErrNotClosed
		}
		if err != nil {
			return err
		}
		if err := s.accounts.Reopen(ctx, tx, u, do.at); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, do.entry(account.EventAccountRestored))
	})
}

// EndSessions ends every session of a user, and says how many those were of
// which a token could still be renewed.
func (s *Service) EndSessions(ctx context.Context, id int64, reason string) (ended int, err error) {
	reason, err = checkReason(reason, mayGiveReason)
	if err != nil {
		return 0, err
	}
	err = s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		live, err := tx.LiveSessions(ctx, u.ID, do.at, do.at)
		if err != nil {
			return err
		}
		if err := s.accounts.EndSessions(ctx, tx, u.ID, "", do.at); err != nil {
			return err
		}
		ended = len(live)
		e := do.entry(account.EventSessionsEndedByStaff)
		e.Details.Count = ended
		return s.audit.Record(ctx, tx, e)
	})
	return ended, err
}

// EndSession ends one session of a user. It returns [account.ErrNotFound] when
// there is no such session, it has ended, or it is another user's.
func (s *Service) EndSession(ctx context.Context, id int64, sessionID, reason string) error {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return err
	}
	sess, _, err := s.store.SessionUser(ctx, sessionID)
	if errors.Is(err, store.ErrNotFound) || err == nil && sess.UserID != id {
		return account.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, _ account.User, do doing) error {
		err := tx.RevokeSession(ctx, sessionID, do.at)
		if errors.Is(err, store.ErrNotFound) {
			return account.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := s.accounts.InvalidateLinks(ctx, tx, id, do.at, account.ConfirmEmail); err != nil {
			return err
		}
		e := do.entry(account.EventSessionsEndedByStaff)
		e.Details.Session, e.Details.Count = sessionID, 1
		return s.audit.Record(ctx, tx, e)
	})
}

// StartReset has a user mailed the link to choose another password, which
// nobody else sees, and says when the mail goes out. It returns an error about
// the field "email" when there is no address, or another account has proved it,
// and [account.ThrottledFor] when such a mail to another spelling of the address
// waits.
func (s *Service) StartReset(ctx context.Context, id int64, reason string) (due time.Time, err error) {
	return s.mail(ctx, id, reason, account.MailResetPassword, func(ctx context.Context, tx *store.Store, u account.User, do doing, t guard.Turn) error {
		if err := s.audit.Record(ctx, tx, do.entry(account.EventPasswordResetRequested)); err != nil {
			return err
		}
		return s.accounts.MailReset(ctx, tx, u, s.ip(), do.at, t)
	})
}

// ResendVerification has a user mailed another link to prove their address; or,
// who was invited and has no password yet, another invitation. The errors are
// those of [Service.StartReset].
func (s *Service) ResendVerification(ctx context.Context, id int64, reason string) (due time.Time, err error) {
	return s.mail(ctx, id, reason, account.MailVerifyEmail, func(ctx context.Context, tx *store.Store, u account.User, do doing, t guard.Turn) error {
		if !u.EmailVerifiedAt.IsZero() {
			return account.FieldError("email", "email.verified", nil)
		}
		e := do.entry(account.EventMailRetried)
		if err := s.audit.Record(ctx, tx, e); err != nil {
			return err
		}
		return s.mailProof(ctx, tx, u, do, t)
	})
}

// mail has something mailed to a user, when the limits of their mailbox allow
// it.
func (s *Service) mail(ctx context.Context, id int64, reason string, kind account.MailKind,
	fn func(ctx context.Context, tx *store.Store, u account.User, do doing, t guard.Turn) error) (due time.Time, err error) {
	reason, err = checkReason(reason, mayGiveReason)
	if err != nil {
		return time.Time{}, err
	}
	u, err := s.toBeChanged(ctx, id)
	switch {
	case err != nil:
		return time.Time{}, err
	case !u.Active:
		return time.Time{}, ErrNotActive
	case u.Email == "":
		return time.Time{}, account.FieldError("email", "email.none", nil)
	}
	_, err = s.store.Prover(ctx, u.Email, u.ID)
	if err == nil && u.EmailVerifiedAt.IsZero() {
		return time.Time{}, account.FieldError("email", "email.proved_elsewhere", nil)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return time.Time{}, err
	}
	turn, err := s.mailTurn(ctx, kind, u)
	if err != nil {
		return time.Time{}, err
	}
	err = s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		due = do.at.Add(turn.Wait)
		return fn(ctx, tx, u, do, turn)
	})
	return due, err
}

func (s *Service) ip() string {
	if s.agent == nil {
		return ""
	}
	return s.agent.Request.IP
}

// Unlock forgets every wrong try at a user's password and second factor, so
// that the next is not held up. Running servers see it at once. Networks that
// ask too often have to wait all the same.
func (s *Service) Unlock(ctx context.Context, id int64, reason string) error {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return err
	}
	if s.agent != nil {
		if _, err := s.toBeChanged(ctx, id); err != nil { // before it uses up what the account may have
			return err
		}
		if err := s.guard.AllowUser(ctx, guard.UnlocksPerUser, id); err != nil {
			return err
		}
	}
	secret, err := s.guard.StoredSecret(ctx)
	if err != nil {
		return err
	}
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		if err := secret.Unlock(ctx, tx, u); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, do.entry(account.EventLoginUnlocked))
	})
}

// Edit changes what staff may change of a user, who is told of another
// address: see [Service.SetEmail]. One that names the address that they have
// stops a correction that waits, which the version names. It returns the user as they are now, and
// [account.ErrEditConflict] where somebody edited them since the version.
func (s *Service) Edit(ctx context.Context, id int64, in auth.UserEdit) (account.User, error) {
	u, err := s.toBeChanged(ctx, id)
	if err != nil {
		return account.User{}, err
	}
	waits, err := s.Correction(ctx, id)
	if err != nil {
		return account.User{}, err
	}
	edited, err := s.accounts.ReadEdit(u, waits, in) // what is wrong uses up nothing, either
	if err != nil {
		return account.User{}, err
	}
	if err := s.accounts.AddressFree(ctx, s.store, u, edited.User.Email, false); err != nil {
		return account.User{}, err
	}
	turn, err := s.addressTurn(ctx, u, edited.User.Email)
	if err != nil {
		return account.User{}, err
	}
	err = s.act(ctx, id, "", func(ctx context.Context, tx *store.Store, was account.User, do doing) error {
		if err := s.accounts.HoldAddressFree(ctx, tx, was, edited.User.Email, false); err != nil {
			return err
		}
		u, err := s.held(ctx, tx, id)
		if err != nil {
			return err
		}
		if waits, err = s.correction(ctx, tx, id); err != nil {
			return err
		}
		if edited, err = s.accounts.ReadEdit(u, waits, in); err != nil {
			return err
		}
		if in.Email.State == account.Given && edited.User.Email == u.Email {
			if err := s.stopCorrection(ctx, tx, u, do); err != nil {
				return err
			}
		}
		if len(edited.Fields) == 0 {
			return nil
		}
		now, changed := edited.User, make([]string, 0, len(edited.Fields))
		for _, f := range edited.Fields {
			if f != "email" { // which has an event of its own
				changed = append(changed, f)
			}
		}
		if now.Email != u.Email {
			u.Language = now.Language // mails are in it from here on
			if err := s.setEmail(ctx, tx, u, now.Email, "", do, turn); err != nil {
				return err
			}
		}
		if len(changed) == 0 {
			return nil
		}
		if err := tx.SetProfile(ctx, id, store.Profile{FirstName: &now.FirstName, LastName: &now.LastName}); err != nil {
			return err
		}
		if err := tx.SetLanguage(ctx, id, now.Language); err != nil {
			return err
		}
		e := do.entry(account.EventUserEdited)
		e.Details.Fields = changed
		return s.audit.Record(ctx, tx, e)
	})
	if err != nil {
		return account.User{}, err
	}
	return s.User(ctx, id)
}

// Erase deletes a user at once, with all that is held about them but their
// events, which stay without them. A reason is needed. It returns what waits
// for a second person, where there have to be two: see [Service.Approve].
func (s *Service) Erase(ctx context.Context, id int64, reason string) (waits *account.Approval, err error) {
	if reason, err = checkReason(reason, mustGiveReason); err != nil {
		return nil, err
	}
	if s.NeedsSecond() {
		return s.ask(ctx, account.ApproveErase, []int64{id}, "", reason)
	}
	return nil, s.erase(ctx, id, reason)
}

func (s *Service) erase(ctx context.Context, id int64, reason string) error {
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, _ account.User, do doing) error {
		u, err := s.held(ctx, tx, id)
		if err != nil {
			return err
		}
		return s.accounts.Erase(ctx, tx, u, do.entry(account.EventAccountErased))
	})
}

// RestorableFor is for how long a closed account can be restored.
func (s *Service) RestorableFor() time.Duration { return s.accounts.RestorableFor() }
