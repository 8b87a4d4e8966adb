package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/payload"
	"github.com/yoozak/clients/internal/secret"
)

// serviceTokenRequest is the request of RFC 7662, section 2.1, and RFC 7009,
// section 2.1; the credentials that may stand beside are read before.
type serviceTokenRequest struct {
	Token account.Input `json:"token"`
	Hint  account.Input `json:"token_type_hint"`
}

// introspection is the answer of RFC 7662, section 2.2. Of a token that is
// not good there is "active" only.
type introspection struct {
	Active    bool   `json:"active"`
	Sub       string `json:"sub,omitempty"`
	Username  string `json:"username,omitempty"`
	UserID    int64  `json:"user_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Exp       int64  `json:"exp,omitempty"`
	Iat       int64  `json:"iat,omitempty"`
	Jti       string `json:"jti,omitempty"`
	Iss       string `json:"iss,omitempty"`
	Aud       any    `json:"aud,omitempty"`
	Sid       string `json:"sid,omitempty"`

	AMR      []string `json:"amr,omitempty"`       // how the person logged in (RFC 8176); not there: nobody knows
	AuthTime int64    `json:"auth_time,omitempty"` // and when
}

func (s *Server) introspect(ctx context.Context, _ account.RequestInfo, by *account.OAuthClient, in *serviceTokenRequest) (introspection, error) {
	info, err := s.auth.Introspect(ctx, by, in.Token, in.Hint)
	if err != nil || !info.Active {
		return introspection{}, err
	}
	c := info.Claims
	out := introspection{
		Active: true, Sub: strconv.FormatInt(c.UserID, 10), Username: info.User.Username, UserID: c.UserID, TokenType: "Bearer",
		Exp: c.ExpiresAt.Unix(), Jti: c.ID, Iss: c.Issuer, Sid: c.SessionID,
	}
	if !c.IssuedAt.IsZero() {
		out.Iat = c.IssuedAt.Unix()
	}
	if info.AMR != "" {
		out.AMR, out.AuthTime = strings.Fields(info.AMR), info.AuthAt.Unix()
	}
	if info.Refresh {
		out.TokenType = "N_A" // RFC 8693, section 2.2.1: it is no access token
	}
	switch names := strings.Fields(c.Audience); len(names) {
	case 0:
	case 1:
		out.Aud = names[0]
	default:
		out.Aud = names
	}
	return out, nil
}

func (s *Server) revokeToken(ctx context.Context, req account.RequestInfo, by *account.OAuthClient, in *serviceTokenRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.RevokeToken(ctx, req, by, in.Token)
}

var errTwoCredentials = &httpError{status: http.StatusBadRequest, key: "two_credentials"}

// oauthClient returns who is asking: by HTTP Basic (RFC 6749, section 2.3.1) or
// by client_id and client_secret in the body. A request with both is
// refused, as the RFC has it.
func (s *Server) oauthClient(ctx context.Context, req account.RequestInfo, r *http.Request, body payload.Object) (*account.OAuthClient, error) {
	id, plain, basic := clientCredentials(r)
	sentID, _ := body["client_id"].(string)
	sentSecret, inBody := body["client_secret"].(string)
	switch {
	case basic && (inBody || sentID != "" && sentID != id):
		return nil, errTwoCredentials
	case !basic && len(r.Header["Authorization"]) > 0: // somebody's access token, say: no credentials at all
	case !basic:
		id, plain = sentID, secret.NewText(sentSecret)
	}
	v, err := s.auth.AuthenticateOAuthClient(ctx, req, id, plain)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// clientCredentials reads HTTP Basic, both parts of which are encoded as in
// a form.
func clientCredentials(r *http.Request) (id string, plain secret.Text, ok bool) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return "", secret.Text{}, false
	}
	scheme, encoded, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", secret.Text{}, false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", secret.Text{}, false
	}
	first, second, found := strings.Cut(string(decoded), ":")
	id, err = url.QueryUnescape(first)
	text, err2 := url.QueryUnescape(second)
	return id, secret.NewText(text), found && err == nil && err2 == nil
}

// oauthBody is an error for a service (RFC 6749, section 5.2), with our text
// for a person who looks at it.
type oauthBody struct {
	Error  string `json:"error"`
	Detail string `json:"detail"`
}

// newOAuthBody puts an error's answer into the words of OAuth.
func newOAuthBody(language string, status int, body any, err error) oauthBody {
	out := oauthBody{Error: "invalid_request"}
	switch body := body.(type) {
	case detailBody:
		out.Detail = body.Detail
	case fieldErrors:
		var lines []string
		for _, field := range body {
			lines = append(lines, field.name+": "+strings.Join(field.texts, " "))
		}
		out.Detail = strings.Join(lines, " ")
	}
	switch status {
	case http.StatusUnauthorized:
		out.Error = account.ErrServiceUnknown.Code
	case http.StatusForbidden:
		out.Error = account.ErrServiceScope.Code
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		out.Error = "temporarily_unavailable"
	case http.StatusInternalServerError:
		out.Error = "server_error"
	}
	if errors.Is(err, account.ErrTokenUnsupported) {
		out.Error, out.Detail = account.ErrTokenUnsupported.Code, locale.Text(language, account.ErrTokenUnsupported.Code, nil)
	}
	return out
}
