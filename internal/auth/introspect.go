package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// OAuthTokenFields are those of [Service.Introspect] and [Service.RevokeToken],
// beside the hint and the credentials; of [Service.VerifyToken] all.
var OAuthTokenFields = []Field{tokenField}

// refreshHint is the token_type_hint of a refresh token (RFC 7009, section
// 2.1).
const refreshHint = "refresh_token"

// Introspection is what a service may know of a token.
type Introspection struct {
	Active  bool
	Refresh bool         // it is a refresh token
	Claims  token.Claims // of an active token, like User
	User    account.User

	// AMR and AuthAt are how and when its user logged in, as the session has
	// it now; empty: nobody knows.
	AMR    string
	AuthAt time.Time
}

// Introspect tells a service whether a token is good now (RFC 7662): its
// signature, dates, issuer and audience, its session and its user. Nothing
// is said about a token that is not.
//
// A refresh token is active only for who asks for one by its hint: a service
// that looks at nothing but "active" must not take it for an access token. To
// a service that is limited to an audience no refresh token is: it opens no
// resource, names no audience, and is renewed for whatever the person uses.
// The errors are [account.ErrServiceScope], those of the field and
// [account.ErrUnavailable].
func (s *Service) Introspect(ctx context.Context, by *account.OAuthClient, in, hint account.Input) (Introspection, error) {
	raw, err := tokenFor(by, account.ScopeIntrospect, in)
	if err != nil {
		return Introspection{}, err
	}
	claims, sess, u, err := s.inspect(ctx, raw, s.now())
	switch {
	case refused(err):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, err
	case claims.Type == token.Refresh && hint.Text != refreshHint, !concerns(by, claims):
		return Introspection{}, nil
	}
	return Introspection{Active: true, Refresh: claims.Type == token.Refresh, Claims: claims, User: u, AMR: sess.AMR, AuthAt: sess.AuthAt()}, nil
}

// RevokeToken ends the session of an access or refresh token (RFC 7009), and
// with it all tokens of that session. A token that is not good, or does not
// concern the service, is no error: there is nothing to end. An access token
// that Django issued has no session to end: [account.ErrTokenUnsupported].
func (s *Service) RevokeToken(ctx context.Context, req account.RequestInfo, by *account.OAuthClient, in account.Input) error {
	raw, err := tokenFor(by, account.ScopeRevoke, in)
	if err != nil {
		return err
	}
	now := s.now()
	claims, err := s.keys.VerifyAny(ctx, raw, now)
	if errors.Is(err, account.ErrTokenInvalid) { // its access token may still be good
		claims, err = s.keys.VerifyEnded(ctx, raw, now)
	}
	switch {
	case refused(err), err == nil && !concerns(by, claims):
		return nil
	case err != nil:
		return err
	case claims.SessionID == "" && claims.Type == token.Access:
		return account.ErrTokenUnsupported
	}
	sess, err := s.sessionToEnd(ctx, req, claims, now)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ended := audit.Entry{
		Kind: account.EventSessionEnded, Actor: account.ActorService, UserID: sess.UserID, Session: sess.ID, Request: req,
		Details: account.EventDetails{Service: by.ID}, At: now,
	}
	if err := s.endSession(ctx, sess.ID, ended, nil); err != nil {
		return err
	}
	s.o.Log.InfoContext(ctx, "session ended by a service", "service", by.ID, "user_id", sess.UserID, "session_id", sess.ID)
	return nil
}

// concerns reports whether a service may know of a token: of any, or of the
// access tokens for its audience.
func concerns(by *account.OAuthClient, claims token.Claims) bool {
	return by.Audience == "" || claims.Type == token.Access && claims.For(by.Audience)
}

// tokenFor returns the token that a service sent, if it may send it.
func tokenFor(by *account.OAuthClient, scope account.Scope, in account.Input) (string, error) {
	if !by.May(scope) {
		return "", account.ErrServiceScope
	}
	errs := account.Fields{}
	raw := tokenField.read(errs, in)
	return raw, errs.Err()
}

// inspect returns what a token of either type says that would be accepted
// now, with its session (the zero one: it has none) and its active user.
func (s *Service) inspect(ctx context.Context, raw string, now time.Time) (token.Claims, account.Session, account.User, error) {
	claims, err := s.keys.VerifyAny(ctx, raw, now)
	if err != nil {
		return token.Claims{}, account.Session{}, account.User{}, err
	}
	sess, u, err := s.sessionOf(ctx, claims)
	switch {
	case err != nil:
		return token.Claims{}, account.Session{}, account.User{}, err
	case sess.ID == "":
		return claims, sess, u, nil
	case !sess.RevokedAt.IsZero(),
		claims.Type == token.Refresh && (!sess.Renewable(now) || s.standing(claims, sess, now) == replaced):
		return token.Claims{}, account.Session{}, account.User{}, account.ErrTokenInvalid
	}
	s.confirmRefreshToken(ctx, claims, sess)
	return claims, sess, u, nil
}

// VerifyToken returns nil for an access or refresh token that would be
// accepted now, as simplejwt's TokenVerifyView; here that includes its
// session and its user.
func (s *Service) VerifyToken(ctx context.Context, req account.RequestInfo, in account.Input) error {
	if err := s.guard.AllowRequest(ctx, guard.TokenPerNetwork, req); err != nil {
		return err
	}
	errs := account.Fields{}
	raw := tokenField.read(errs, in)
	if err := errs.Err(); err != nil {
		return err
	}
	_, _, _, err := s.inspect(ctx, raw, s.now())
	return err
}
