package auth

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// owesVerification says whether a new user is mailed a link.
func (s *Service) owesVerification(u account.User) bool { return s.o.Mail.Verify && u.Email != "" }

// mailVerification owes a user a link to prove their address.
func (s *Service) mailVerification(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time, t guard.Turn) error {
	return s.outbox.Add(ctx, tx, account.Mail{
		Kind: account.MailVerifyEmail, UserID: u.ID, Email: u.Email, Language: u.Language, IP: ip,
		Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
	}, t)
}

func (s *Service) mailPasswordChanged(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) error {
	return s.outbox.Notify(ctx, tx, u, account.Mail{
		Kind: account.MailPasswordChanged, IP: req.IP,
		Details: account.MailDetails{IP: req.IP, Device: req.UserAgent}, CreatedAt: now,
	})
}
