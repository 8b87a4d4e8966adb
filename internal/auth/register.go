package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// Register creates an active user and logs them in. All bad fields are
// reported together, as [account.Fields]; the password is judged once the
// others are good, because it is compared with them.
func (s *Service) Register(ctx context.Context, req account.RequestInfo, r Registration) (LoginResult, error) {
	u, err := s.accounts.NewUser(ctx, req, r)
	if err != nil {
		return LoginResult{}, err
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return LoginResult{}, err
	}
	sess := s.newSession(req, u.JoinedAt)
	u.LastLoginAt = u.JoinedAt
	var t guard.Turn
	if s.accounts.owesVerification(u) {
		if t, err = s.guard.MailTurn(ctx, account.Mail{Kind: account.MailVerifyEmail, Email: u.Email, IP: req.IP}); err != nil {
			return LoginResult{}, err
		}
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.accounts.Create(ctx, tx, &u); err != nil {
			return err
		}
		sess.UserID = u.ID
		if err := tx.CreateSession(ctx, sess); err != nil {
			return err
		}
		err := s.audit.Record(ctx, tx, audit.ByUser(account.EventRegistered, u.ID, sess.ID, req, u.JoinedAt))
		if err != nil {
			return err
		}
		if !s.accounts.owesVerification(u) {
			return nil
		}
		err = s.accounts.MailVerification(ctx, tx, u, req.IP, u.JoinedAt, t)
		if errors.Is(err, account.ThrottledFor(0)) { // another's waits for this mailbox: they can ask again
			s.o.Log.WarnContext(ctx, "no verification mail: one for another account waits for this mailbox", "user_id", u.ID)
			return nil
		}
		return err
	})
	if err != nil {
		return LoginResult{}, usernameTaken(err)
	}
	s.outbox.Wake()
	grant, err := s.issueTokens(u, sess)
	if err != nil {
		return LoginResult{}, err
	}
	grant.Device = secret.RememberDevice(u.ID, u.JoinedAt)
	return grant, nil
}
