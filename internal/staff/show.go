package staff

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// ShownUser is what the staff look at when a person asks for help. It has
// nothing that opens the account.
type ShownUser struct {
	account.User
	HasPassword   bool      // some password opens the account
	Sessions      int       // that can be renewed
	SessionUsedAt time.Time // the last of them; zero: there is none
	Usernames     []store.UsernameChange
}

// mostShown is how many accounts with one address are looked at: anybody can
// register with anybody's.
const mostShown = 20

// Show returns everybody who may be meant by an id, a username or an address,
// in the order of their ids: one person may be called what is another's id, and
// anybody can claim an address. more says that there are others with the
// address. Where there is nobody it returns [account.ErrUserNotFound].
func (s *Service) Show(ctx context.Context, who string) (found []ShownUser, more bool, err error) {
	users, more, err := s.meant(ctx, who)
	if err != nil {
		return nil, false, err
	}
	for _, u := range users {
		v, err := s.shownUser(ctx, u)
		if err != nil {
			return nil, false, err
		}
		found = append(found, v)
	}
	if len(found) == 0 {
		return nil, false, account.ErrUserNotFound
	}
	return found, more, nil
}

func (s *Service) meant(ctx context.Context, who string) (users []account.User, more bool, err error) {
	add := func(u account.User, err error) error {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil && !slices.ContainsFunc(users, func(other account.User) bool { return other.ID == u.ID }) {
			users = append(users, u)
		}
		return err
	}
	if id, err := strconv.ParseInt(who, 10, 64); err == nil {
		if err := add(s.store.UserByID(ctx, id)); err != nil {
			return nil, false, err
		}
	}
	if err := add(s.store.UserByUsername(ctx, account.NormalizeUsername(who))); err != nil {
		return nil, false, err
	}
	if strings.Contains(who, "@") {
		claim, err := s.store.UsersByEmail(ctx, who, mostShown+1)
		if err != nil {
			return nil, false, err
		}
		more = len(claim) > mostShown
		for _, u := range claim[:min(len(claim), mostShown)] {
			_ = add(u, nil)
		}
	}
	slices.SortFunc(users, func(a, b account.User) int { return cmp.Compare(a.ID, b.ID) })
	return users, more, nil
}

func hasPassword(u account.User) bool { return password.Usable(u.PasswordHash) }

func (s *Service) shownUser(ctx context.Context, u account.User) (v ShownUser, err error) {
	v = ShownUser{User: u, HasPassword: hasPassword(u)}
	sessions, err := s.renewable(ctx, u.ID)
	if err != nil {
		return v, err
	}
	if v.Sessions = len(sessions); v.Sessions > 0 {
		v.SessionUsedAt = sessions[0].LastUsedAt
	}
	v.Usernames, err = s.store.UsernameChanges(ctx, u.ID, time.Time{})
	return v, err
}
