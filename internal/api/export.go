package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// exportBody is everything that is held about a person, a field for each
// table. What only opens doors (hashes, the ids of tokens) is not the
// person's data but a risk to them, and stays out; that it is there is said.
type exportBody struct {
	ExportedAt string            `json:"exported_at"`
	User       exportedUser      `json:"user"`
	Sessions   []exportedSession `json:"sessions"`
	Challenges []exportedLink    `json:"challenges"`
	Mails      []exportedMail    `json:"mails"`
	Events     []exportedEvent   `json:"events"`
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
	Details   account.MailDetails `json:"details"`
	CreatedAt string              `json:"created_at"`
	SentAt    *string             `json:"sent_at"`
	Attempts  int                 `json:"attempts"`
}

func (s *Server) export(ctx context.Context, caller *auth.Caller, _ *struct{}) (exportBody, error) {
	e, err := s.auth.Export(ctx, caller)
	if err != nil {
		return exportBody{}, err
	}
	u := e.User
	body := exportBody{
		ExportedAt: wired(s.auth.Now()),
		User: exportedUser{
			userBody: newUserBody(u), EmailVerifiedAt: wiredOrNull(u.EmailVerifiedAt),
			HasPassword: u.PasswordHash != "" && u.PasswordHash[0] != '!', Active: u.Active, Staff: u.Staff, Superuser: u.Superuser,
			Language: u.Language, JoinedAt: wired(u.JoinedAt), LastLoginAt: wiredOrNull(u.LastLoginAt),
			PasswordChangedAt: wired(u.PasswordAt), SignedOutAt: wiredOrNull(u.SignedOutAt), ClosedAt: wiredOrNull(u.ClosedAt),
		},
		Sessions: []exportedSession{}, Challenges: []exportedLink{}, Mails: []exportedMail{}, Events: []exportedEvent{},
	}
	for _, n := range e.Sessions {
		body.Sessions = append(body.Sessions, exportedSession{
			ID: n.ID, CreatedAt: wired(n.CreatedAt), LastUsedAt: wired(n.LastUsedAt), RefreshedAt: wired(n.RefreshAt),
			ExpiresAt: wired(n.ExpiresAt), RevokedAt: wiredOrNull(n.RevokedAt), IP: n.IP, UserAgent: n.UserAgent,
		})
	}
	for _, c := range e.Challenges {
		body.Challenges = append(body.Challenges, exportedLink{
			Kind: string(c.Kind), Email: c.Email, CreatedAt: wired(c.CreatedAt), ExpiresAt: wired(c.ExpiresAt), UsedAt: wiredOrNull(c.UsedAt),
		})
	}
	for _, m := range e.Mails {
		body.Mails = append(body.Mails, exportedMail{
			Kind: string(m.Kind), Email: m.Email, Language: m.Language, IP: m.IP, Details: m.Details,
			CreatedAt: wired(m.CreatedAt), SentAt: wiredOrNull(m.SentAt), Attempts: m.Attempts,
		})
	}
	for _, ev := range e.Events {
		body.Events = append(body.Events, newExportedEvent(ev))
	}
	return body, nil
}
