package api

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
)

// Where the staff's part of the API is.
const (
	usersPath = "/api/clients/clients/"
	userPath  = usersPath + "{id}/"
	staffPath = "/api/clients/staff/"
)

// userID reads the id of a path. What is no number is nobody's.
func userID(in account.Input) (int64, error) {
	id, err := strconv.ParseInt(in.Text, 10, 64)
	if err != nil || id < 1 {
		return 0, account.ErrNotFound
	}
	return id, nil
}

// staffUserBody is a person as staff see them in lists.
type staffUserBody struct {
	userBody
	State           string  `json:"state"`
	Active          bool    `json:"is_active"`
	Staff           bool    `json:"is_staff"`
	Role            *string `json:"role"`
	Language        string  `json:"language"`
	EmailVerifiedAt *string `json:"email_verified_at"`
	JoinedAt        string  `json:"date_joined"`
	LastLoginAt     *string `json:"last_login"`
	ClosedAt        *string `json:"closed_at"`
	Version         string  `json:"version"` // of what may be edited, and what waits
}

func newStaffUserBody(u account.User, m *account.StaffMember, waits account.Recovery) staffUserBody {
	b := staffUserBody{
		userBody: newUserBody(u), State: string(u.State()), Active: u.Active, Staff: m != nil, Language: u.Language,
		EmailVerifiedAt: formatTimeOrNull(u.EmailVerifiedAt), JoinedAt: formatTime(u.JoinedAt), LastLoginAt: formatTimeOrNull(u.LastLoginAt),
		ClosedAt: formatTimeOrNull(u.ClosedAt), Version: auth.Version(u, waits),
	}
	if m != nil {
		role := string(m.Role)
		b.Role = &role
	}
	return b
}

// seenUserBody is one person, looked at.
type seenUserBody struct {
	staffUserBody
	HasPassword     bool          `json:"has_password"`
	Sessions        int           `json:"sessions"`
	SessionUsedAt   *string       `json:"session_used_at"`
	RestorableUntil *string       `json:"restorable_until"`
	FormerUsernames []string      `json:"former_usernames"`
	LoginPossible   bool          `json:"login_possible"`
	Findings        []findingBody `json:"findings"`
}

// findingBody is what the diagnosis tells.
type findingBody struct {
	Kind   string  `json:"kind"`
	Blocks bool    `json:"blocks_login"`
	At     *string `json:"at"`
	Until  *string `json:"until"`
	Agent  *int64  `json:"agent"` // who of the staff did it
	Reason string  `json:"reason"`
	Email  string  `json:"email"` // the address that waits
	Users  []int64 `json:"users"` // who claim the same address
}

func newFindingBodies(all []staff.Finding) []findingBody {
	bodies := make([]findingBody, 0, len(all))
	for _, f := range all {
		b := findingBody{Kind: string(f.Kind), Blocks: f.Blocks, At: formatTimeOrNull(f.At), Until: formatTimeOrNull(f.Until), Agent: idOrNull(f.By), Reason: f.Reason, Email: f.Email, Users: []int64{}}
		for _, u := range f.Others {
			b.Users = append(b.Users, u.ID)
		}
		bodies = append(bodies, b)
	}
	return bodies
}

// usersQuery is a search, in an address.
type usersQuery struct {
	Search          account.Input `query:"search"`
	IsActive        account.Input `query:"is_active"`
	Verified        account.Input `query:"verified"`
	IsStaff         account.Input `query:"is_staff"`
	Language        account.Input `query:"language"`
	JoinedAfter     account.Input `query:"date_joined_after"`
	JoinedBefore    account.Input `query:"date_joined_before"`
	LastLoginAfter  account.Input `query:"last_login_after"`
	LastLoginBefore account.Input `query:"last_login_before"`
	Ordering        account.Input `query:"ordering"`
	Cursor          account.Input `query:"cursor"`
	PageSize        account.Input `query:"page_size"`
}

// usersBody is a page of a list as Django REST Framework has it.
type usersBody struct {
	Count     int64           `json:"count"`
	Estimated bool            `json:"count_estimated,omitempty"`
	Next      *string         `json:"next"`
	Previous  *string         `json:"previous"`
	Results   []staffUserBody `json:"results"`
}

func (s *Server) listUsers(ctx context.Context, a *staff.Agent, in *usersQuery) (usersBody, error) {
	page, err := s.as(a).List(ctx, staff.Query{
		Search: in.Search, IsActive: in.IsActive, Verified: in.Verified, IsStaff: in.IsStaff, Language: in.Language,
		JoinedAfter: in.JoinedAfter, JoinedBefore: in.JoinedBefore, LastLoginAfter: in.LastLoginAfter, LastLoginBefore: in.LastLoginBefore,
		Ordering: in.Ordering, Cursor: in.Cursor, PageSize: in.PageSize,
	})
	if err != nil {
		return usersBody{}, err
	}
	body := usersBody{Count: page.Count, Estimated: page.Estimated, Results: make([]staffUserBody, 0, len(page.Users))}
	body.Next, body.Previous = s.pageLink(in, page.Next), s.pageLink(in, page.Previous)
	for _, u := range page.Users {
		var role *account.StaffMember
		if m, ok := page.Roles[u.ID]; ok {
			role = &m
		}
		body.Results = append(body.Results, newStaffUserBody(u, role, page.Waits[u.ID]))
	}
	return body, nil
}

// pageLink is the address of another page of the same list.
func (s *Server) pageLink(in *usersQuery, cursor string) *string {
	if cursor == "" {
		return nil
	}
	q := url.Values{"cursor": {cursor}}
	for name, in := range map[string]account.Input{
		"search": in.Search, "is_active": in.IsActive, "verified": in.Verified, "is_staff": in.IsStaff, "language": in.Language,
		"date_joined_after": in.JoinedAfter, "date_joined_before": in.JoinedBefore,
		"last_login_after": in.LastLoginAfter, "last_login_before": in.LastLoginBefore, "ordering": in.Ordering, "page_size": in.PageSize,
	} {
		if in.State == account.Given && in.Text != "" {
			q.Set(name, in.Text)
		}
	}
	link := s.o.PublicURL + usersPath + "?" + q.Encode()
	return &link
}

// as is what an agent may do.
func (s *Server) as(a *staff.Agent) *staff.Service { return s.o.Staff.As(a) }

type inviteRequest struct {
	Email     account.Input `json:"email"`
	FirstName account.Input `json:"first_name"`
	LastName  account.Input `json:"last_name"`
	Language  account.Input `json:"language"`
	Username  account.Input `json:"username"`
}

func (in inviteRequest) invited() auth.Invited {
	return auth.Invited{Email: in.Email, FirstName: in.FirstName, LastName: in.LastName, Language: in.Language, Username: in.Username}
}

func (s *Server) inviteUser(ctx context.Context, a *staff.Agent, in *inviteRequest) (staffUserBody, error) {
	u, err := s.as(a).Invite(ctx, in.invited(), a.Request.Language)
	return newStaffUserBody(u, nil, account.Recovery{}), err
}

type userRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) seeUser(ctx context.Context, a *staff.Agent, in *userRequest) (seenUserBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return seenUserBody{}, err
	}
	v, err := s.as(a).See(ctx, id)
	if err != nil {
		return seenUserBody{}, err
	}
	d, err := s.as(a).Diagnose(ctx, id)
	if err != nil {
		return seenUserBody{}, err
	}
	r, err := s.as(a).Correction(ctx, id)
	if err != nil {
		return seenUserBody{}, err
	}
	body := seenUserBody{
		staffUserBody: newStaffUserBody(v.User, v.Role, r), HasPassword: v.HasPassword, Sessions: v.Sessions,
		SessionUsedAt: formatTimeOrNull(v.SessionUsedAt), RestorableUntil: formatTimeOrNull(v.RestorableUntil), FormerUsernames: []string{},
		LoginPossible: d.Possible, Findings: newFindingBodies(d.Findings),
	}
	for _, name := range v.Usernames {
		body.FormerUsernames = append(body.FormerUsernames, name.Username)
	}
	return body, nil
}

type editRequest struct {
	ID        account.Input `path:"id"`
	Version   account.Input `json:"version"`
	FirstName account.Input `json:"first_name"`
	LastName  account.Input `json:"last_name"`
	Email     account.Input `json:"email"`
	Language  account.Input `json:"language"`
}

// editedUserBody says from when on another address can be theirs that waits;
// null: none waits.
type editedUserBody struct {
	staffUserBody
	ReadyAt *string `json:"recovery_ready_at"`
}

func (s *Server) editUser(ctx context.Context, a *staff.Agent, in *editRequest) (editedUserBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return editedUserBody{}, err
	}
	svc := s.as(a)
	u, err := svc.Edit(ctx, id, auth.UserEdit{Version: in.Version, FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, Language: in.Language})
	if err != nil {
		return editedUserBody{}, asGone(err)
	}
	var role *account.StaffMember
	m, err := svc.Member(ctx, id)
	switch {
	case err == nil:
		role = &m.StaffMember
	case !errors.Is(err, account.ErrNotFound):
		return editedUserBody{}, err
	}
	r, err := svc.Correction(ctx, id)
	return editedUserBody{newStaffUserBody(u, role, r), formatTimeOrNull(r.ReadyAt)}, err
}

// asGone says of a path whose user is not there what it is.
func asGone(err error) error {
	if errors.Is(err, account.ErrUserNotFound) {
		return account.ErrNotFound
	}
	return err
}

type actRequest struct {
	ID     account.Input `path:"id"`
	Reason account.Input `json:"reason"`
}

// act does something to a user.
func (s *Server) act(a *staff.Agent, in *actRequest, do func(svc *staff.Service, id int64, reason string) error) (emptyBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return emptyBody{}, err
	}
	reason, err := staff.ReadReason(in.Reason)
	if err != nil {
		return emptyBody{}, err
	}
	return emptyBody{}, asGone(do(s.as(a), id, reason))
}

func (s *Server) disableUser(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.Disable(ctx, id, reason) })
}

func (s *Server) enableUser(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.Enable(ctx, id, reason) })
}

func (s *Server) closeUser(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.Close(ctx, id, reason) })
}

func (s *Server) restoreUser(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.Restore(ctx, id, reason) })
}

func (s *Server) unlockUser(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.Unlock(ctx, id, reason) })
}

func (s *Server) stopUserRecovery(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.StopRecovery(ctx, id, reason) })
}

// erasedBody says that it was done at once.
type erasedBody struct {
	Erased bool `json:"erased"`
}

func (s *Server) eraseUser(ctx context.Context, a *staff.Agent, in *actRequest) (any, error) {
	var waits *account.Approval
	_, err := s.act(a, in, func(svc *staff.Service, id int64, reason string) (err error) {
		waits, err = svc.Erase(ctx, id, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	if waits != nil {
		return newApprovalBody(*waits), nil
	}
	return erasedBody{true}, nil
}

type endedBody struct {
	Ended int `json:"ended"`
}

func (s *Server) endUserSessions(ctx context.Context, a *staff.Agent, in *actRequest) (endedBody, error) {
	n := 0
	_, err := s.act(a, in, func(svc *staff.Service, id int64, reason string) (err error) {
		n, err = svc.EndSessions(ctx, id, reason)
		return err
	})
	return endedBody{n}, err
}

type dueBody struct {
	DueAt string `json:"due_at"` // of the mail: later than now where its mailbox had many
}

func (s *Server) resetUser(ctx context.Context, a *staff.Agent, in *actRequest) (dueBody, error) {
	var body dueBody
	_, err := s.act(a, in, func(svc *staff.Service, id int64, reason string) error {
		due, err := svc.StartReset(ctx, id, reason)
		body.DueAt = formatTime(due)
		return err
	})
	return body, err
}

func (s *Server) resendToUser(ctx context.Context, a *staff.Agent, in *actRequest) (dueBody, error) {
	var body dueBody
	_, err := s.act(a, in, func(svc *staff.Service, id int64, reason string) error {
		due, err := svc.ResendVerification(ctx, id, reason)
		body.DueAt = formatTime(due)
		return err
	})
	return body, err
}

type recoverRequest struct {
	ID     account.Input `path:"id"`
	Email  account.Input `json:"email"`
	Reason account.Input `json:"reason"`
}

// recoveredBody says from when on a recovery that waits can be finished; null:
// it was done at once.
type recoveredBody struct {
	ReadyAt *string `json:"recovery_ready_at"`
}

func (s *Server) recoverUser(ctx context.Context, a *staff.Agent, in *recoverRequest) (recoveredBody, error) {
	var body recoveredBody
	_, err := s.act(a, &actRequest{in.ID, in.Reason}, func(svc *staff.Service, id int64, reason string) error {
		if in.Email.State == account.Null || in.Email.State == account.NotText {
			return account.FieldError("email", "email.invalid", nil)
		}
		if err := svc.Recover(ctx, id, in.Email.Text, reason); err != nil {
			return err
		}
		r, err := svc.Recovery(ctx, id)
		if errors.Is(err, account.ErrNotFound) {
			return nil
		}
		body.ReadyAt = formatTimeOrNull(r.ReadyAt)
		return err
	})
	return body, err
}

func (s *Server) userSessions(ctx context.Context, a *staff.Agent, in *userRequest) ([]sessionBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	sessions, err := s.as(a).Sessions(ctx, id)
	return newSessionBodies(a.Request.Language, sessions, a.SessionID), err
}

type userSessionRequest struct {
	ID      account.Input `path:"id"`
	Session account.Input `path:"sid"`
	Reason  account.Input `json:"reason"`
}

func (s *Server) endUserSession(ctx context.Context, a *staff.Agent, in *userSessionRequest) (emptyBody, error) {
	return s.act(a, &actRequest{in.ID, in.Reason}, func(svc *staff.Service, id int64, reason string) error {
		return svc.EndSession(ctx, id, in.Session.Text, reason)
	})
}

func (s *Server) userFactors(ctx context.Context, a *staff.Agent, in *userRequest) (factorsBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return factorsBody{}, err
	}
	factors, left, err := s.as(a).Factors(ctx, id)
	body := factorsBody{Factors: []factorBody{}, RecoveryCodesLeft: left}
	for _, f := range factors {
		body.Factors = append(body.Factors, newFactorBody(f))
	}
	return body, err
}

type noteBody struct {
	ID        int64  `json:"id"`
	Author    *int64 `json:"author"`
	Text      string `json:"text"`
	CreatedAt string `json:"created_at"`
}

func newNoteBody(n account.Note) noteBody {
	return noteBody{ID: n.ID, Author: idOrNull(n.AuthorID), Text: n.Text, CreatedAt: formatTime(n.CreatedAt)}
}

func (s *Server) userNotes(ctx context.Context, a *staff.Agent, in *userRequest) ([]noteBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	notes, err := s.as(a).Notes(ctx, id)
	bodies := make([]noteBody, 0, len(notes))
	for _, n := range notes {
		bodies = append(bodies, newNoteBody(n))
	}
	return bodies, err
}

type noteRequest struct {
	ID   account.Input `path:"id"`
	Text account.Input `json:"text"`
}

func (s *Server) addUserNote(ctx context.Context, a *staff.Agent, in *noteRequest) (noteBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return noteBody{}, err
	}
	n, err := s.as(a).AddNote(ctx, id, in.Text)
	return newNoteBody(n), err
}
