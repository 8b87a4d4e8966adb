package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
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
	sess := s.loginSession(req, 0, account.AMRPassword, u.JoinedAt)
	u.LastLoginAt = u.JoinedAt
	var t guard.Turn
	if s.accounts.owesVerification(u) {
		if t, err = s.guard.MailTurn(ctx, account.Mail{Kind: account.MailVerifyEmail, Email: u.Email, IP: req.IP}); err != nil {
			return LoginResult{}, err
		}
	}
	codeID := ""
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.accounts.Create(ctx, tx, &u); err != nil {
			return err
		}
		sess.UserID = u.ID
		_, err := s.admit(ctx, tx, entry{user: u, session: sess, request: req, event: account.EventRegistered})
		if err != nil {
			return err
		}
		if !s.accounts.owesVerification(u) {
			return nil
		}
		var c account.MailedCode
		if codeID, c, err = s.requestCode(ctx, tx, codeInSession(account.CodeVerify, u, sess.ID, u.JoinedAt), ""); err != nil {
			return err
		}
		err = s.accounts.MailVerification(ctx, tx, u, c, req, u.JoinedAt, t)
		if errors.Is(err, account.ThrottledFor(0)) { // another's waits for this mailbox: they can ask again
			s.o.Log.WarnContext(ctx, "no verification mail: one for another account waits for this mailbox", "user_id", u.ID)
			codeID = ""
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
	grant.Device, grant.CodeID = secret.RememberDevice(u.ID, u.JoinedAt), codeID
	return grant, nil
}
