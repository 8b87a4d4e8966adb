package web

import (
	"net/http"
	"time"
)

// A browser keeps the token by which it is known in a cookie, once for each
// place of ours that asks it: the API and the pages, or the console. It goes to no other path,
// no script can read it, and it opens nothing.
const deviceCookie = "yoozak_device"

// The token of a trusted device opens nothing without the password, and a
// browser keeps it for this host alone.
const trustedCookie = "yoozak_trusted"

var devicePaths = []string{"/api/clients/auth/", "/account/"}

// SetDeviceCookie lets the browser keep a device token for the API and the
// pages, or, if it is given, for another path.
func (w *ResponseWriter) SetDeviceCookie(token string, lifetime time.Duration, at ...string) {
	if len(at) == 0 {
		at = devicePaths
	}
	for _, path := range at {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever there is HTTPS; http:// is for this machine
			Name: deviceCookie, Value: token, Path: path, MaxAge: int(lifetime.Seconds()),
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: w.Client.HTTPS,
		})
	}
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

// DeviceCookie is the device token that a browser kept; empty: none.
func DeviceCookie(r *http.Request) string { return cookieOf(r, deviceCookie) }

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
