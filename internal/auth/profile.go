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
	u, err := s.self(ctx, caller)
	if err != nil {
		return account.User{}, err
	}
	errs := account.Fields{}
	was := u
	if c.Username.State != account.Missing {
		u.Username = account.NormalizeUsername(checkUsername(errs, c.Username))
		if u.Username != was.Username {
			if err := s.checkUsernameFree(ctx, errs, u.Username); err != nil {
				return account.User{}, err
			}
		}
	}
	if c.FirstName.State != account.Missing {
		u.FirstName = checkName(errs, "first_name", c.FirstName)
	}
	if c.LastName.State != account.Missing {
		u.LastName = checkName(errs, "last_name", c.LastName)
	}
	if err := errs.Err(); err != nil {
		return account.User{}, err
	}
	// Only what changes is written: another request may change the rest.
	var p store.Profile
	changed := acted(account.EventProfileChanged, caller, s.o.Now())
	for _, f := range []struct {
		name    string
		was, is string
		to      **string
	}{
		{"username", was.Username, u.Username, &p.Username},
		{"first_name", was.FirstName, u.FirstName, &p.FirstName},
		{"last_name", was.LastName, u.LastName, &p.LastName},
	} {
		if f.was != f.is {
			changed.details.Fields = append(changed.details.Fields, f.name)
			*f.to = &f.is
		}
	}
	if changed.details.Fields == nil {
		return u, nil
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetProfile(ctx, u.ID, p); err != nil {
			return err
		}
		return s.record(ctx, tx, changed)
	})
	return u, usernameTaken(err)
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
	live, err := s.Sessions(ctx, caller)
	return Security{User: u, Sessions: len(live)}, err
}

// Export is everything that is held about one person: a field for each table
// that has rows of theirs. A test fails when a table is forgotten.
type Export struct {
	User       account.User
	Sessions   []account.Session
	Challenges []account.Challenge
	Mails      []account.Mail
	Events     []account.Event
}

// Export returns everything that is held about the caller (law 09-08,
// article 7; GDPR, articles 15 and 20). That somebody took all of it is an
// event, too, and in it.
func (s *Service) Export(ctx context.Context, caller *Caller) (Export, error) {
	var e Export
	var err error
	if e.User, err = s.self(ctx, caller); err != nil {
		return Export{}, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return s.record(ctx, tx, acted(account.EventDataExported, caller, s.o.Now()))
	})
	if err != nil {
		return Export{}, err
	}
	if e.Sessions, err = s.store.Sessions(ctx, e.User.ID); err != nil {
		return Export{}, err
	}
	if e.Challenges, err = s.store.Challenges(ctx, e.User.ID); err != nil {
		return Export{}, err
	}
	if e.Mails, err = s.store.MailsOf(ctx, e.User.ID); err != nil {
		return Export{}, err
	}
	e.Events, err = s.store.Events(ctx, store.EventFilter{UserID: e.User.ID}, 0)
	return e, err
}
