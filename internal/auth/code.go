package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// Codes of six digits that are mailed: one machine for every purpose. A code
// follows from its row and from a key of the servers' (guard.Guard.CodeKey),
// when the mail is made; nothing of it is stored. The row is named by 256
// random bits that only the asker has, so that nobody can try, or use up,
// another's code. See docs/decisions/0030-codes-by-mail.md.
const (
	codeLifetime = 10 * time.Minute // from the first mail (ASVS 6.5.5)
	codeRenewal  = 8 * time.Minute  // so long after it was asked for, the same code is mailed again; then another
	codeTries    = 5                // that are compared

	// The most wrong codes of an account, over all requests and servers. Those
	// from known devices and sessions are counted by themselves.
	wrongCodesPerDay   = 10
	wrongCodesPerMonth = 50

	codeRetention   = 30 * 24 * time.Hour // of rows, for these sums
	nobodysCodeKept = 24 * time.Hour      // of rows for an address that nobody has
)

var (
	purposeField = Field{Name: "purpose", Required: true, Max: 16}
	codeToField  = emailField.named("to")
	codeIDField  = Field{Name: "code_id", Required: true, Max: 64}
	codeAskedFor = Field{Name: "code_id", Max: 64}
)

// The fields of a [CodeRequest] and of [Service.UseCode].
var (
	CodeRequestFields = []Field{purposeField, codeToField.optional(), resetUsername, codeAskedFor}
	UseCodeFields     = []Field{codeIDField, codeField.required()}
)

// CodeRequest asks for a code.
type CodeRequest struct {
	Purpose  account.Input
	To       account.Input // an address; the caller's own may be left out
	Username account.Input // optional: which of several accounts that claim the address
	CodeID   account.Input // optional: of a code that is to be mailed once more
}

// RequestCode has a code mailed and returns its code_id. Who asks for a reset
// or a login learns nothing of who has the address: see [Service.RequestReset].
// The other purposes need a caller, and are about the caller's own address. With
// the code_id of a request that is not old the same code is mailed again: its
// life is not prolonged, and tries are not given back.
func (s *Service) RequestCode(ctx context.Context, req account.RequestInfo, caller *Caller, r CodeRequest) (codeID string, err error) {
	if err := s.allowVisitor(ctx, guard.ResetPerNetwork, req, caller); err != nil {
		return "", err
	}
	errs := account.Fields{}
	purpose := s.readPurpose(errs, r.Purpose)
	if err := errs.Err(); err != nil {
		return "", err
	}
	if caller != nil && (purpose == account.CodeReset || purpose == account.CodeLogin) { // about any address, as a stranger
		if err := s.guard.AllowRequest(ctx, guard.ResetPerNetwork, req); err != nil {
			return "", err
		}
	}
	switch purpose {
	case account.CodeReset:
		return s.askByAddress(ctx, req, addressed{account.MailResetRequest, purpose, codeToField, r.To, r.Username, r.CodeID})
	case account.CodeLogin:
		return s.askByAddress(ctx, req, addressed{account.MailLoginRequest, purpose, codeToField, r.To, r.Username, r.CodeID})
	}
	if caller == nil {
		return "", account.ErrNotAuthenticated
	}
	if purpose == account.CodeVerify {
		return s.askVerification(ctx, caller, "to", r.To, r.CodeID)
	}
	return s.askConfirmation(ctx, caller, r.To, r.CodeID)
}

// allowVisitor counts the request of somebody who may be logged in: then for
// them, because a carrier has thousands of customers behind one address.
func (s *Service) allowVisitor(ctx context.Context, q guard.Quota, req account.RequestInfo, caller *Caller) error {
	if caller != nil {
		return s.guard.AllowWrite(ctx, caller.User.ID)
	}
	return s.guard.AllowRequest(ctx, q, req)
}

func (s *Service) readPurpose(errs account.Fields, in account.Input) account.CodePurpose {
	purpose := account.CodePurpose(purposeField.read(errs, in))
	offered := []account.CodePurpose{account.CodeReset, account.CodeVerify, account.CodeConfirm}
	if s.o.Mail.LoginCode {
		offered = append(offered, account.CodeLogin)
	}
	if len(errs) == 0 && !slices.Contains(offered, purpose) {
		errs.Add("purpose", "code_purpose", nil)
	}
	return purpose
}

// requestCode returns the code_id of a request for a code, and what is stored
// of it: the asker's own if it is not old, else a new one. What it goes by is
// what the asker knows, and the same whether or not anybody has the address.
func (s *Service) requestCode(ctx context.Context, tx *store.Store, want account.MailedCode, raw string) (codeID string, c account.MailedCode, err error) {
	if raw != "" {
		c, err = tx.MailedCode(ctx, challengeHash(raw))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", c, err
		}
		same := err == nil && c.Purpose == want.Purpose && c.EmailKey == want.EmailKey && c.Asker == want.Asker
		if same && c.Tries < codeTries && c.UsedAt.IsZero() && want.CreatedAt.Sub(c.CreatedAt).Abs() < codeRenewal {
			return raw, c, nil
		}
	}
	codeID = RandomToken()
	want.Hash = challengeHash(codeID)
	return codeID, want, tx.CreateCode(ctx, want)
}

// codeInSession is a request of somebody who is logged in, about their address.
func codeInSession(purpose account.CodePurpose, u account.User, sessionID string, now time.Time) account.MailedCode {
	return account.MailedCode{
		Purpose: purpose, UserID: u.ID, Email: u.Email, EmailKey: account.EmailKey(u.Email), Asker: sessionID, KnownTo: u.ID, CreatedAt: now,
	}
}

// addressed is a request for a mail to an address, by anybody.
type addressed struct {
	kind     account.MailKind
	purpose  account.CodePurpose // empty: no code is wanted
	field    Field               // of the address
	email    account.Input
	username account.Input
	codeID   account.Input
}

// askConfirmation mails the caller a code by which they show again that it is
// them, if that is enough for them: see [Service.Confirm]. The request was
// counted before.
func (s *Service) askConfirmation(ctx context.Context, caller *Caller, to, codeID account.Input) (string, error) {
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return "", err
	}
	raw, err := ownAddress(u, "to", to, codeID)
	if err != nil {
		return "", err
	}
	factors, err := s.factors(ctx, s.store, u.ID)
	if err != nil {
		return "", err
	}
	if len(factors) > 0 || !s.o.Mail.Delivers || caller.SessionID == "" {
		return "", s.confirmRequired(ctx, u, factors)
	}
	if u.EmailVerifiedAt.IsZero() {
		return "", account.FieldError("to", "code_unverified", nil)
	}
	now := s.now()
	m := mailTo(u, account.MailConfirmCode, caller.Request.IP, now)
	m.Details.Lane = guard.SessionLane(caller.SessionID)
	t, err := s.guard.MailTurn(ctx, m)
	if err != nil {
		return "", err
	}
	var id string
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		var c account.MailedCode
		var err error
		if id, c, err = s.requestCode(ctx, tx, codeInSession(account.CodeConfirm, u, caller.SessionID, now), raw); err != nil {
			return err
		}
		return s.outbox.Add(ctx, tx, withCode(m, c, caller.Request), t)
	})
	s.outbox.Wake()
	return id, err
}

// ownAddress reads what a caller may say of a code to their own address.
func ownAddress(u account.User, field string, to, codeID account.Input) (rawID string, err error) {
	errs := account.Fields{}
	if to.State != account.Missing {
		email := emailField.named(field).read(errs, to)
		if len(errs) == 0 && account.EmailKey(email) != account.EmailKey(u.Email) {
			errs.Add(field, "code_address", nil)
		}
	}
	rawID = codeAskedFor.read(errs, codeID)
	if u.Email == "" && len(errs) == 0 {
		errs.Add(field, "email.none", nil)
	}
	return rawID, errs.Err()
}

// withCode has a mail carry a code, and say where it was asked for.
func withCode(m account.Mail, c account.MailedCode, req account.RequestInfo) account.Mail {
	m.Details.CodeHash, m.Details.IP, m.Details.Device = c.Hash, req.IP, req.UserAgent
	return m
}

// codesSpent reports whether a user has had so many wrong codes that no more
// are compared, or mailed: the mails go on with their link alone. Strangers,
// and the user's known devices and sessions, have a sum each.
func (s *Service) codesSpent(ctx context.Context, tx *store.Store, c account.MailedCode, now time.Time) (bool, error) {
	day, month, err := tx.WrongCodes(ctx, c.UserID, c.Known(), now.Add(-24*time.Hour), now.Add(-codeRetention))
	return day >= wrongCodesPerDay || month >= wrongCodesPerMonth, err
}

// digitsOf is the code of a row. Whatever it is for is part of it: the same row
// for another purpose, user, address or asker has another code.
func digitsOf(key *guard.Secret, c account.MailedCode) string {
	return key.Digits(strings.Join([]string{
		c.Hash, string(c.Purpose), strconv.FormatInt(c.UserID, 10), account.EmailKey(c.Email), c.Asker,
	}, "\x00"))
}

// issueCode returns the digits of the code that a claimed mail carries for its
// reader, or none: there is no request for one, it is dead, or the user has had
// too many wrong ones. From now on they are right.
func (s *Service) issueCode(ctx context.Context, tx *store.Store, key *guard.Secret, m account.Mail, u account.User) (digits string, err error) {
	if m.Details.CodeHash == "" {
		return "", nil
	}
	c, err := tx.MailedCode(ctx, m.Details.CodeHash)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	now := s.now()
	c.UserID, c.Email, c.MailID = u.ID, m.Email, m.ID
	if spent, err := s.codesSpent(ctx, tx, c, now); err != nil || spent || c.Tries >= codeTries {
		return "", err
	}
	c, err = tx.SendCode(ctx, c, now, now.Add(codeLifetime))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return digitsOf(key, c), nil
}

// matchCode compares a code that was typed with that of a request for one of
// the purposes, by whoever may use it; asker is their session. It counts the
// try in the step that reads the row, whatever comes of it. The answer is the
// same for a request that nobody has the address of, one whose mail is not
// sent, and one that expired: who asks for a stranger's code learns nothing.
// What is done is nearly the same.
func (s *Service) matchCode(ctx context.Context, req account.RequestInfo, raw, digits, asker string, purposes ...account.CodePurpose) (account.MailedCode, account.User, error) {
	var u account.User
	key, err := s.guard.CodeKey(ctx)
	if err != nil {
		return account.MailedCode{}, u, err
	}
	c, err := s.store.MailedCode(ctx, challengeHash(raw))
	if errors.Is(err, store.ErrNotFound) || err == nil && !slices.Contains(purposes, c.Purpose) {
		return c, u, account.FieldError("code_id", "code_unknown", nil)
	}
	if err != nil {
		return c, u, err
	}
	if !c.UsedAt.IsZero() { // by whoever asks now: nobody else has the code_id
		return c, u, account.FieldError("code", "code_used", nil)
	}
	now := s.now()
	var right, counted, used bool
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		right, counted, used = false, false, false
		held := tx.HoldUser(ctx, c.UserID) // before the row: sums of one user are made one after another
		if held != nil && !errors.Is(held, store.ErrNotFound) {
			return held
		}
		spent, err := s.codesSpent(ctx, tx, c, now)
		if err != nil {
			return err
		}
		tried, err := tx.CountTry(ctx, c.Hash, codeTries)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		counted = true
		if used = !tried.UsedAt.IsZero(); used { // a moment ago
			return tx.ReturnTry(ctx, c.Hash)
		}
		if u, err = tx.UserByID(ctx, c.UserID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		good := held == nil && !spent && tried.UserID == c.UserID && tried.Live(now) && mayUseCode(tried, u, asker)
		if !good || subtle.ConstantTimeCompare([]byte(digitsOf(key, tried)), []byte(digits)) != 1 {
			return nil
		}
		right = true
		return tx.ReturnTry(ctx, c.Hash)
	})
	switch {
	case err != nil:
		return c, u, err
	case right:
		return c, u, nil
	case used:
		return c, u, account.FieldError("code", "code_used", nil)
	case !counted:
		return c, u, account.FieldError("code", "code_spent", nil)
	}
	s.noteWrongCode(c, u, req)
	return c, u, account.FieldError("code", "code_wrong", nil)
}

// mayUseCode reports whether a code is its user's and the asker's to use.
func mayUseCode(c account.MailedCode, u account.User, asker string) bool {
	switch {
	case c.Asker != "" && c.Asker != asker, account.EmailKey(c.Email) != account.EmailKey(u.Email):
		return false
	case c.Purpose == account.CodeVerify:
		return u.EmailVerifiedAt.IsZero()
	case c.Purpose == account.CodeConfirm:
		return !u.EmailVerifiedAt.IsZero()
	}
	return true
}

func (s *Service) noteWrongCode(c account.MailedCode, u account.User, req account.RequestInfo) {
	a := audit.ByUser(account.EventCodeRefused, u.ID, c.Asker, req, s.now())
	if c.Asker == "" {
		a.Actor = account.ActorAnonymous
	}
	if !u.ClosedAt.IsZero() {
		a.UserID = 0 // or it could be written after the person was erased
	}
	s.audit.RecordFailure(a)
}

// redeemCode runs fn in a transaction that uses a code up that was right: of
// several requests with it, one gets that far. The address and then the user's
// row are held first, as everywhere.
func (s *Service) redeemCode(ctx context.Context, c account.MailedCode, fn func(ctx context.Context, tx *store.Store, u account.User, now time.Time) error) error {
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.LockAddress(ctx, c.Email); err != nil {
			return err
		}
		err := tx.HoldUser(ctx, c.UserID)
		if err == nil {
			err = tx.UseCode(ctx, c.Hash, now)
		}
		if errors.Is(err, store.ErrNotFound) { // another was quicker, or an act made it worthless
			return s.whyDead(ctx, tx, c)
		}
		if err != nil {
			return err
		}
		u, err := tx.UserByID(ctx, c.UserID)
		if err != nil {
			return err
		}
		return fn(ctx, tx, u, now)
	})
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

func (s *Service) whyDead(ctx context.Context, tx *store.Store, c account.MailedCode) error {
	c, err := tx.MailedCode(ctx, c.Hash)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case c.UsedAt.IsZero():
		return account.FieldError("code", "code_wrong", nil)
	}
	return account.FieldError("code", "code_used", nil)
}

// CodeResult is what a code gives, by its purpose.
type CodeResult struct {
	Purpose account.CodePurpose
	Token   string       // for [Service.ResetPassword]; empty: there is none
	Login   *LoginResult // nil: nobody was logged in
}

// UseCode uses a code up, for all purposes but [account.CodeConfirm]. A reset
// gives a token to choose another password with; a login may return
// [account.ErrSecondFactor], because a mailbox is no second factor (ASVS
// 6.3.6). The first login by a code also gives the token, where a password was
// made void: see [Service.proveFirst].
func (s *Service) UseCode(ctx context.Context, req account.RequestInfo, caller *Caller, codeID, code account.Input) (CodeResult, error) {
	if err := s.allowVisitor(ctx, guard.LinkPerNetwork, req, caller); err != nil {
		return CodeResult{}, err
	}
	errs := account.Fields{}
	raw, digits := codeIDField.read(errs, codeID), readDigits(errs, codeField, code)
	if err := errs.Err(); err != nil {
		return CodeResult{}, err
	}
	asker := ""
	if caller != nil {
		asker = caller.SessionID
	}
	purposes := []account.CodePurpose{account.CodeReset, account.CodeVerify}
	if s.o.Mail.LoginCode {
		purposes = append(purposes, account.CodeLogin)
	}
	c, u, err := s.matchCode(ctx, req, raw, digits, asker, purposes...)
	if err != nil {
		return CodeResult{}, err
	}
	out := CodeResult{Purpose: c.Purpose}
	switch c.Purpose {
	case account.CodeReset:
		err = s.redeemCode(ctx, c, func(ctx context.Context, tx *store.Store, u account.User, now time.Time) (err error) {
			out.Token, err = s.resetToken(ctx, tx, u, now)
			return err
		})
	case account.CodeVerify:
		err = s.verifyByCode(ctx, req, c)
	default:
		out.Login, out.Token, err = s.loginByCode(ctx, req, c, u)
	}
	if err != nil {
		return CodeResult{}, err
	}
	return out, nil
}

// resetToken makes a token by which a user who has just read their mailbox
// chooses another password.
func (s *Service) resetToken(ctx context.Context, tx *store.Store, u account.User, now time.Time) (string, error) {
	raw, c := newChallenge(account.ResetPassword, u.ID, u.Email, now)
	c.ExpiresAt = now.Add(codeLifetime)
	return raw, tx.CreateChallenge(ctx, c)
}

// verifyByCode is [Service.VerifyEmail] by a code. What was mailed for it
// beside, and is owed, is worthless then.
func (s *Service) verifyByCode(ctx context.Context, req account.RequestInfo, c account.MailedCode) error {
	err := s.redeemCode(ctx, c, func(ctx context.Context, tx *store.Store, u account.User, now time.Time) error {
		if err := s.accounts.prove(ctx, tx, u, now); err != nil {
			return err
		}
		if err := s.accounts.InvalidateLinks(ctx, tx, u.ID, now, account.VerifyEmail); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.ByUser(account.EventEmailVerified, u.ID, c.Asker, req, now))
	})
	if errors.Is(err, store.ErrNotFound) { // another address since
		err = account.FieldError("code", "code_wrong", nil)
	}
	return inField(err, "token", "code")
}

// loginByCode opens a session, or says that a second factor is due.
func (s *Service) loginByCode(ctx context.Context, req account.RequestInfo, c account.MailedCode, u account.User) (*LoginResult, string, error) {
	if err := s.guard.AllowUser(ctx, guard.LoginPerUser, u.ID); err != nil {
		return nil, "", err
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return nil, "", err
	}
	var sess account.Session
	var due *account.Error
	token := ""
	err = s.redeemCode(ctx, c, func(ctx context.Context, tx *store.Store, held account.User, now time.Time) (err error) {
		u, due, token = held, nil, ""
		sess = s.loginSession(req, u.ID, account.AMREmail, now)
		shut, err := s.hasFactor(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		if u.EmailVerifiedAt.IsZero() && !shut { // nobody is in yet where it is: see reset
			if token, err = s.proveFirst(ctx, tx, u, req, now); err != nil {
				return err
			}
		}
		due, err = s.admit(ctx, tx, entry{user: u, session: sess, request: req, event: account.EventLogin})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = account.FieldError("code", "code_wrong", nil)
	}
	if err != nil {
		return nil, "", err
	}
	if due != nil {
		return nil, "", due
	}
	grant, err := s.issueTokens(u, sess)
	grant.Device = secret.RememberDevice(u.ID, sess.CreatedAt)
	return &grant, token, err
}

// proveFirst is for whoever logs in by a code and so shows for the first time
// that the account's address is theirs. Until then anybody may have made the
// account with it, and chosen a password: so every session ends, and a password
// that was set here opens nothing any more; it returns a token to choose
// another. One that came from Django was the owner's there, and stays. A
// verification of the address keeps both: who registers, and does what the mail
// asks, must not be logged out for it.
func (s *Service) proveFirst(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) (token string, err error) {
	if err := s.accounts.prove(ctx, tx, u, now); err != nil {
		return "", inField(err, "token", "code")
	}
	if err := s.accounts.EndSessions(ctx, tx, u.ID, "", now); err != nil {
		return "", err
	}
	if err := s.accounts.InvalidateLinks(ctx, tx, u.ID, now, linksOfAddress...); err != nil {
		return "", err
	}
	verified := audit.ByUser(account.EventEmailVerified, u.ID, "", req, now)
	verified.Includes = []account.EventKind{account.EventLogoutAll}
	if err := s.audit.Record(ctx, tx, verified); err != nil {
		return "", err
	}
	if err := s.outbox.NotifyAt(ctx, tx, u, u.Email, notice(account.MailAddressProved, req, now)); err != nil {
		return "", err
	}
	imported, err := tx.HasImportedPassword(ctx, u.ID)
	if err != nil || imported || !password.Usable(u.PasswordHash) {
		return "", err
	}
	if err := tx.SetPassword(ctx, u.ID, unusablePassword, now); err != nil {
		return "", err
	}
	if err := s.audit.Record(ctx, tx, audit.ByUser(account.EventPasswordVoided, u.ID, "", req, now)); err != nil {
		return "", err
	}
	return s.resetToken(ctx, tx, u, now)
}
