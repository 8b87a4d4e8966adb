package staff

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
)

// needsReason is who has to say why they do something.
type needsReason bool

const (
	mayGiveReason  needsReason = false
	mustGiveReason needsReason = true // agents, and by commands what cannot be undone
)

// checkReason returns a reason without the space around it. An error is about
// the field "reason".
func checkReason(reason string, needs needsReason) (string, error) {
	reason, err := ReadReason(account.TypedInput(reason))
	switch n := readable(reason); {
	case err != nil:
		return "", err
	case reason == "" && needs == mayGiveReason:
	case n < reasonField.Min:
		return "", account.FieldError("reason", "reason.short", account.Args{"min": reasonField.Min})
	case !utf8.ValidString(reason): // of a form or a terminal
		return "", account.FieldError("reason", "field.null_characters", nil)
	}
	return reason, nil
}

// readable counts the characters of a reason that somebody can see: others
// would be no reason.
func readable(text string) (n int) {
	for _, c := range strings.TrimFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) }) {
		if !unicode.Is(unicode.Cf, c) {
			n++
		}
	}
	return n
}

// agentReason is mustGiveReason for agents. Whoever may run commands may leave
// a reason out: that they did it is in the event.
func (s *Service) agentReason() needsReason { return s.agent != nil }

// errOfStaff says that an act is about an account of the staff, on which only
// an owner acts.
var errOfStaff = errors.New("the account is of the staff")

// act does something to a user, in a transaction. Of an account of the staff
// only an owner does, and nobody to themselves: that is refused, and an event.
// It returns [account.ErrStaffLogin] to who is not at work any more.
func (s *Service) act(ctx context.Context, id int64, reason string, fn func(ctx context.Context, tx *store.Store, u account.User, do doing) error) error {
	err := s.tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.atWork(ctx, tx); err != nil {
			return err
		}
		u, err := tx.UserByID(ctx, id)
		if err != nil {
			return err
		}
		if err := s.mayTouch(ctx, tx, id); err != nil {
			return err
		}
		return fn(ctx, tx, u, doing{s, u.ID, reason, s.now()})
	})
	if err == nil {
		s.accounts.Wake()
	}
	return s.asRefused(ctx, err)
}

// asRefused makes errOfStaff what the agent is told, and an event.
func (s *Service) asRefused(ctx context.Context, err error) error {
	if errors.Is(err, errOfStaff) {
		return errors.Join(account.ErrPermissionDenied, s.refused(ctx, account.ManageStaff))
	}
	return err
}

// mayTouch returns errOfStaff where an agent may not act on an account.
func (s *Service) mayTouch(ctx context.Context, st *store.Store, id int64) error {
	if s.agent == nil {
		return nil
	}
	if id == s.agent.User.ID {
		return errOfStaff
	}
	if s.agent.Role.May(account.ManageStaff) {
		return nil
	}
	_, err := st.StaffMember(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return errOfStaff
}

// doing is an act under way.
type doing struct {
	s      *Service
	userID int64
	reason string
	at     time.Time
}

// entry is the act's event.
func (d doing) entry(kind account.EventKind) audit.Entry {
	e := d.s.by(kind, d.userID, d.at)
	e.Reason = d.reason
	return e
}

// refused records that somebody of the staff tried what they may not.
func (s *Service) refused(ctx context.Context, p account.Permission) error {
	e := s.by(account.EventStaffRefused, 0, s.now())
	e.Details.Fields = []string{string(p)}
	changed := func() {}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		changed, err = s.audit.RecordChange(ctx, tx, e)
		return err
	})
	if err == nil {
		changed()
	}
	return err
}
