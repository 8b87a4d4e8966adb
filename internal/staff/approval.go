package staff

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// What two persons have to want: one asks, another of the staff approves, and
// then the first may do it, once. Whom it is about is written down when it is
// asked for; what is done is what was approved. It is void after a day, and when
// either loses the role, or the account is disabled, closed or given back: the
// row is deleted in the transaction of that, so that it does not come back.

// approvalLifetime is how long an approval waits, and may be used.
const approvalLifetime = 24 * time.Hour

// MostFrozen is about how many users one approval may be.
const MostFrozen = 100_000

// MostAsked is how much of one person's may wait: lists show what is newest, and
// must have room for what others ask.
const MostAsked = 50

// NeedsSecond reports whether an act that can need two persons does: for
// agents, where that is set.
func (s *Service) NeedsSecond() bool { return s.agent != nil && s.o.TwoPersons }

// ask writes down what waits for a second person. It returns
// [account.ThrottledFor] where [MostAsked] wait.
func (s *Service) ask(ctx context.Context, act account.ApprovalAct, users []int64, format, reason string) (*account.Approval, error) {
	now := s.now()
	a := account.Approval{
		ID: token.NewID(), Act: act, Users: users, Count: len(users), Format: format, Reason: reason,
		AskedBy: s.agent.User.ID, AskedAt: now, ExpiresAt: now.Add(approvalLifetime),
	}
	refused := false
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		err := hold(ctx, tx, needed{a.AskedBy: act.Needs()})
		if errors.Is(err, store.ErrNotFound) {
			err = account.ErrPermissionDenied
		}
		if err != nil {
			return err
		}
		ends, err := tx.AskedApprovals(ctx, a.AskedBy, now)
		if err == nil && len(ends) >= MostAsked {
			err = account.ThrottledFor(ends[0].Sub(now))
		}
		if err != nil {
			return err
		}
		if act == account.ApproveErase {
			for _, id := range users {
				if _, err := tx.UserByID(ctx, id); err != nil {
					return err
				}
				err := s.mayTouch(ctx, tx, id)
				if refused = errors.Is(err, errOfStaff); err != nil {
					return err
				}
			}
		}
		if err := tx.CreateApproval(ctx, a); err != nil {
			return err
		}
		e := s.by(account.EventApprovalAsked, 0, now)
		e.Details.Approval, e.Details.Count, e.Reason = a.ID, len(users), reason
		return s.audit.Record(ctx, tx, e)
	})
	if refused {
		return nil, errors.Join(account.ErrPermissionDenied, s.refused(ctx, account.ManageStaff))
	}
	if err != nil {
		return nil, asUserNotFound(err)
	}
	return &a, nil
}

// needed is what some of the staff have to be allowed.
type needed map[int64]account.Permission

// hold keeps the parts of some of the staff from ending until the transaction
// does: whatever ends one waits, and then deletes what they asked for or
// approved. It returns [store.ErrNotFound] where one has ended, or does not
// allow what is needed.
func hold(ctx context.Context, tx *store.Store, agents needed) error {
	for _, id := range slices.Sorted(maps.Keys(agents)) { // in one order, so that two do not wait for one another
		if err := tx.HoldUser(ctx, id); err != nil {
			return err
		}
		m, err := tx.StaffMember(ctx, id)
		if err == nil && (!m.Counts() || !m.Role.May(agents[id])) {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Approvals returns what waits for a second person, or waited lately, the
// newest first, each with the first of those whom it is about.
func (s *Service) Approvals(ctx context.Context) ([]account.Approval, error) {
	return s.store.Approvals(ctx, 200)
}

// Approval returns one of them, or [account.ErrNotFound].
func (s *Service) Approval(ctx context.Context, id string) (account.Approval, error) {
	a, err := s.store.Approval(ctx, id)
	return a, asNotFound(err)
}

// Decide approves or refuses what another person of the staff asked for. It
// returns [account.ErrPermissionDenied] to who asked, and
// [account.ErrApprovalOver] when it does not wait any more.
func (s *Service) Decide(ctx context.Context, id string, approve bool, reason string) (account.Approval, error) {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return account.Approval{}, err
	}
	a, err := s.Approval(ctx, id)
	if err != nil {
		return a, err
	}
	if s.agent == nil || a.AskedBy == s.agent.User.ID {
		return a, errors.Join(account.ErrPermissionDenied, s.refused(ctx, account.DecideApprovals))
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		err := hold(ctx, tx, needed{s.agent.User.ID: account.DecideApprovals})
		if errors.Is(err, store.ErrNotFound) {
			err = account.ErrPermissionDenied
		}
		if err != nil {
			return err
		}
		if err := tx.DecideApproval(ctx, id, s.agent.User.ID, approve, now); err != nil {
			return err
		}
		kind := account.EventApprovalRefused
		if approve {
			kind = account.EventApprovalGiven
		}
		e := s.by(kind, 0, now)
		e.Details.Approval, e.Details.Count, e.Reason = id, a.Count, reason
		return s.audit.Record(ctx, tx, e)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = account.ErrApprovalOver
	}
	if err != nil {
		return a, err
	}
	return s.Approval(ctx, id)
}

// usable returns an approval that the agent asked for.
func (s *Service) usable(ctx context.Context, id string, act account.ApprovalAct) (account.Approval, error) {
	a, err := s.Approval(ctx, id)
	if err != nil {
		return a, err
	}
	if s.agent == nil || a.AskedBy != s.agent.User.ID {
		return a, errors.Join(account.ErrPermissionDenied, s.refused(ctx, account.DecideApprovals))
	}
	if a.Act != act {
		return a, account.ErrNotFound
	}
	return a, nil
}

// use takes an approval that another person gave, in the transaction of what it
// allows: so that is done once, and what could not be done is still approved. Of
// both the role has to allow what they did.
func (s *Service) use(ctx context.Context, tx *store.Store, a account.Approval) error {
	if a.DecidedBy == 0 || a.DecidedBy == a.AskedBy {
		return account.ErrApprovalOver
	}
	err := hold(ctx, tx, needed{a.AskedBy: a.Act.Needs(), a.DecidedBy: account.DecideApprovals})
	if err == nil {
		err = tx.UseApproval(ctx, a.ID, s.now())
	}
	if errors.Is(err, store.ErrNotFound) {
		err = account.ErrApprovalOver
	}
	return err
}

// EraseApproved erases whom an approval is about.
func (s *Service) EraseApproved(ctx context.Context, id string) error {
	a, err := s.usable(ctx, id, account.ApproveErase)
	if err != nil {
		return err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.use(ctx, tx, a); err != nil {
			return err
		}
		for _, userID := range a.Users {
			u, err := tx.UserByID(ctx, userID)
			if err == nil {
				err = s.mayTouch(ctx, tx, userID)
			}
			if err == nil {
				e := doing{s, userID, a.Reason, s.now()}.entry(account.EventAccountErased)
				e.Details.Approval, e.Details.Second = a.ID, a.DecidedBy
				err = s.accounts.Erase(ctx, tx, u, e)
			}
			if err != nil && !errors.Is(err, store.ErrNotFound) { // nobody: erased meanwhile
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.accounts.Wake()
	}
	return s.asRefused(ctx, err)
}
