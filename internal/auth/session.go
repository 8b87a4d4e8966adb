package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// newSession prepares the session of a login that is about to be stored.
func (s *Service) newSession(req account.RequestInfo, now time.Time) account.Session {
	sess := account.Session{
		ID:         newSessionID(now),
		CreatedAt:  now,
		LastUsedAt: now,
		IP:         req.IP,
		UserAgent:  req.UserAgent,
		RefreshID:  token.NewID(),
		RefreshAt:  now,
	}
	sess.ExpiresAt = s.refreshEnd(sess, now)
	return sess
}

// oldAt is when a session is over however often it was renewed, counted from
// its login and never from a later proof (ASVS 7.3.2); zero: never.
func (s *Service) oldAt(sess account.Session) time.Time {
	if s.o.SessionMaxAge == 0 {
		return time.Time{}
	}
	return sess.CreatedAt.Truncate(time.Second).Add(s.o.SessionMaxAge)
}

// tooOld reports whether that time has come.
func (s *Service) tooOld(sess account.Session, now time.Time) bool {
	old := s.oldAt(sess)
	return !old.IsZero() && !now.Before(old)
}

// refreshEnd is when a refresh token ends that a session is given now: after it
// lay idle for a refresh token's lifetime, or when the session is too old.
func (s *Service) refreshEnd(sess account.Session, now time.Time) time.Time {
	return s.untilOld(sess, now.Truncate(time.Second).Add(s.tokens.Lifetime(token.Refresh)))
}

// untilOld is the earlier of an end and of when the session is too old.
func (s *Service) untilOld(sess account.Session, end time.Time) time.Time {
	if old := s.oldAt(sess); !old.IsZero() && old.Before(end) {
		return old
	}
	return end
}

// newSessionID begins with the time, so that the sessions of a day, which are
// used and deleted together, lie together in the database however many there
// are (RFC 9562, section 5.7): 48 bits of milliseconds, then 80 random ones. An
// id gives nothing to whoever knows it; the random part keeps two from being
// the same.
func newSessionID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixMilli())<<16|uint64(b[6])<<8|uint64(b[7]))
	return hex.EncodeToString(b[:])
}

// maxSessions is how many live sessions a user has at most. A person has a
// few; a program that logs in over and over must not make every list of them
// longer.
const maxSessions = 100

// openSession stores the session of an entry.
func (s *Service) openSession(ctx context.Context, tx *store.Store, e entry) error {
	if e.event != account.EventRegistered { // who was just made has no other
		if err := s.makeRoom(ctx, tx, e.session, e.request); err != nil {
			return err
		}
	}
	return tx.CreateSession(ctx, e.session)
}

// makeRoom ends the sessions of a user that were used longest ago, with an
// event for each, where a new one would be one too many.
func (s *Service) makeRoom(ctx context.Context, tx *store.Store, sess account.Session, req account.RequestInfo) error {
	ended, err := tx.EndSessionsBeyond(ctx, sess.UserID, maxSessions-1, sess.CreatedAt)
	if err != nil {
		return err
	}
	for _, id := range ended {
		err := s.audit.Record(ctx, tx, audit.Entry{
			Kind: account.EventSessionEnded, Actor: account.ActorSystem, UserID: sess.UserID, Session: sess.ID, Request: req,
			Details: account.EventDetails{Session: id}, At: sess.CreatedAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// asTokenError says of a session that is not there what a client may know.
func asTokenError(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrTokenInvalid
	}
	return err
}

func adoptedID(claims token.Claims) string {
	sum := sha256.Sum256([]byte("simplejwt " + claims.ID))
	return hex.EncodeToString(sum[:16])
}

// userWithoutSession returns the active user of a token that Django issued,
// unless they signed out everywhere since, or the database was restored: then
// nobody knows whether they did.
func (s *Service) userWithoutSession(ctx context.Context, claims token.Claims) (account.User, error) {
	u, err := s.store.UserByID(ctx, claims.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return account.User{}, account.ErrUserNotFound
	case err != nil:
		return account.User{}, err
	case !u.Active:
		return account.User{}, account.ErrUserInactive
	case !u.SignedOutAt.IsZero() && !claims.IssuedAt.After(u.SignedOutAt):
		return account.User{}, account.ErrTokenInvalid
	}
	// A token of Django's shows no more than a password did.
	if factor, err := s.hasFactor(ctx, s.store, u.ID); err != nil || factor {
		return u, errors.Join(err, account.ErrTokenInvalid)
	}
	if role, err := hasRole(ctx, s.store, u.ID); err != nil || role {
		return u, errors.Join(err, account.ErrTokenInvalid)
	}
	restored, err := s.store.RestoredAt(ctx)
	if err == nil && !restored.IsZero() && !claims.IssuedAt.After(restored) {
		err = account.ErrTokenInvalid
	}
	return u, err
}

// session returns the session that the claims name and its active user.
func (s *Service) session(ctx context.Context, claims token.Claims) (account.Session, account.User, error) {
	id := claims.SessionID
	if id == "" {
		id = adoptedID(claims)
	}
	sess, u, err := s.store.SessionUser(ctx, id)
	switch {
	case err != nil:
		return account.Session{}, account.User{}, asTokenError(err)
	case u.ID != claims.UserID:
		return account.Session{}, account.User{}, account.ErrUserNotFound
	case !u.Active:
		return account.Session{}, account.User{}, account.ErrUserInactive
	case s.tooOld(sess, s.now()):
		return account.Session{}, account.User{}, account.ErrTokenInvalid
	}
	return sess, u, nil
}

// notRevoked refuses a refresh token that Django issued and took back: it is
// on the blacklist that came with the import. Our own tokens end with their
// session and are not looked up.
func (s *Service) notRevoked(ctx context.Context, claims token.Claims) error {
	if claims.SessionID != "" {
		return nil
	}
	revoked, err := s.store.TokenRevoked(ctx, claims.ID)
	if err == nil && revoked {
		return account.ErrTokenInvalid
	}
	return err
}

// adopt gives a session to a refresh token that Django issued, so that it
// can be rotated and revoked like ours. Its id follows from the token's, so
// that two requests at once adopt it once.
func (s *Service) adopt(ctx context.Context, req account.RequestInfo, claims token.Claims, u account.User, now time.Time) (account.Session, account.User, error) {
	sess := s.newSession(req, now)
	sess.ID, sess.UserID, sess.RefreshID, sess.RefreshAt, sess.ExpiresAt = adoptedID(claims), u.ID, claims.ID, claims.IssuedAt, claims.ExpiresAt
	if sess.RefreshAt.IsZero() {
		sess.RefreshAt = now
	}
	sess.ExpiresAt = s.untilOld(sess, sess.ExpiresAt)
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		// The user may have signed out everywhere since we looked.
		err := tx.LockSignedIn(ctx, u.ID, claims.IssuedAt)
		if errors.Is(err, store.ErrNotFound) {
			return account.ErrTokenInvalid
		}
		if err != nil {
			return err
		}
		if role, err := hasRole(ctx, tx, u.ID); err != nil || role { // given since we looked
			return errors.Join(err, account.ErrTokenInvalid)
		}
		due, err := s.admit(ctx, tx, entry{user: u, session: sess, request: req, event: account.EventSessionAdopted})
		if due != nil { // nobody can be asked for it here
			return account.ErrTokenInvalid
		}
		return err
	})
	if errors.Is(err, store.ErrTaken) {
		return s.session(ctx, claims)
	}
	return sess, u, err
}

// sessionOf returns the session of a token, and its active user. A token that
// Django issued, and did not take back, has none until it is adopted: then the
// session is the zero one.
func (s *Service) sessionOf(ctx context.Context, claims token.Claims) (account.Session, account.User, error) {
	if err := s.notRevoked(ctx, claims); err != nil {
		return account.Session{}, account.User{}, err
	}
	sess, u, err := s.session(ctx, claims)
	if errors.Is(err, account.ErrTokenInvalid) && claims.SessionID == "" {
		u, err = s.userWithoutSession(ctx, claims)
	}
	return sess, u, err
}

// renewable returns the session of a refresh token, if a token of it can be good
// now.
func (s *Service) renewable(ctx context.Context, req account.RequestInfo, claims token.Claims, now time.Time) (account.Session, error) {
	sess, u, err := s.sessionOf(ctx, claims)
	if err == nil && sess.ID == "" {
		sess, _, err = s.adopt(ctx, req, claims, u, now)
	}
	if err == nil && !sess.Renewable(now) {
		err = account.ErrTokenInvalid
	}
	return sess, err
}

// refused reports whether an error is about the token, not about us.
func refused(err error) bool {
	var e *account.Error
	return errors.As(err, &e) && e.Kind == account.Unauthorized
}

func (s *Service) endSession(ctx context.Context, id string, a audit.Entry, ended error, links ...account.ChallengeKind) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RevokeSession(ctx, id, a.At); err != nil {
			return err
		}
		if err := s.accounts.InvalidateLinks(ctx, tx, a.UserID, a.At, links...); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, a)
	})
	if errors.Is(err, store.ErrNotFound) {
		return ended
	}
	return err
}

// sessionToEnd returns the session of a token that may have expired. A good
// refresh token that Django issued is given one, so that there is something
// to end. It returns [store.ErrNotFound] when there is nothing.
func (s *Service) sessionToEnd(ctx context.Context, req account.RequestInfo, claims token.Claims, now time.Time) (account.Session, error) {
	id := claims.SessionID
	if id == "" {
		id = adoptedID(claims)
	}
	sess, _, err := s.store.SessionUser(ctx, id)
	switch {
	case err == nil && sess.UserID != claims.UserID:
		return account.Session{}, store.ErrNotFound
	case !errors.Is(err, store.ErrNotFound) || claims.SessionID != "" || !now.Before(claims.ExpiresAt):
		return sess, err
	}
	sess, err = s.renewable(ctx, req, claims, now)
	if refused(err) { // taken back, or its user is gone
		return account.Session{}, store.ErrNotFound
	}
	return sess, err
}

// LoginResult is what a login gives.
type LoginResult struct {
	User    account.User
	Access  string
	Refresh string
	Claims  token.Claims // of the access token
	Device  string       // the token by which this device will be known; empty: limits are off
	Trusted string       // the token of the trusted device that this is now; empty: it is none, or was one before
	CodeID  string       // of the code in the mail that verifies a new account's address; empty: there is none
}

// issueAccess signs an access token of a session.
func (s *Service) issueAccess(sess account.Session, id string, at time.Time) (string, token.Claims, error) {
	return s.tokens.IssueUntil(token.Access, sess.UserID, sess.ID, id, at, s.oldAt(sess), token.Proof{AMR: sess.AMR, At: sess.AuthAt()})
}

// issueRefresh signs the newest refresh token of a session, again if need be: it
// is not stored, but follows from its id and date.
func (s *Service) issueRefresh(sess account.Session) (string, error) {
	raw, _, err := s.tokens.IssueUntil(token.Refresh, sess.UserID, sess.ID, sess.RefreshID, sess.RefreshAt, s.oldAt(sess), token.Proof{})
	return raw, err
}

// issueTokens signs the two tokens of a stored session.
func (s *Service) issueTokens(u account.User, sess account.Session) (LoginResult, error) {
	refresh, err := s.issueRefresh(sess)
	if err != nil {
		return LoginResult{}, err
	}
	access, claims, err := s.issueAccess(sess, token.NewID(), sess.RefreshAt)
	if err != nil {
		return LoginResult{}, err
	}
	return LoginResult{User: u, Access: access, Refresh: refresh, Claims: claims}, nil
}
