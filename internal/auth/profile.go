package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// ProfileFields are those of a [ProfileChange]; one that is missing stays as it
// is, and the password, for another username only, counts as a proof: see requireProof.
var ProfileFields = []Field{usernameField.optional(), firstNameField, lastNameField, passwordField.optional()}

// ProfileChange holds the fields that a person may change of themselves; one
// that is missing stays as it is. Password is for another username only,
// which needs a proof: a token that was stolen must not be enough to take the name
// away, but within five minutes of a login.
type ProfileChange struct {
	Username  account.Input
	FirstName account.Input
	LastName  account.Input
	Password  account.Input
}

// UpdateProfile changes the caller by the rules of registration and returns
// them as they are now. Another username is mailed to them.
func (s *Service) UpdateProfile(ctx context.Context, caller *Caller, c ProfileChange) (account.User, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return account.User{}, err
	}
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return account.User{}, err
	}
	errs := account.Fields{}
	was := u
	if c.Username.State != account.Missing {
		u.Username = account.NormalizeUsername(usernameField.read(errs, c.Username))
		if u.Username != was.Username {
			if err := s.accounts.checkUsernameChange(ctx, errs, u.Username, was); err != nil {
				return account.User{}, err
			}
		}
	}
	if c.FirstName.State != account.Missing {
		u.FirstName = firstNameField.read(errs, c.FirstName)
	}
	if c.LastName.State != account.Missing {
		u.LastName = lastNameField.read(errs, c.LastName)
	}
	renamed := u.Username != was.Username
	if renamed && len(errs["username"]) == 0 {
		passwordField.readGiven(errs, c.Password)
	}
	if err := errs.Err(); err != nil {
		return account.User{}, err
	}
	var proof proved
	if renamed {
		if proof, err = s.requireProof(ctx, caller, passwordField, c.Password); err != nil {
			return account.User{}, err
		}
	}
	// Only what changes is written: another request may change the rest.
	var p store.Profile
	changed := entryBy(account.EventProfileChanged, caller, s.now())
	for _, f := range []struct {
		name    string
		was, is string
		to      **string
	}{
		{"first_name", was.FirstName, u.FirstName, &p.FirstName},
		{"last_name", was.LastName, u.LastName, &p.LastName},
	} {
		if f.was != f.is {
			changed.Details.Fields = append(changed.Details.Fields, f.name)
			*f.to = &f.is
		}
	}
	if changed.Details.Fields == nil && !renamed {
		return u, nil
	}
	committed := func() {}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if renamed {
			if err := s.rename(ctx, tx, proof, u.Username); err != nil {
				return err
			}
		}
		if changed.Details.Fields == nil {
			return nil
		}
		if err := tx.SetProfile(ctx, u.ID, p); err != nil {
			return err
		}
		committed, err = s.audit.RecordChange(ctx, tx, changed)
		return err
	})
	if err != nil {
		return account.User{}, usernameTaken(err)
	}
	committed()
	s.outbox.Wake()
	return u, nil
}

// rename gives the caller another name, in the transaction that changes their
// profile.
func (s *Service) rename(ctx context.Context, tx *store.Store, proof proved, username string) error {
	now, caller, u := s.now(), proof.caller, proof.User
	if err := s.stillProved(ctx, tx, proof); err != nil {
		return err
	}
	err := tx.ChangeUsername(ctx, u.ID, u.Username, username, now)
	if errors.Is(err, store.ErrNotFound) { // another name since we looked
		return account.ErrUserNotFound
	}
	if err != nil {
		return err
	}
	if err := s.accounts.lockUsername(ctx, tx, username, u.ID, now); err != nil {
		return err
	}
	errs := account.Fields{}
	if err := s.accounts.checkNotTooOften(ctx, tx, errs, u.ID, username, mostUsernames); err != nil { // two requests at once
		return err
	}
	if err := errs.Err(); err != nil {
		return err
	}
	if err := s.audit.Record(ctx, tx, entryBy(account.EventUsernameChanged, caller, now)); err != nil {
		return err
	}
	return s.outbox.Notify(ctx, tx, u, account.Mail{
		Kind: account.MailUsernameChanged, IP: caller.Request.IP,
		Details: account.MailDetails{
			Username: username, OldUsername: u.Username, IP: caller.Request.IP, Device: caller.Request.UserAgent, Until: now.Add(usernameKept),
		},
		CreatedAt: now,
	})
}
