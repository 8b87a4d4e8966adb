package api

import (
	"net/http"

	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/web"
)

// The token by which a device is known comes and goes beside the bodies: in a
// header for apps and for pages of another origin, in a cookie for pages of
// ours, which no script can read. A browser sends the cookie by itself, and
// that does no harm: it opens nothing.
const (
	deviceCookie = "yoozak_device"
	devicePath   = "/api/clients/auth/"
)

// withDeviceToken is in the answers that make a device known.
type withDeviceToken struct{ deviceToken string }

// deviceToken is what the client shows, from the header before the cookie.
func deviceToken(r *http.Request) string {
	token := r.Header.Get(web.DeviceHeader)
	if token == "" && len(r.Header["Cookie"]) > 0 {
		if c, err := r.Cookie(deviceCookie); err == nil {
			token = c.Value
		}
	}
	if len(token) > guard.MaxDeviceToken {
		return ""
	}
	return token
}

// setDeviceToken puts the token of an answer into its headers.
func (s *Server) setDeviceToken(w *web.ResponseWriter, out any) {
	var token string
	switch out := out.(type) {
	case tokenResponse:
		token = out.deviceToken
	case withDeviceToken:
		token = out.deviceToken
	}
	if token == "" {
		return
	}
	w.Header().Set(web.DeviceHeader, token)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever there is HTTPS; http:// is for this machine
		Name: deviceCookie, Value: token, Path: devicePath, MaxAge: int(guard.DeviceLifetime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: w.Client.HTTPS,
	})
}
