package web

import (
	"net/http"
	"time"
)

// The token by which a browser is known opens nothing.
const deviceCookie = "yoozak_device"

// The token of a trusted device opens nothing without the password.
const trustedCookie = "yoozak_trusted"

// SetDeviceCookie lets the browser keep the token by which it is known.
func (w *ResponseWriter) SetDeviceCookie(token string, lifetime time.Duration) {
	w.SetHostCookie(deviceCookie, token, lifetime, http.SameSiteLaxMode)
}

// DeviceCookie is the device token that a browser kept; empty: none. Browsers
// that were known before the cookie had its prefix show it without.
func (w *ResponseWriter) DeviceCookie(r *http.Request) string {
	if token := w.HostCookie(r, deviceCookie); token != "" {
		return token
	}
	return cookieOf(r, deviceCookie)
}

// hostCookie has the prefix that keeps names of the same domain, and
// connections without TLS, from setting the cookie (RFC 6265bis, section
// 4.1.3.2). On plain HTTP, which is for this machine, browsers refuse it.
func (w *ResponseWriter) hostCookie(name string) string {
	if w.Client.HTTPS {
		return "__Host-" + name
	}
	return name
}

// SetHostCookie lets the browser keep a value for this host alone, which no
// script can read: for some time, or until it is closed if that is zero.
func (w *ResponseWriter) SetHostCookie(name, value string, lifetime time.Duration, mode http.SameSite) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever there is HTTPS; http:// is for this machine
		Name: w.hostCookie(name), Value: value, Path: "/", MaxAge: int(lifetime.Seconds()), HttpOnly: true, SameSite: mode, Secure: w.Client.HTTPS,
	})
}

// HostCookie is what the browser kept by [ResponseWriter.SetHostCookie]; empty:
// nothing.
func (w *ResponseWriter) HostCookie(r *http.Request, name string) string {
	return cookieOf(r, w.hostCookie(name))
}

// SetTrustedCookie lets the browser keep the token of a trusted device.
func (w *ResponseWriter) SetTrustedCookie(token string, lifetime time.Duration) {
	w.SetHostCookie(trustedCookie, token, lifetime, http.SameSiteLaxMode)
}

// TrustedCookie is the token of a trusted device that the browser kept; empty:
// none.
func (w *ResponseWriter) TrustedCookie(r *http.Request) string {
	return w.HostCookie(r, trustedCookie)
}

func cookieOf(r *http.Request, name string) string {
	if len(r.Header["Cookie"]) == 0 {
		return ""
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
