package staff

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
)

func parseID(value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}

// Member is somebody of the staff.
type Member struct {
	account.StaffMember
	User account.User
}

// Members returns everybody who has a role, the first given first.
func (s *Service) Members(ctx context.Context) ([]Member, error) {
	all, err := s.store.StaffMembers(ctx)
	if err != nil {
		return nil, err
	}
	members := make([]Member, 0, len(all))
	for _, m := range all {
		u, err := s.store.UserByID(ctx, m.UserID)
		if errors.Is(err, store.ErrNotFound) { // erased since
			continue
		}
		if err != nil {
			return nil, err
		}
		members = append(members, Member{m, u})
	}
	return members, nil
}

// Member returns one of the staff, or [account.ErrNotFound].
func (s *Service) Member(ctx context.Context, id int64) (Member, error) {
	m, err := s.store.StaffMember(ctx, id)
	if err != nil {
		return Member{}, asNotFound(err)
	}
	u, err := s.User(ctx, id)
	return Member{m, u}, err
}

// CheckRole reads the name of a role. An error is about the field "role".
func CheckRole(name string) (account.Role, error) {
	role, err := ReadRole(account.TextInput(name))
	if role == "" && err == nil {
		err = account.FieldError("role", "field.choice", nil)
	}
	return role, err
}

// Offer offers a role to a user, who is mailed the link to accept it at the
// address that they have proved; or offers it again, in place of one that is
// suspended or was not accepted. It returns [account.ErrRoleOver] for one that
// counts, and an error about the field "email" where no address is proved.
func (s *Service) Offer(ctx context.Context, id int64, role account.Role) error {
	_, err := s.offer(ctx, id, role, false)
	return err
}

// OfferByLink is Offer for whoever hands the link over, where no mail reaches
// people: a command. It returns the link.
func (s *Service) OfferByLink(ctx context.Context, id int64, role account.Role) (string, error) {
	return s.offer(ctx, id, role, true)
}

func (s *Service) offer(ctx context.Context, id int64, role account.Role, byLink bool) (link string, err error) {
	if err := s.mayManageStaff(ctx); err != nil {
		return "", err
	}
	err = s.act(ctx, id, "", func(ctx context.Context, tx *store.Store, u account.User, do doing) error {
		link, err = s.offerIn(ctx, tx, u, role, byLink, do)
		return err
	})
	return link, err
}

// mayManageStaff is asked before an agent does anything about roles.
func (s *Service) mayManageStaff(ctx context.Context) error {
	if s.agent == nil {
		return nil
	}
	return s.May(ctx, s.agent, account.ManageStaff)
}

// offerIn is Offer within an act, and OfferByLink.
func (s *Service) offerIn(ctx context.Context, tx *store.Store, u account.User, role account.Role, byLink bool, do doing) (link string, err error) {
	if err := tx.LockUser(ctx, u.ID); err != nil {
		return "", err
	}
	switch {
	case !u.Active:
		return "", ErrNotActive
	case u.EmailVerifiedAt.IsZero() && hasPassword(u):
		return "", account.FieldError("email", "email.unproved", nil)
	}
	m, err := tx.StaffMember(ctx, u.ID)
	if err == nil && m.Counts() {
		return "", account.ErrRoleOver
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	// Who may act on a client may not on the staff: nothing that they began goes on.
	err = s.accounts.StopRecovery(ctx, tx, u, account.StoppedByStaff, do.entry(account.EventRecoveryStopped))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	m = account.StaffMember{UserID: u.ID, Role: role, GivenBy: s.agentID(), GivenAt: do.at}
	if err := tx.SetStaff(ctx, m); err != nil {
		return "", err
	}
	e := do.entry(account.EventRoleGiven)
	e.Details.Role = role
	if err := s.audit.Record(ctx, tx, e); err != nil {
		return "", err
	}
	if byLink {
		return s.accounts.RoleLink(ctx, tx, u, do.at)
	}
	return "", s.accounts.MailRole(ctx, tx, u, role, do.at)
}

func (s *Service) agentID() int64 {
	if s.agent == nil {
		return 0
	}
	return s.agent.User.ID
}

// InviteMember offers a role to whoever has an address: who has proved it, or
// somebody new, who chooses a password by the same link. It returns an error
// about the field "email" where an account claims the address and has not
// proved it.
func (s *Service) InviteMember(ctx context.Context, in auth.Invited, role account.Role, language string) (account.User, error) {
	if err := s.mayManageStaff(ctx); err != nil {
		return account.User{}, err
	}
	u, err := s.memberToBe(ctx, in, language)
	if err != nil {
		return u, err
	}
	err = s.makeMember(ctx, &u, func(ctx context.Context, tx *store.Store, do doing) error {
		_, err := s.offerIn(ctx, tx, u, role, false, do)
		return err
	})
	return u, err
}

// makeMember does something to who is to be of the staff, in the transaction in
// which their account is made where they are new: nobody is left with an
// account and no role.
func (s *Service) makeMember(ctx context.Context, u *account.User, fn func(ctx context.Context, tx *store.Store, do doing) error) error {
	if u.ID != 0 {
		return s.act(ctx, u.ID, "", func(ctx context.Context, tx *store.Store, now account.User, do doing) error {
			*u = now
			return fn(ctx, tx, do)
		})
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.createIn(ctx, tx, u); err != nil {
			return err
		}
		return fn(ctx, tx, doing{s, u.ID, "", s.now()})
	})
	if err != nil {
		u.ID = 0 // nobody's
		return err
	}
	s.accounts.Wake()
	return nil
}

// memberToBe is who has proved an address, or somebody new, who is not stored
// yet and has no id.
func (s *Service) memberToBe(ctx context.Context, in auth.Invited, language string) (account.User, error) {
	if in.Email.State == account.Given {
		email, err := auth.CheckEmail(in.Email.Text)
		if err != nil {
			return account.User{}, err
		}
		u, err := s.store.Prover(ctx, email, 0)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return u, err
		}
	}
	return s.accounts.NewInvited(ctx, in, language)
}

// ErrOwner says that there is an owner already, who invites others.
var ErrOwner error = &conflict{"there is an owner already, who can invite others; \"yoozak user role\" gives a role from here", account.ErrRoleOver}

// HasOwner reports whether there is an owner whose role counts.
func (s *Service) HasOwner(ctx context.Context) (bool, error) {
	n, err := s.store.CountOwners(ctx, 0)
	return n > 0, err
}

// HasUsers reports whether anybody has an account.
func (s *Service) HasUsers(ctx context.Context) (bool, error) {
	page, err := s.store.ListUsers(ctx, store.UserFilter{}, store.ByID, "", 1)
	return len(page.Users) > 0, err
}

// FirstOwner offers the role of the owner to whoever has an address, while
// there is none; or offers it again, because links get lost. Where no mail
// reaches people it returns the link, for whoever asks for it at the terminal.
func (s *Service) FirstOwner(ctx context.Context, email, language string) (link string, err error) {
	if there, err := s.HasOwner(ctx); err != nil || there {
		return "", errors.Join(err, ErrOwner)
	}
	u, err := s.unused(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		u, err = s.memberToBe(ctx, auth.Invited{Email: account.TextInput(email)}, language)
	}
	if err != nil {
		return "", err
	}
	err = s.makeMember(ctx, &u, func(ctx context.Context, tx *store.Store, do doing) error {
		if err := s.forgetOffers(ctx, tx, u.ID, do); err != nil {
			return err
		}
		link, err = s.offerIn(ctx, tx, u, account.Owner, !s.accounts.Delivers(), do)
		return err
	})
	return link, err
}

// unused finds the account that was made for an address and that nobody has
// opened yet: it has no password, and nobody has proved the address. It returns
// [store.ErrNotFound] where there is none.
func (s *Service) unused(ctx context.Context, email string) (account.User, error) {
	email, err := auth.CheckEmail(email) // "" is that of many
	if err != nil {
		return account.User{}, err
	}
	known, err := s.store.UsersByEmail(ctx, email, 2)
	if err != nil {
		return account.User{}, err
	}
	if len(known) != 1 || hasPassword(known[0]) || !known[0].EmailVerifiedAt.IsZero() {
		return account.User{}, store.ErrNotFound
	}
	return known[0], nil
}

// forgetOffers takes back what was offered to other first owners: there is to
// be one.
func (s *Service) forgetOffers(ctx context.Context, tx *store.Store, but int64, do doing) error {
	members, err := tx.StaffMembers(ctx)
	if err != nil {
		return err
	}
	members = slices.DeleteFunc(members, func(m account.StaffMember) bool {
		return m.Role != account.Owner || !m.AcceptedAt.IsZero() || m.UserID == but
	})
	ids := []int64{but}
	for _, m := range members {
		ids = append(ids, m.UserID)
	}
	for _, id := range slices.Sorted(slices.Values(ids)) { // in one order, so that two do not wait for one another
		if err := tx.LockUser(ctx, id); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	for _, m := range members {
		m, err := tx.StaffMember(ctx, m.UserID)
		switch {
		case errors.Is(err, store.ErrNotFound): // taken since
			continue
		case err != nil:
			return err
		case m.Counts(): // accepted since
			return ErrOwner
		}
		do.userID = m.UserID
		if err := s.takeIn(ctx, tx, m, do); err != nil {
			return err
		}
	}
	return nil
}

// Change gives one of the staff another role. One that counts goes on to; one
// that waits is for the role that was changed. Nobody changes their own, and
// the last owner stays.
func (s *Service) Change(ctx context.Context, id int64, role account.Role, reason string) error {
	return s.member(ctx, id, reason, func(ctx context.Context, tx *store.Store, m account.StaffMember, do doing) error {
		if role != account.Owner {
			if err := s.accounts.NotLastOwner(ctx, tx, id); err != nil {
				return err
			}
		}
		m.Role, m.GivenBy = role, s.agentID()
		if err := tx.SetStaff(ctx, m); err != nil {
			return err
		}
		if !role.May(account.DecideApprovals) {
			if err := tx.DeleteApprovalsOf(ctx, id); err != nil {
				return err
			}
		}
		e := do.entry(account.EventRoleGiven)
		e.Details.Role = role
		return s.audit.Record(ctx, tx, e)
	})
}

// Take takes a role: at once, with the sessions in which it was used. Nobody
// takes their own, and the last owner stays.
func (s *Service) Take(ctx context.Context, id int64, reason string) error {
	return s.member(ctx, id, reason, func(ctx context.Context, tx *store.Store, m account.StaffMember, do doing) error {
		return s.takeIn(ctx, tx, m, do)
	})
}

// takeIn is Take within an act.
func (s *Service) takeIn(ctx context.Context, tx *store.Store, m account.StaffMember, do doing) error {
	if err := s.accounts.NotLastOwner(ctx, tx, m.UserID); err != nil {
		return err
	}
	if err := tx.DeleteStaff(ctx, m.UserID); err != nil {
		return err
	}
	if err := tx.DeleteApprovalsOf(ctx, m.UserID); err != nil {
		return err
	}
	if err := s.accounts.EndRole(ctx, tx, m.UserID, do.at); err != nil {
		return err
	}
	e := do.entry(account.EventRoleTaken)
	e.Details.Role = m.Role
	return s.audit.Record(ctx, tx, e)
}

// member does something about the role of one of the staff. Only owners and
// commands do.
func (s *Service) member(ctx context.Context, id int64, reason string, fn func(ctx context.Context, tx *store.Store, m account.StaffMember, do doing) error) error {
	reason, err := checkReason(reason, mayGiveReason)
	if err != nil {
		return err
	}
	return s.act(ctx, id, reason, func(ctx context.Context, tx *store.Store, _ account.User, do doing) error {
		if err := tx.LockUser(ctx, id); err != nil {
			return err
		}
		m, err := tx.StaffMember(ctx, id)
		if err != nil {
			return asNotFound(err)
		}
		return fn(ctx, tx, m, do)
	})
}

// OfferToDjangosStaff offers roles to who were staff in Django: superusers are
// to be owners, others support. Only a command does: a flag of another system
// opens nothing by itself. It returns whom it offered one, and who has no
// proved address.
func (s *Service) OfferToDjangosStaff(ctx context.Context) (offered, left []account.User, err error) {
	for after := int64(0); ; {
		users, err := s.store.Users(ctx, after, 500)
		if err != nil || len(users) == 0 {
			return offered, left, err
		}
		for _, u := range users {
			after = u.ID
			if !u.Staff && !u.Superuser || !u.Active {
				continue
			}
			role := account.Support
			if u.Superuser {
				role = account.Owner
			}
			err := s.Offer(ctx, u.ID, role)
			var refused *account.Error
			switch {
			case err == nil:
				offered = append(offered, u)
			case errors.Is(err, account.ErrRoleOver):
			case errors.As(err, &refused) && refused.Kind == account.Invalid:
				left = append(left, u)
			default:
				return offered, left, err
			}
		}
	}
}
