package staff

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
)

// How long staff may work in a session: so long after they showed all that is
// asked of them, and so long without doing anything (ASVS 7.3.1, 7.3.2).
const (
	MaxAge  = 12 * time.Hour
	MaxIdle = 30 * time.Minute
)

// seenPrecision is how old the note of a session's last use may grow before
// it is written anew: a page of ten requests writes once.
const seenPrecision = time.Minute

// Agent is somebody of the staff at work.
type Agent struct {
	User      account.User
	Role      account.Role
	SessionID string
	Request   account.RequestInfo
}

// Agent returns who of the staff a caller is. It is asked at each request, of
// the database, so that a role that was taken is gone at once (ASVS 8.3.2). It
// returns [account.ErrPermissionDenied] for everybody who is none, and
// [account.ErrStaffLogin] for staff in a session that was not opened here with
// a second factor, is a trusted device's, is too old, or was opened before the
// role was offered, perhaps with a token of Django's.
func (s *Service) Agent(ctx context.Context, caller *auth.Caller) (*Agent, error) {
	m, err := s.store.StaffMember(ctx, caller.User.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, account.ErrPermissionDenied
	case err != nil:
		return nil, err
	case !m.Counts():
		return nil, account.ErrPermissionDenied
	case caller.SessionID == "" || !account.HasAMR(caller.AMR, account.AMRMultiple):
		return nil, account.ErrStaffLogin
	}
	now := s.now()
	if now.Sub(caller.ProvedAt) >= MaxAge || caller.OpenedAt.Before(m.GivenAt) {
		return nil, account.ErrStaffLogin
	}
	seen, err := s.store.StaffSeen(ctx, caller.SessionID)
	if err != nil {
		return nil, err
	}
	if seen.Before(caller.ProvedAt) {
		seen = caller.ProvedAt
	}
	if now.Sub(seen) >= MaxIdle {
		return nil, account.ErrStaffLogin
	}
	if now.Sub(seen) >= seenPrecision {
		err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.SeeStaff(ctx, caller.SessionID, now) })
		if err != nil {
			return nil, err
		}
	}
	return &Agent{User: caller.User, Role: m.Role, SessionID: caller.SessionID, Request: caller.Request}, nil
}

// May returns nil, or [account.ErrPermissionDenied] with an event: somebody of
// the staff tried what their role may not.
func (s *Service) May(ctx context.Context, agent *Agent, p account.Permission) error {
	if agent.Role.May(p) {
		return nil
	}
	return errors.Join(account.ErrPermissionDenied, s.As(agent).refused(ctx, p))
}

// AtWork returns [account.ErrStaffLogin] for an agent whose role is another by
// now, whose account is not active any more or whose session has ended: an act
// on many, or a file of many, takes longer than a request should after that.
func (s *Service) AtWork(ctx context.Context) error { return s.atWork(ctx, s.store) }

func (s *Service) atWork(ctx context.Context, st *store.Store) error {
	if s.agent == nil {
		return nil
	}
	role, err := st.StaffAtWork(ctx, s.agent.User.ID, s.agent.SessionID)
	if errors.Is(err, store.ErrNotFound) || err == nil && role != s.agent.Role {
		err = account.ErrStaffLogin
	}
	return err
}

// As returns a Service whose acts are an agent's: events name them.
func (s *Service) As(agent *Agent) *Service {
	as := *s
	as.agent = agent
	return &as
}

// byOperator is what whoever uses this Service does to what is nobody's account:
// an agent, or somebody by a command.
func (s *Service) byOperator(kind account.EventKind, details account.EventDetails, at time.Time) audit.Entry {
	if s.agent == nil {
		return s.audit.ByOperator(kind, details, at)
	}
	e := s.by(kind, 0, at)
	details.Agent = e.Details.Agent
	e.Details = details
	return e
}

// by is what whoever uses this Service does to a user: an agent, or somebody
// by a command. The user may see that the staff did it, and from which request;
// not from where.
func (s *Service) by(kind account.EventKind, userID int64, at time.Time) audit.Entry {
	e := s.audit.ByStaff(kind, userID, at)
	if s.agent != nil {
		e.Request.RequestID = s.agent.Request.RequestID
		e.Details = account.EventDetails{Agent: s.agent.User.ID}
	}
	return e
}
