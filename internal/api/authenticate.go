package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/web"
)

var refreshRequired = []string{"true"}

// authenticate returns the caller, or nil when the request has no
// "Authorization: Bearer" at all. It marks the answer when the token has
// little time left.
func (s *Server) authenticate(ctx context.Context, w *web.ResponseWriter, r *http.Request) (*auth.Caller, error) {
	raw, err := bearer(r)
	if err != nil || raw == "" {
		return nil, err
	}
	caller, err := s.auth.Authenticate(ctx, raw)
	if err != nil {
		var e *account.Error
		if errors.As(err, &e) && e.Kind == account.Unauthorized {
			return nil, &badAccessToken{cause: e}
		}
		return nil, err
	}
	if caller.ExpiresIn < s.o.RefreshHint {
		w.Header()[web.RefreshHeader] = refreshRequired
	}
	return caller, nil
}

// agent returns who of the staff a caller is, if their role has a permission.
func (s *Server) agent(ctx context.Context, caller *auth.Caller, needs account.Permission) (*staff.Agent, error) {
	agent, err := s.o.Staff.Agent(ctx, caller)
	if err != nil {
		return nil, err
	}
	return agent, s.o.Staff.May(ctx, agent, needs)
}

// bearer reads the header as simplejwt does: the scheme is "Bearer" exactly,
// another one is as good as none, and what follows is one word.
func bearer(r *http.Request) (string, error) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", nil
	}
	header := values[0]
	if len(values) > 1 {
		header = strings.Join(values, ",")
	}
	// The usual form, without walking over the token.
	if raw, ok := strings.CutPrefix(header, "Bearer "); ok && raw != "" && strings.IndexByte(raw, ' ') < 0 && strings.IndexByte(raw, '\t') < 0 {
		return raw, nil
	}
	parts := strings.FieldsFunc(header, func(c rune) bool {
		return c == ' ' || c >= '\t' && c <= '\r'
	})
	switch {
	case len(parts) == 0 || parts[0] != "Bearer":
		return "", nil
	case len(parts) != 2:
		return "", errBadAuthHeader
	}
	return parts[1], nil
}
