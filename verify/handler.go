package verify

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
)

type userKey struct{}

// UserFrom is whom the request belongs to, behind [Verifier.Handler].
func UserFrom(ctx context.Context) (User, bool) {
	u, ok := ctx.Value(userKey{}).(User)
	return u, ok
}

// Handler lets requests through that have a good access token in their
// Authorization header (RFC 6750, section 2.1), with its user in their
// context. Others are answered here: 401 with WWW-Authenticate, or 503 with
// Retry-After while nothing can be said of any token. Why is in the log only;
// but for a token whose user has to show more, which says so (RFC 9470).
//
// Pages of other origins ask before they send a token, without one: have
// what answers CORS preflights around this handler.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := bearer(r)
		if err == nil {
			var u User
			if u, err = v.Verify(r.Context(), raw); err == nil {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, u)))
				return
			}
		}
		v.refuse(w, r, err)
	})
}

var (
	errNoToken   = errors.New("there is none")
	errBadHeader = errors.New("the Authorization header is not \"Bearer\" and one token")
)

// bearer reads the one Authorization header. The name of the scheme has no
// case (RFC 9110, section 11.1).
func bearer(r *http.Request) (string, error) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", errNoToken
	}
	scheme, raw, found := strings.Cut(values[0], " ")
	raw = strings.Trim(raw, " ")
	if len(values) > 1 || !found || !strings.EqualFold(scheme, "Bearer") || raw == "" || strings.ContainsAny(raw, " \t,") {
		return "", errBadHeader
	}
	return raw, nil
}

func (v *Verifier) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var unavailable *UnavailableError
	status := http.StatusUnauthorized
	switch {
	case errors.As(err, &unavailable):
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(unavailable.RetryAfter.Seconds()))))
	case r.Context().Err() != nil: // the client is gone
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	case errors.Is(err, errNoToken): // RFC 6750, section 3: no error code where nothing was shown
		w.Header().Set("WWW-Authenticate", `Bearer realm="api"`)
	case errors.Is(err, ErrStrength): // RFC 9470, section 3
		challenge := `Bearer realm="api", error="insufficient_user_authentication", error_description="the user has to show more, or again, who they are"`
		if v.o.MaxAuthAge > 0 {
			challenge += `, max_age="` + strconv.Itoa(int(v.o.MaxAuthAge.Seconds())) + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
	}
	v.o.Log.InfoContext(r.Context(), "request refused", "status", status, "reason", err.Error())
	w.Header().Set("Cache-Control", "no-store")
	if v.o.Refuse != nil {
		v.o.Refuse(w, r, status)
		return
	}
	body := `{"detail":"The access token is missing or not valid.","code":"token_not_valid"}`
	if errors.Is(err, ErrStrength) {
		body = `{"detail":"Please confirm that it is you, then try again.","code":"insufficient_user_authentication"}`
	}
	if status == http.StatusServiceUnavailable {
		body = `{"detail":"Access tokens cannot be verified now. Please try again.","code":"unavailable"}`
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the client may be gone: there is nobody to tell
}
