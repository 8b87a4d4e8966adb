package api

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/staff"
)

// staffEventBody is an event with all that staff may know of it.
type staffEventBody struct {
	ID        int64           `json:"id"`
	At        string          `json:"at"`
	Kind      string          `json:"kind"`
	Actor     string          `json:"actor"`
	User      *int64          `json:"user"`
	Agent     *int64          `json:"agent"`
	IP        string          `json:"ip"`
	Device    string          `json:"device"`
	RequestID string          `json:"request_id"`
	Reason    string          `json:"reason"`
	Number    *int64          `json:"number"` // in the chain
	Details   json.RawMessage `json:"details"`
}

func newStaffEventBody(lang string, e account.Event) staffEventBody {
	b := staffEventBody{
		ID: e.ID, At: formatTime(e.At), Kind: string(e.Kind), Actor: string(e.Actor), IP: e.IP, RequestID: e.RequestID, Reason: e.Reason,
		User: idOrNull(e.UserID), Agent: idOrNull(e.ReadDetails().Agent), Number: idOrNull(e.Seq), Details: json.RawMessage("{}"),
	}
	if e.UserAgent != "" {
		b.Device = locale.Device(lang, e.UserAgent)
	}
	if strings.HasPrefix(e.Details, "{") && json.Valid([]byte(e.Details)) {
		b.Details = json.RawMessage(e.Details)
	}
	return b
}

func idOrNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

type staffEventsQuery struct {
	User   account.Input `query:"user"`
	Agent  account.Input `query:"agent"`
	Kind   account.Input `query:"kind"`
	From   account.Input `query:"from"`
	To     account.Input `query:"to"`
	Before account.Input `query:"before"`
	After  account.Input `query:"after"`
}

func (s *Server) staffEvents(ctx context.Context, a *staff.Agent, in *staffEventsQuery) ([]staffEventBody, error) {
	events, err := s.as(a).FindEvents(ctx, staff.EventQuery(*in))
	return newStaffEventBodies(a, events), err
}

func newStaffEventBodies(a *staff.Agent, events []account.Event) []staffEventBody {
	bodies := make([]staffEventBody, 0, len(events))
	for _, e := range events {
		bodies = append(bodies, newStaffEventBody(a.Request.Language, e))
	}
	return bodies
}

type userEventsQuery struct {
	ID     account.Input `path:"id"`
	Kind   account.Input `query:"kind"`
	From   account.Input `query:"from"`
	To     account.Input `query:"to"`
	Before account.Input `query:"before"`
}

func (s *Server) userEvents(ctx context.Context, a *staff.Agent, in *userEventsQuery) ([]staffEventBody, error) {
	if _, err := userID(in.ID); err != nil {
		return nil, err
	}
	events, err := s.as(a).FindEvents(ctx, staff.EventQuery{User: in.ID, Kind: in.Kind, From: in.From, To: in.To, Before: in.Before})
	return newStaffEventBodies(a, events), err
}

// mailBody is a mail: never what is in it.
type mailBody struct {
	ID        int64   `json:"id"`
	Kind      string  `json:"kind"`
	User      *int64  `json:"user"`
	Email     string  `json:"email"`
	State     string  `json:"state"` // waiting, sent or failed
	CreatedAt string  `json:"created_at"`
	DueAt     *string `json:"due_at"`
	SentAt    *string `json:"sent_at"`
	Attempts  int     `json:"attempts"`
	Failure   string  `json:"failure"`
}

func newMailBodies(mails []account.Mail) []mailBody {
	bodies := make([]mailBody, 0, len(mails))
	for _, m := range mails {
		bodies = append(bodies, mailBody{
			ID: m.ID, Kind: string(m.Kind), User: idOrNull(m.UserID), Email: m.Email, State: string(m.State()), CreatedAt: formatTime(m.CreatedAt),
			DueAt: formatTimeOrNull(m.DueAt), SentAt: formatTimeOrNull(m.SentAt), Attempts: m.Attempts, Failure: m.Failure,
		})
	}
	return bodies
}

func (s *Server) userMails(ctx context.Context, a *staff.Agent, in *userRequest) ([]mailBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	mails, err := s.as(a).MailsOf(ctx, id)
	return newMailBodies(mails), err
}

type mailsQuery struct {
	State  account.Input `query:"state"`
	Before account.Input `query:"before"`
}

func (s *Server) staffMails(ctx context.Context, a *staff.Agent, in *mailsQuery) ([]mailBody, error) {
	mails, err := s.as(a).Queue(ctx, in.State, in.Before)
	return newMailBodies(mails), err
}

func (s *Server) retryMail(ctx context.Context, a *staff.Agent, in *userRequest) (emptyBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return emptyBody{}, err
	}
	return emptyBody{}, s.as(a).RetryMail(ctx, id)
}

// memberBody is somebody of the staff.
type memberBody struct {
	ID          int64   `json:"id"`
	Username    string  `json:"username"`
	Email       string  `json:"email"`
	FirstName   string  `json:"first_name"`
	LastName    string  `json:"last_name"`
	Role        string  `json:"role"`
	State       string  `json:"state"` // offered, active or suspended
	GivenBy     *int64  `json:"given_by"`
	GivenAt     string  `json:"given_at"`
	AcceptedAt  *string `json:"accepted_at"`
	SuspendedAt *string `json:"suspended_at"`
}

func newMemberBody(m staff.Member) memberBody {
	u := m.User
	return memberBody{
		ID: u.ID, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: string(m.Role), State: string(m.State()),
		GivenBy: idOrNull(m.GivenBy), GivenAt: formatTime(m.GivenAt), AcceptedAt: formatTimeOrNull(m.AcceptedAt), SuspendedAt: formatTimeOrNull(m.SuspendedAt),
	}
}

func (s *Server) members(ctx context.Context, a *staff.Agent, _ *struct{}) ([]memberBody, error) {
	all, err := s.as(a).Members(ctx)
	bodies := make([]memberBody, 0, len(all))
	for _, m := range all {
		bodies = append(bodies, newMemberBody(m))
	}
	return bodies, err
}

func (s *Server) memberOf(ctx context.Context, a *staff.Agent, id int64) (memberBody, error) {
	m, err := s.as(a).Member(ctx, id)
	return newMemberBody(m), err
}

func (s *Server) member(ctx context.Context, a *staff.Agent, in *userRequest) (memberBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return memberBody{}, err
	}
	return s.memberOf(ctx, a, id)
}

type inviteMemberRequest struct {
	Email     account.Input `json:"email"`
	Role      account.Input `json:"role"`
	FirstName account.Input `json:"first_name"`
	LastName  account.Input `json:"last_name"`
	Language  account.Input `json:"language"`
}

func (s *Server) inviteMember(ctx context.Context, a *staff.Agent, in *inviteMemberRequest) (memberBody, error) {
	role, err := staff.ReadRole(in.Role)
	if err != nil {
		return memberBody{}, err
	}
	invite := inviteRequest{Email: in.Email, FirstName: in.FirstName, LastName: in.LastName, Language: in.Language}
	u, err := s.as(a).InviteMember(ctx, invite.invited(), role, a.Request.Language)
	if err != nil {
		return memberBody{}, err
	}
	return s.memberOf(ctx, a, u.ID)
}

type changeMemberRequest struct {
	ID     account.Input `path:"id"`
	Role   account.Input `json:"role"`
	Reason account.Input `json:"reason"`
}

func (s *Server) changeMember(ctx context.Context, a *staff.Agent, in *changeMemberRequest) (memberBody, error) {
	var body memberBody
	_, err := s.act(a, &actRequest{in.ID, in.Reason}, func(svc *staff.Service, id int64, reason string) error {
		role, err := staff.ReadRole(in.Role)
		if err != nil {
			return err
		}
		if err := svc.Change(ctx, id, role, reason); err != nil {
			return err
		}
		body, err = s.memberOf(ctx, a, id)
		return err
	})
	return body, err
}

func (s *Server) takeRole(ctx context.Context, a *staff.Agent, in *actRequest) (emptyBody, error) {
	return s.act(a, in, func(svc *staff.Service, id int64, reason string) error { return svc.Take(ctx, id, reason) })
}

func (s *Server) renewMember(ctx context.Context, a *staff.Agent, in *userRequest) (memberBody, error) {
	id, err := userID(in.ID)
	if err != nil {
		return memberBody{}, err
	}
	m, err := s.as(a).Member(ctx, id)
	if err != nil {
		return memberBody{}, err
	}
	if err := s.as(a).Offer(ctx, id, m.Role); err != nil {
		return memberBody{}, err
	}
	return s.memberOf(ctx, a, id)
}

type firstPasswordRequest struct {
	Token       account.Input `json:"token"`
	NewPassword account.Input `json:"new_password"`
}

func (s *Server) chooseStaffPassword(ctx context.Context, req account.RequestInfo, in *firstPasswordRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.ChoosePasswordOfRole(ctx, req, in.Token, in.NewPassword)
}

// approvalBody is what waits for a second person.
type approvalBody struct {
	ID        string  `json:"id"`
	Act       string  `json:"act"`
	State     string  `json:"state"` // waiting, approved, refused or over
	Count     int     `json:"count"`
	Users     []int64 `json:"users"` // the first thousand
	Format    string  `json:"format"`
	Reason    string  `json:"reason"`
	AskedBy   int64   `json:"asked_by"`
	AskedAt   string  `json:"asked_at"`
	ExpiresAt string  `json:"expires_at"`
	DecidedBy *int64  `json:"decided_by"`
	DecidedAt *string `json:"decided_at"`
}

func newApprovalBody(a account.Approval) approvalBody {
	state := "waiting"
	switch {
	case a.Approved:
		state = "approved"
	case !a.DecidedAt.IsZero():
		state = "refused"
	}
	return approvalBody{
		ID: a.ID, Act: string(a.Act), State: state, Count: a.Count, Users: append([]int64{}, a.Users[:min(len(a.Users), account.ApprovalListed)]...), Format: a.Format,
		Reason: a.Reason, AskedBy: a.AskedBy, AskedAt: formatTime(a.AskedAt), ExpiresAt: formatTime(a.ExpiresAt),
		DecidedBy: idOrNull(a.DecidedBy), DecidedAt: formatTimeOrNull(a.DecidedAt),
	}
}

func (s *Server) approvals(ctx context.Context, a *staff.Agent, _ *struct{}) ([]approvalBody, error) {
	all, err := s.as(a).Approvals(ctx)
	bodies := make([]approvalBody, 0, len(all))
	for _, one := range all {
		bodies = append(bodies, newApprovalBody(one))
	}
	return bodies, err
}

type decideRequest struct {
	ID      account.Input `path:"id"`
	Approve account.Input `json:"approve"`
	Reason  account.Input `json:"reason"`
}

func (s *Server) decideApproval(ctx context.Context, a *staff.Agent, in *decideRequest) (approvalBody, error) {
	reason, err := staff.ReadReason(in.Reason)
	if err != nil {
		return approvalBody{}, err
	}
	approve, err := staff.ReadApprove(in.Approve)
	if err != nil {
		return approvalBody{}, err
	}
	one, err := s.as(a).Decide(ctx, in.ID.Text, approve, reason)
	if err != nil {
		return approvalBody{}, err
	}
	return newApprovalBody(one), nil
}

type approvalRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) useApproval(ctx context.Context, a *staff.Agent, in *approvalRequest) (any, error) {
	one, err := s.as(a).Approval(ctx, in.ID.Text)
	if err != nil {
		return nil, err
	}
	if one.Act == account.ApproveErase {
		return erasedBody{true}, s.as(a).EraseApproved(ctx, one.ID)
	}
	e, err := s.as(a).ExportApproved(ctx, one.ID)
	if err != nil {
		return nil, err
	}
	return newFile(ctx, e), nil
}

// manyRequest is whom an act on many is about, in a body.
type manyRequest struct {
	IDs             account.Input `json:"ids"`
	Search          account.Input `json:"search"`
	IsActive        account.Input `json:"is_active"`
	Verified        account.Input `json:"verified"`
	IsStaff         account.Input `json:"is_staff"`
	Language        account.Input `json:"language"`
	JoinedAfter     account.Input `json:"date_joined_after"`
	JoinedBefore    account.Input `json:"date_joined_before"`
	LastLoginAfter  account.Input `json:"last_login_after"`
	LastLoginBefore account.Input `json:"last_login_before"`
}

type bulkRequest struct {
	manyRequest
	DryRun account.Input `json:"dry_run"`
	Reason account.Input `json:"reason"`
}

type exportRequest struct {
	manyRequest
	Format account.Input `json:"format"`
	Reason account.Input `json:"reason"`
}

func (in *manyRequest) query() staff.Query {
	return staff.Query{
		Search: in.Search, IsActive: asText(in.IsActive), Verified: asText(in.Verified), IsStaff: asText(in.IsStaff), Language: in.Language,
		JoinedAfter: in.JoinedAfter, JoinedBefore: in.JoinedBefore, LastLoginAfter: in.LastLoginAfter, LastLoginBefore: in.LastLoginBefore,
	}
}

// asText takes true and false of JSON as they stand in an address.
func asText(in account.Input) account.Input {
	if in.State == account.NotText && in.Text != "" {
		return account.TextInput(in.Text)
	}
	return in
}

type leftBody struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Why      string `json:"why"`
}

// reportBody says who was done, or is to be, and who not.
type reportBody struct {
	DryRun bool       `json:"dry_run"`
	Count  int        `json:"count"`
	Done   []int64    `json:"done"`
	Left   []leftBody `json:"left"`
}

func (s *Server) bulk(act staff.BulkAct) func(ctx context.Context, a *staff.Agent, in *bulkRequest) (reportBody, error) {
	return func(ctx context.Context, a *staff.Agent, in *bulkRequest) (reportBody, error) {
		reason, err := staff.ReadReason(in.Reason)
		if err != nil {
			return reportBody{}, err
		}
		dry, err := staff.ReadDryRun(in.DryRun)
		if err != nil {
			return reportBody{}, err
		}
		r, err := s.as(a).Do(ctx, act, staff.Bulk{IDs: in.IDs, Query: in.query(), Reason: reason, DryRun: dry})
		if err != nil {
			return reportBody{}, err
		}
		body := reportBody{DryRun: dry, Count: len(r.Done), Done: make([]int64, 0, len(r.Done)), Left: make([]leftBody, 0, len(r.Left))}
		for _, u := range r.Done {
			body.Done = append(body.Done, u.ID)
		}
		for _, l := range r.Left {
			body.Left = append(body.Left, leftBody{l.User.ID, l.User.Username, string(l.Why)})
		}
		return body, nil
	}
}

func (s *Server) exportUsers(ctx context.Context, a *staff.Agent, in *exportRequest) (any, error) {
	reason, err := staff.ReadReason(in.Reason)
	if err != nil {
		return nil, err
	}
	format, err := staff.ReadFormat(in.Format)
	if err != nil {
		return nil, err
	}
	e, waits, err := s.as(a).Exports(ctx, in.IDs, in.query(), format, reason)
	switch {
	case err != nil:
		return nil, err
	case waits != nil:
		return newApprovalBody(*waits), nil
	}
	return newFile(ctx, e), nil
}

// FileTypes are the types of content of exports, by their formats.
var FileTypes = map[string]string{staff.CSV: "text/csv; charset=utf-8", staff.NDJSON: "application/x-ndjson"}

func newFile(ctx context.Context, e *staff.Export) file {
	return file{"clients." + e.Format(), FileTypes[e.Format()], func(w io.Writer) error { return e.Write(ctx, w) }}
}

type acceptRequest struct {
	Token account.Input `json:"token"`
}

func (s *Server) acceptRole(ctx context.Context, caller *auth.Caller, in *acceptRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.AcceptRole(ctx, caller, in.Token)
}
