package api

import (
	"net/http"

	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/web"
)

// The token by which a device is known comes and goes beside the bodies: in a
// header for apps and for pages of another origin, in a cookie for pages of
// ours, which no script can read. A browser sends the cookie by itself, and
// that does no harm: it opens nothing.

// withDeviceToken is in the answers that make a device known.
type withDeviceToken struct{ deviceToken string }

func (d withDeviceToken) device() string { return d.deviceToken }

// deviceToken is what the client shows, from the header before the cookie.
func deviceToken(w *web.ResponseWriter, r *http.Request) string {
	token := r.Header.Get(web.DeviceHeader)
	if token == "" {
		token = w.DeviceCookie(r)
	}
	if len(token) > guard.MaxDeviceToken {
		return ""
	}
	return token
}

// trustedToken is what the client shows of a trusted device.
func trustedToken(w *web.ResponseWriter, r *http.Request) string {
	token := r.Header.Get(web.TrustedHeader)
	if token == "" {
		token = w.TrustedCookie(r)
	}
	if len(token) > auth.MaxTrustedToken {
		return ""
	}
	return token
}

// setTrustedToken puts the token of an answer into its headers.
func (s *Server) setTrustedToken(w *web.ResponseWriter, out any) {
	grant, is := out.(tokenResponse)
	if !is || grant.trustedToken == "" {
		return
	}
	w.Header().Set(web.TrustedHeader, grant.trustedToken)
	w.SetTrustedCookie(grant.trustedToken, auth.TrustLifetime)
}

// setDeviceToken puts the token of an answer into its headers.
func (s *Server) setDeviceToken(w *web.ResponseWriter, out any) {
	token := ""
	if d, has := out.(interface{ device() string }); has {
		token = d.device()
	}
	if token == "" {
		return
	}
	w.Header().Set(web.DeviceHeader, token)
	w.SetDeviceCookie(token, guard.DeviceLifetime)
}
