package auth

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// ProfileChange holds the fields that a person may change of themselves; one
// that is missing stays as it is.
type ProfileChange struct {
	Username  account.Input
	FirstName account.Input
	LastName  account.Input
}

// UpdateProfile changes the caller by the rules of registration and returns
// them as they are now.
func (s *Service) UpdateProfile(ctx context.Context, caller *Caller, c ProfileChange) (account.User, error) {
	if err := s.countWrite(ctx, caller); err != nil {
		return account.User{}, err
	}
	u, err := s.self(ctx, caller)
	if err != nil {
		return account.User{}, err
	}
	errs := account.Fields{}
	p := store.Profile{Username: u.Username, FirstName: u.FirstName, LastName: u.LastName}
	if c.Username.State != account.Missing {
		p.Username = account.NormalizeUsername(checkUsername(errs, c.Username))
		if p.Username != u.Username {
			if err := s.checkUsernameFree(ctx, errs, p.Username); err != nil {
				return account.User{}, err
			}
		}
	}
	if c.FirstName.State != account.Missing {
		p.FirstName = checkName(errs, "first_name", c.FirstName)
	}
	if c.LastName.State != account.Missing {
		p.LastName = checkName(errs, "last_name", c.LastName)
	}
	if err := errs.Err(); err != nil {
		return account.User{}, err
	}
	changed := acted(account.EventProfileChanged, caller, s.o.Now())
	for _, f := range []struct{ name, was, is string }{
		{"username", u.Username, p.Username}, {"first_name", u.FirstName, p.FirstName}, {"last_name", u.LastName, p.LastName},
	} {
		if f.was != f.is {
			changed.details.Fields = append(changed.details.Fields, f.name)
		}
	}
	if changed.details.Fields == nil {
		return u, nil
	}
	var committed func()
	err = s.store.Tx(ctx, func(tx *store.Store) error {
		if err := tx.SetProfile(ctx, u.ID, p); err != nil {
			return err
		}
		committed, err = s.recordChange(ctx, tx, changed)
		return err
	})
	if err != nil {
		return account.User{}, usernameTaken(err)
	}
	committed()
	u.Username, u.FirstName, u.LastName = p.Username, p.FirstName, p.LastName
	return u, nil
}

// Security is what a person sees of how safe their account is.
type Security struct {
	User     account.User
	Sessions int // live ones
}

// Security returns what the caller may know of their own account's safety.
func (s *Service) Security(ctx context.Context, caller *Caller) (Security, error) {
	u, err := s.self(ctx, caller)
	if err != nil {
		return Security{}, err
	}
	live, err := s.store.CountLiveSessions(ctx, u.ID, s.o.Now())
	return Security{User: u, Sessions: live}, err
}
