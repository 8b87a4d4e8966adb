package staff

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// seenEvery is how often at most an agent's looks at one person are an event.
const seenEvery = time.Hour

// Look notes that an agent looks at a person, before they are shown anything:
// an event, one an hour for each of both. It returns [account.ThrottledFor] to
// who looks at more people in an hour than anybody can help; then the owners
// are told. A command is seen by whoever may run it, and is no look.
func (s *Service) Look(ctx context.Context, id int64) error {
	if s.agent == nil {
		return nil
	}
	now := s.now()
	if _, err := s.User(ctx, id); err != nil {
		return err
	}
	seen, err := s.store.Looked(ctx, s.agent.User.ID, id, now.Add(-seenEvery))
	if err != nil || seen {
		return err
	}
	if err := s.guard.AllowUser(ctx, guard.LooksPerAgent, s.agent.User.ID); err != nil {
		return errors.Join(err, s.tellOfLooks(ctx, guard.LooksPerAgent.Count))
	}
	return asNotFound(s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		noted, err := tx.NoteLook(ctx, s.agent.User.ID, id, now.Add(-seenEvery), now)
		if err != nil || !noted { // by another request, a moment ago
			return err
		}
		return s.audit.Record(ctx, tx, s.by(account.EventUserSeen, id, now))
	}))
}

// names counts people whom a list names to an agent who may not export them by
// themselves: without an end, page after page would be an export that nobody has
// to give a reason for, or approve. It returns [account.ThrottledFor] to who has
// seen too many in an hour; then the owners are told.
func (s *Service) names(ctx context.Context, n int) error {
	if s.agent == nil || s.agent.Role.May(account.ExportUsers) && !s.o.TwoPersons {
		return nil
	}
	if err := s.guard.AllowMany(ctx, guard.ListedPerAgent, s.agent.User.ID, n); err != nil {
		return errors.Join(err, s.tellOfLooks(ctx, guard.ListedPerAgent.Count))
	}
	return nil
}

// Named returns those of the users with these ids who are there, whom a page
// names beside something else: they count as those of a list do.
func (s *Service) Named(ctx context.Context, ids []int64) (map[int64]account.User, error) {
	if err := s.names(ctx, len(ids)); err != nil {
		return nil, err
	}
	users := make(map[int64]account.User, len(ids))
	for _, id := range ids {
		switch u, err := s.store.UserByID(ctx, id); {
		case err == nil:
			users[id] = u
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return users, nil
}

// tellOfLooks tells the owners that an agent looks at more than so many people,
// once an hour.
func (s *Service) tellOfLooks(ctx context.Context, most int) error {
	if s.guard.AllowUser(ctx, guard.LooksWarning, s.agent.User.ID) != nil {
		return nil
	}
	s.o.Log.WarnContext(ctx, "somebody of the staff looks at very many people", "user_id", s.agent.User.ID)
	members, err := s.store.StaffMembers(ctx)
	if err != nil {
		return err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		for _, m := range members {
			if m.Role != account.Owner || !m.Counts() {
				continue
			}
			u, err := tx.UserByID(ctx, m.UserID)
			if err != nil {
				return err
			}
			err = s.accounts.TellOwners(ctx, tx, u, account.Mail{
				Kind: account.MailStaffLooks, CreatedAt: s.now(), Details: account.MailDetails{Agent: s.agent.User.ID, Count: most},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	s.accounts.Wake()
	return err
}
