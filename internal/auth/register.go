package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// Registration is what a person fills in. Username and Password are
// required; the others may be missing or blank, but not null.
type Registration struct {
	Username  account.Input
	Password  account.Input
	Email     account.Input
	FirstName account.Input
	LastName  account.Input
}

// Register creates an active user and logs them in. All bad fields are
// reported together, as [account.Fields]; the password is judged once the
// others are good, because it is compared with them.
func (s *Service) Register(ctx context.Context, req account.RequestInfo, r Registration) (LoginResult, error) {
	u, err := s.newUser(ctx, req, r)
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
	if s.owesVerification(u) {
		if t, err = s.guard.MailTurn(ctx, account.Mail{Kind: account.MailVerifyEmail, Email: u.Email, IP: req.IP}); err != nil {
			return LoginResult{}, err
		}
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.createUser(ctx, tx, &u); err != nil {
			return err
		}
		sess.UserID = u.ID
		if err := tx.CreateSession(ctx, sess); err != nil {
			return err
		}
		err := s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventRegistered, UserID: u.ID, Session: sess.ID, Request: req, At: u.JoinedAt})
		if err != nil {
			return err
		}
		if !s.owesVerification(u) {
			return nil
		}
		err = s.mailVerification(ctx, tx, u, req.IP, u.JoinedAt, t)
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

// CreateUser creates an active user without logging them in, by the rules of
// [Service.Register].
func (s *Service) CreateUser(ctx context.Context, req account.RequestInfo, r Registration) (account.User, error) {
	u, err := s.newUser(ctx, req, r)
	if err != nil {
		return account.User{}, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.createUser(ctx, tx, &u); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventUserCreated, u.ID, u.JoinedAt))
	})
	return u, usernameTaken(err)
}

// createUser stores a new user. Others' names are looked at once more after the
// row is there: whoever gives up a name at this moment is waited for.
func (s *Service) createUser(ctx context.Context, tx *store.Store, u *account.User) error {
	if err := tx.CreateUser(ctx, u); err != nil {
		return err
	}
	return s.lockUsername(ctx, tx, u.Username, u.ID, u.JoinedAt)
}

// newUser checks a registration and hashes its password. Hashing comes
// before any transaction: it takes longer than all the rest.
func (s *Service) newUser(ctx context.Context, req account.RequestInfo, r Registration) (account.User, error) {
	errs := account.Fields{}
	username := account.NormalizeUsername(checkUsername(errs, r.Username))
	if err := s.checkUsernameFree(ctx, errs, username, 0); err != nil {
		return account.User{}, err
	}
	plain := checkPassword(errs, "password", r.Password)
	email := checkEmail(errs, r.Email)
	firstName := checkName(errs, "first_name", r.FirstName)
	lastName := checkName(errs, "last_name", r.LastName)
	if err := errs.Err(); err != nil {
		return account.User{}, err
	}
	if err := s.checkPolicy(ctx, "password", plain, username, email, firstName, lastName); err != nil {
		return account.User{}, err
	}
	hash, err := s.hasher.Hash(guard.AsStranger(ctx, req), plain)
	if err != nil {
		return account.User{}, asUnavailable(err)
	}
	now := s.now()
	return account.User{
		Username: username, Email: account.NormalizeEmail(email), FirstName: firstName, LastName: lastName,
		PasswordHash: hash, Active: true, Language: req.Language, JoinedAt: now, PasswordAt: now,
	}, nil
}

// checkUsernameFree is asked before the slow part; createUser and the unique
// index decide. A user of zero is a new one.
func (s *Service) checkUsernameFree(ctx context.Context, errs account.Fields, username string, userID int64) error {
	if len(errs["username"]) > 0 {
		return nil
	}
	taken, err := s.store.UsernameTaken(ctx, username, userID, s.now().Add(-usernameKept))
	if err != nil {
		return err
	}
	if taken {
		errs.Add("username", "username.taken", nil)
	}
	return s.checkNotProvedAddress(ctx, s.store, errs, username, userID)
}

// usernameTaken makes the loser of a race for a name look as if it had come
// a little later.
func usernameTaken(err error) error {
	if !errors.Is(err, store.ErrTaken) {
		return err
	}
	errs := account.Fields{}
	errs.Add("username", "username.taken", nil)
	return errs.Err()
}

// newPassword checks a password that a user chose and returns its hash.
func (s *Service) newPassword(ctx context.Context, field, plain string, u account.User) (string, error) {
	if err := s.checkPolicy(ctx, field, plain, u.Username, u.Email, u.FirstName, u.LastName); err != nil {
		return "", err
	}
	hash, err := s.hasher.Hash(ctx, plain)
	return hash, asUnavailable(err)
}

// checkPolicy applies the password rules, with what the person is known by.
// It comes before any transaction: it may ask another server.
func (s *Service) checkPolicy(ctx context.Context, field, plain, username, email, firstName, lastName string) error {
	errs := account.Fields{}
	for _, p := range password.Check(plain, []password.Attribute{
		{Name: "username", Value: username},
		{Name: "first_name", Value: firstName},
		{Name: "last_name", Value: lastName},
		{Name: "email", Value: email},
	}) {
		errs.Add(field, p.Code, account.Args{"attribute": account.Term("attribute." + p.Attribute), "n": p.Min})
	}
	// Only of a password that Django would take: its answers stay as they are.
	if len(errs) == 0 && (s.o.Breached.Listed(plain) || s.o.Breached.Leaked(ctx, plain)) {
		errs.Add(field, "password_breached", nil)
	}
	return errs.Err()
}
