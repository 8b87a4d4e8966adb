package api

import (
	"bufio"
	"context"
	"io"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// exportBody is everything that is held about a person, a field for each
// table. What only opens doors (hashes, the ids of tokens) is not the
// person's data but a risk to them, and stays out; that it is there is said.
// What comes after these fields is in [exportDocument].
type exportBody struct {
	ExportedAt string            `json:"exported_at"`
	User       exportedUser      `json:"user"`
	Sessions   []exportedSession `json:"sessions"`
	Challenges []exportedLink    `json:"challenges"`
	Mails      []exportedMail    `json:"mails"`
	Usernames  []exportedName    `json:"former_usernames"`
	Told       []exportedTold    `json:"told_to_webhooks"`
	Factors    []exportedFactor  `json:"factors"`
	Recovery   []exportedCode    `json:"recovery_codes"`

	Trusted    []exportedDevice   `json:"trusted_devices"`
	Places     []exportedPlace    `json:"login_places"`
	Notices    []exportedNotice   `json:"notices"`
	Recoveries []exportedRecovery `json:"recoveries"`
	Roles      []exportedRole     `json:"roles"`
	Notes      []exportedNote     `json:"notes"`

	Passkeys []exportedPasskey    `json:"passkeys"`
	Codes    []exportedMailedCode `json:"codes"`
}

// exportedPasskey is what is kept of a passkey beside what is kept of every
// factor.
type exportedPasskey struct {
	Factor         string   `json:"factor"` // its id
	Authenticator  string   `json:"aaguid"` // the model
	Transports     []string `json:"transports"`
	BackupEligible bool     `json:"backup_eligible"`
	BackedUp       bool     `json:"backed_up"`
	Uses           uint32   `json:"sign_count"` // as the authenticator counts
	RelyingParty   string   `json:"rp_id"`
}

// exportEnd says of which lists the oldest rows were left out.
type exportEnd struct {
	Sessions   bool `json:"sessions_truncated"`
	Challenges bool `json:"challenges_truncated"`
	Mails      bool `json:"mails_truncated"`
	Told       bool `json:"told_to_webhooks_truncated"`
	Codes      bool `json:"codes_truncated"`
	Notes      bool `json:"notes_truncated"`
	Events     bool `json:"events_truncated"`
}

// exportedRole is what the person is in the staff.
type exportedRole struct {
	Role        string  `json:"role"`
	GivenAt     string  `json:"given_at"`
	AcceptedAt  *string `json:"accepted_at"`
	SuspendedAt *string `json:"suspended_at"`
}

// exportedNote is what staff wrote about the person. Who did is their data.
type exportedNote struct {
	Text      string `json:"text"`
	CreatedAt string `json:"created_at"`
}

type exportedName struct {
	Username  string `json:"username"`
	ChangedAt string `json:"changed_at"`
}

// exportedTold is what another program of the shop was told of the person.
type exportedTold struct {
	Webhook string   `json:"webhook"`
	Type    string   `json:"type"`
	Fields  []string `json:"fields"` // names of what changed
	At      string   `json:"at"`
	State   string   `json:"state"`
}

type exportedFactor struct {
	ID          string  `json:"id"`
	Kind        string  `json:"kind"`
	Name        string  `json:"name"`
	CreatedAt   string  `json:"created_at"`
	ExpiresAt   *string `json:"expires_at"` // of one that was not confirmed
	ConfirmedAt *string `json:"confirmed_at"`
	LastUsedAt  *string `json:"last_used_at"`
}

// exportedCode says of a recovery code that there is one.
type exportedCode struct {
	CreatedAt string  `json:"created_at"`
	UsedAt    *string `json:"used_at"`
}

// exportedDevice is one on which no second factor is asked for.
type exportedDevice struct {
	ID         string  `json:"id"`
	CreatedAt  string  `json:"created_at"`
	ExpiresAt  string  `json:"expires_at"`
	LastUsedAt *string `json:"last_used_at"`
	IP         string  `json:"ip"`
	UserAgent  string  `json:"user_agent"`
}

// exportedPlace is a network and browser from which the person logged in. Which
// ones is kept as a keyed hash, and known to nobody.
type exportedPlace struct {
	SeenAt string `json:"seen_at"`
}

// exportedNotice is how many mails of a kind there were since a time.
type exportedNotice struct {
	Kind  string `json:"kind"`
	Since string `json:"since"`
	Count int    `json:"count"`
}

type exportedRecovery struct {
	Email      string  `json:"email"`
	ByStaff    bool    `json:"by_staff"`
	Reason     string  `json:"reason"`
	StartedAt  string  `json:"started_at"`
	ReadyAt    string  `json:"ready_at"`
	StoppedAt  *string `json:"stopped_at"`
	StoppedBy  string  `json:"stopped_by"`
	FinishedAt *string `json:"finished_at"`
}

// exportedMailedCode is a code that was mailed.
type exportedMailedCode struct {
	Purpose    string  `json:"purpose"`
	Email      string  `json:"email"`
	CreatedAt  string  `json:"created_at"`
	MailedAt   *string `json:"mailed_at"`
	WrongTries int     `json:"wrong_tries"`
	UsedAt     *string `json:"used_at"`
}

type exportedUser struct {
	userBody
	EmailVerifiedAt   *string `json:"email_verified_at"`
	HasPassword       bool    `json:"has_password"`
	Active            bool    `json:"is_active"`
	Staff             bool    `json:"is_staff"`
	Superuser         bool    `json:"is_superuser"`
	Language          string  `json:"language"`
	JoinedAt          string  `json:"joined_at"`
	LastLoginAt       *string `json:"last_login_at"`
	PasswordChangedAt string  `json:"password_changed_at"`
	SignedOutAt       *string `json:"signed_out_everywhere_at"`
	ClosedAt          *string `json:"closed_at"`
}

type exportedSession struct {
	ID          string  `json:"id"`
	CreatedAt   string  `json:"created_at"`
	LastUsedAt  string  `json:"last_used_at"`
	RefreshedAt string  `json:"refresh_token_issued_at"`
	ExpiresAt   string  `json:"expires_at"`
	RevokedAt   *string `json:"revoked_at"`
	IP          string  `json:"ip"`
	UserAgent   string  `json:"user_agent"`
}

type exportedLink struct {
	Kind      string  `json:"kind"`
	Email     string  `json:"email"`
	CreatedAt string  `json:"created_at"`
	ExpiresAt string  `json:"expires_at"`
	UsedAt    *string `json:"used_at"`
}

type exportedMail struct {
	Kind      string              `json:"kind"`
	Email     string              `json:"email"`
	Language  string              `json:"language"`
	IP        string              `json:"ip"`
	Details   exportedMailDetails `json:"details"`
	CreatedAt string              `json:"created_at"`
	SentAt    *string             `json:"sent_at"`
	Attempts  int                 `json:"attempts"`
}

// exportedMailDetails is what a mail told beside its link. How it is stored
// may change; this may not.
type exportedMailDetails struct {
	Username  string    `json:"username,omitempty"`
	Email     string    `json:"email,omitempty"` // the other address of a change
	IP        string    `json:"ip,omitempty"`
	Device    string    `json:"device,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	RequestID string    `json:"request_id,omitempty"`
}

// exportDocument is the form of what [Server.writeExport] writes.
type exportDocument struct {
	exportBody
	Events []exportedEvent `json:"events"`
	exportEnd
}

func (s *Server) export(ctx context.Context, caller *auth.Caller, _ *struct{}) (stream, error) {
	e, err := s.auth.Export(ctx, caller)
	if err != nil {
		return nil, err
	}
	return func(w io.Writer) error { return s.writeExport(ctx, w, e) }, nil
}

// writeExport writes an export as it reads it, so that many large ones at
// once take little memory.
func (s *Server) writeExport(ctx context.Context, w io.Writer, e auth.Export) error {
	out := jsonWriter{w: bufio.NewWriterSize(w, 16<<10)}
	out.text("{")
	out.fields(newExportBody(e))
	out.text(`,"events":[`)
	separator := ""
	truncated, err := s.auth.ExportEvents(ctx, e, func(ev account.Event) error {
		out.text(separator)
		separator = ","
		return out.value(newExportedEvent(ev))
	})
	if err != nil {
		return err
	}
	out.text("],")
	out.fields(exportEnd{Sessions: e.SessionsTruncated, Challenges: e.ChallengesTruncated, Mails: e.MailsTruncated, Told: e.DeliveriesTruncated, Codes: e.CodesTruncated, Notes: e.NotesTruncated, Events: truncated})
	out.text("}")
	return out.w.Flush()
}

func newExportBody(e auth.Export) exportBody {
	u := e.User
	body := exportBody{
		ExportedAt: formatTime(e.At),
		User: exportedUser{
			userBody: newUserBody(u), EmailVerifiedAt: formatTimeOrNull(u.EmailVerifiedAt),
			HasPassword: e.HasPassword, Active: u.Active, Staff: u.Staff, Superuser: u.Superuser,
			Language: u.Language, JoinedAt: formatTime(u.JoinedAt), LastLoginAt: formatTimeOrNull(u.LastLoginAt),
			PasswordChangedAt: formatTime(u.PasswordAt), SignedOutAt: formatTimeOrNull(u.SignedOutAt), ClosedAt: formatTimeOrNull(u.ClosedAt),
		},
		Sessions: []exportedSession{}, Challenges: []exportedLink{}, Mails: []exportedMail{}, Usernames: []exportedName{}, Told: []exportedTold{}, Passkeys: []exportedPasskey{}, Codes: []exportedMailedCode{},
		Factors: []exportedFactor{}, Recovery: []exportedCode{},
		Trusted: []exportedDevice{}, Places: []exportedPlace{}, Notices: []exportedNotice{}, Recoveries: []exportedRecovery{}, Roles: []exportedRole{}, Notes: []exportedNote{},
	}
	for _, sess := range e.Sessions {
		body.Sessions = append(body.Sessions, exportedSession{
			ID: sess.ID, CreatedAt: formatTime(sess.CreatedAt), LastUsedAt: formatTime(sess.LastUsedAt), RefreshedAt: formatTime(sess.RefreshAt),
			ExpiresAt: formatTime(sess.ExpiresAt), RevokedAt: formatTimeOrNull(sess.RevokedAt), IP: sess.IP, UserAgent: sess.UserAgent,
		})
	}
	for _, c := range e.Challenges {
		body.Challenges = append(body.Challenges, exportedLink{
			Kind: string(c.Kind), Email: c.Email, CreatedAt: formatTime(c.CreatedAt), ExpiresAt: formatTime(c.ExpiresAt), UsedAt: formatTimeOrNull(c.UsedAt),
		})
	}
	for _, m := range e.Mails {
		d := m.Details
		if d.ByStaff {
			m.IP = ""
		}
		body.Mails = append(body.Mails, exportedMail{
			Kind: string(m.Kind), Email: m.Email, Language: m.Language, IP: m.IP,
			Details:   exportedMailDetails{Username: d.Username, Email: d.Email, IP: d.IP, Device: d.Device, Until: d.Until, RequestID: d.RequestID},
			CreatedAt: formatTime(m.CreatedAt), SentAt: formatTimeOrNull(m.SentAt), Attempts: m.Attempts,
		})
	}
	for _, c := range e.Usernames {
		body.Usernames = append(body.Usernames, exportedName{Username: c.Username, ChangedAt: formatTime(c.ChangedAt)})
	}
	for _, d := range e.Trusted {
		body.Trusted = append(body.Trusted, exportedDevice{
			ID: d.ID, CreatedAt: formatTime(d.CreatedAt), ExpiresAt: formatTime(d.ExpiresAt), LastUsedAt: formatTimeOrNull(d.LastUsedAt), IP: d.IP, UserAgent: d.UserAgent,
		})
	}
	for _, at := range e.Places {
		body.Places = append(body.Places, exportedPlace{formatTime(at)})
	}
	for _, n := range e.Notices {
		body.Notices = append(body.Notices, exportedNotice{n.Kind, formatTime(n.Since), n.Count})
	}
	for _, r := range e.Recoveries {
		body.Recoveries = append(body.Recoveries, exportedRecovery{
			Email: r.Email, ByStaff: r.ByStaff, Reason: r.Reason, StartedAt: formatTime(r.StartedAt), ReadyAt: formatTime(r.ReadyAt),
			StoppedAt: formatTimeOrNull(r.StoppedAt), StoppedBy: string(r.StoppedBy), FinishedAt: formatTimeOrNull(r.FinishedAt),
		})
	}
	if m := e.Role; m != nil {
		body.Roles = append(body.Roles, exportedRole{string(m.Role), formatTime(m.GivenAt), formatTimeOrNull(m.AcceptedAt), formatTimeOrNull(m.SuspendedAt)})
	}
	for _, n := range e.Notes {
		body.Notes = append(body.Notes, exportedNote{n.Text, formatTime(n.CreatedAt)})
	}
	for _, c := range e.Passkeys {
		body.Passkeys = append(body.Passkeys, exportedPasskey{
			Factor: c.FactorID, Authenticator: c.AAGUID, Transports: append([]string{}, c.Transports...),
			BackupEligible: c.BackupEligible, BackedUp: c.BackedUp, Uses: c.SignCount, RelyingParty: c.RPID,
		})
	}
	for _, d := range e.Deliveries {
		body.Told = append(body.Told, exportedTold{
			Webhook: d.WebhookID, Type: string(d.Type), Fields: append([]string{}, d.Fields...), At: formatTime(d.At), State: string(d.State),
		})
	}
	for _, f := range e.Factors {
		body.Factors = append(body.Factors, exportedFactor{
			ID: f.ID, Kind: string(f.Kind), Name: f.Name, CreatedAt: formatTime(f.CreatedAt), ExpiresAt: formatTimeOrNull(f.ExpiresAt),
			ConfirmedAt: formatTimeOrNull(f.ConfirmedAt), LastUsedAt: formatTimeOrNull(f.LastUsedAt),
		})
	}
	for _, c := range e.RecoveryCodes {
		body.Recovery = append(body.Recovery, exportedCode{CreatedAt: formatTime(c.CreatedAt), UsedAt: formatTimeOrNull(c.UsedAt)})
	}
	for _, c := range e.Codes {
		body.Codes = append(body.Codes, exportedMailedCode{
			Purpose: string(c.Purpose), Email: c.Email, CreatedAt: formatTime(c.CreatedAt), MailedAt: formatTimeOrNull(c.SentAt), WrongTries: c.Tries, UsedAt: formatTimeOrNull(c.UsedAt),
		})
	}
	return body
}
