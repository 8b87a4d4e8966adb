package authtest

import (
	"context"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

// Employs registers somebody of the staff, whose role counts, and returns them
// in a session in which they have shown a second factor.
func (s *Server) Employs(t *testing.T, username string, role account.Role) *auth.Caller {
	t.Helper()
	g := s.SignUp(t, username)
	s.Prove(t, g)
	s.Enrols(t, s.CallerOf(t, g))
	s.Gives(t, g.User.ID, role)
	return s.CallerOf(t, g)
}

// Gives has a user have a role that counts.
func (s *Server) Gives(t *testing.T, userID int64, role account.Role) {
	t.Helper()
	now := s.Clock.Now()
	Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		u, err := tx.UserByID(ctx, userID)
		if err != nil {
			return err
		}
		return tx.SetStaff(ctx, account.StaffMember{UserID: userID, Role: role, GivenAt: u.JoinedAt, AcceptedAt: now})
	})
}

// AgentOf is one of the staff at work.
func (s *Server) AgentOf(t *testing.T, c *auth.Caller) *staff.Agent {
	t.Helper()
	a, err := s.Staff.Agent(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
