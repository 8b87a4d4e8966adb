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

// loginName may be a username or an address, of any length: it is looked up.
var loginName = Field{Name: "username", Required: true}

// LoginFields are those of [Credentials].
var LoginFields = []Field{loginName, passwordField}

// Credentials are what a person logs in with.
type Credentials struct {
	Username account.Input // or an e-mail address: see loginCandidates
	Password account.Input
}

// Login opens a session. It returns [account.ErrInvalidCredentials] whether
// the name is unknown, the password is wrong or the account is not active,
// and takes about the same time for each: an absent user is checked against
// a hash that nothing matches, so that timing does not tell who has an
// account. Before that it may return [account.ThrottledFor]: see [guard.Guard.StartLogin].
// Of who has a factor it opens none and returns [account.ErrSecondFactor]: see
// [Service.LoginSecond].
func (s *Service) Login(ctx context.Context, req account.RequestInfo, c Credentials) (LoginResult, error) {
	errs := account.Fields{}
	username := loginName.read(errs, c.Username)
	plain := passwordField.read(errs, c.Password)
	if err := errs.Err(); err != nil {
		return LoginResult{}, err
	}
	username = account.NormalizeUsername(username)
	grant, err := s.login(ctx, req, username, plain)
	if errors.Is(err, errHashChanged) { // by another login that renewed it, or by a change of password
		grant, err = s.login(ctx, req, username, plain)
	}
	if errors.Is(err, errHashChanged) {
		s.audit.RecordFailure(audit.Entry{Kind: account.EventLoginFailed, Request: req, At: s.now()})
		return LoginResult{}, account.ErrInvalidCredentials
	}
	return grant, err
}

// errHashChanged says that the password was compared with a hash that is not
// the user's any more.
var errHashChanged = errors.New("the password hash changed meanwhile")

func (s *Service) login(ctx context.Context, req account.RequestInfo, username, plain string) (LoginResult, error) {
	candidates, err := s.accounts.loginCandidates(ctx, username)
	if err != nil {
		return LoginResult{}, err
	}
	for {
		t, err := s.guard.StartLogin(ctx, req, username, candidates)
		if err != nil {
			return LoginResult{}, err
		}
		result, err := s.tryLogin(ctx, req, t, plain)
		if len(t.Others) == 0 || !errors.Is(err, account.ErrInvalidCredentials) {
			return result, err
		}
		candidates = t.Others
	}
}

// tryLogin makes an attempt at the passwords of its users, and ends it.
func (s *Service) tryLogin(ctx context.Context, req account.RequestInfo, t *guard.Attempt, plain string) (LoginResult, error) {
	defer t.End()
	ctx = t.Context(ctx, req)
	if len(t.Users) == 0 {
		if err := s.hasher.VerifyNobody(ctx, plain); err != nil {
			return LoginResult{}, asUnavailable(err)
		}
		s.audit.RecordFailure(audit.Entry{Kind: account.EventLoginFailed, Request: req, At: s.now()})
		return LoginResult{}, s.fail(ctx, t, account.ErrInvalidCredentials)
	}
	u, result, err := s.match(ctx, t.Users, plain)
	if err != nil {
		return LoginResult{}, asUnavailable(err)
	}
	if !result.Match || !u.Active {
		a := audit.ByUser(account.EventLoginFailed, u.ID, "", req, s.now())
		if !u.ClosedAt.IsZero() {
			a.UserID = 0 // or it could be written after the person was erased
		}
		s.audit.RecordFailure(a)
		return LoginResult{}, s.fail(ctx, t, s.refuse(ctx, req, u))
	}
	if err := s.guard.AllowUser(ctx, guard.LoginPerUser, u.ID); err != nil {
		return LoginResult{}, err
	}
	hash := u.PasswordHash
	if result.Outdated {
		if hash, err = s.hasher.Hash(ctx, plain); err != nil {
			return LoginResult{}, asUnavailable(err)
		}
	}
	now := s.now()
	sess := s.loginSession(req, u.ID, account.AMRPassword, now)
	var due *account.Error
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.Login(ctx, u.ID, u.PasswordHash, hash, now); err != nil {
			return err
		}
		if err := t.Succeed(ctx, tx); err != nil {
			return err
		}
		due, err = s.admit(ctx, tx, entry{user: u, session: sess, request: req, event: account.EventLogin})
		return err
	})
	if errors.Is(err, store.ErrNotFound) { // changed, disabled or erased since we looked
		return LoginResult{}, errHashChanged
	}
	if err != nil {
		return LoginResult{}, err
	}
	if due != nil {
		return LoginResult{}, due
	}
	grant, err := s.issueTokens(u, sess)
	grant.Device = t.Remember(u.ID, now)
	return grant, err
}

// match returns the first of the users whose password this is, or the first
// user and that it is not theirs.
func (s *Service) match(ctx context.Context, users []account.User, plain string) (account.User, password.Result, error) {
	for _, u := range users {
		result, err := s.hasher.Verify(ctx, u.PasswordHash, plain)
		if err != nil || result.Match {
			return u, result, err
		}
	}
	return users[0], password.Result{}, nil
}

// refuse is the answer to a login that fails. Who comes from Django with a
// hash without a salt gets a link to choose another password: theirs cannot
// be taken, because such a hash is as good as the password.
func (s *Service) refuse(ctx context.Context, req account.RequestInfo, u account.User) error {
	if !u.Active || u.Email == "" || !password.Unsalted(u.PasswordHash) {
		return account.ErrInvalidCredentials
	}
	err := s.RequestReset(ctx, req, account.TextInput(u.Email), account.TextInput(u.Username))
	var e *account.Error
	if errors.As(err, &e) && (e.Kind == account.Invalid || e.Kind == account.Throttled) {
		err = nil // Django took an address that we do not; or there were links enough
	}
	return errors.Join(account.ErrInvalidCredentials, err)
}
