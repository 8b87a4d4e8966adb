package authtest

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/token"
)

const Bad = "not-the-password-1"

// Limited turns limits on, counted in memory by the test's clock, so that
// what is tested is the guard of passwords. Each try comes from an address
// of its own.
func Limited(o *app.Options, _ *token.Options) {
	l := guard.NewLimiter(guard.LimiterOptions{Now: o.Now, Log: slog.New(slog.DiscardHandler)})
	o.Limits = l
}

var addresses atomic.Uint32

// Elsewhere is somebody at an address that nobody had before.
func Elsewhere() account.RequestInfo {
	n := addresses.Add(1)
	return account.RequestInfo{IP: fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255), Language: "fr"}
}

// attempt logs in from elsewhere, or with a device.
func (s *Server) Try(t testing.TB, username, plain, device string) (auth.LoginResult, error) {
	t.Helper()
	p := Elsewhere()
	p.DeviceToken = device
	return s.Login(t.Context(), p, auth.Credentials{Username: account.TextInput(username), Password: account.TextInput(plain)})
}

// Outcome is an error in a word: "", "invalid_credentials" or the wait.
func Outcome(err error) string {
	var e *account.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return err.Error()
	case e.Kind == account.Throttled:
		return e.Wait.String()
	}
	return e.Code
}

func Throttled(err error) bool {
	var e *account.Error
	return errors.As(err, &e) && e.Kind == account.Throttled
}

// MailFreely lets a network and an address cause as many mails as they like.
func MailFreely(o *app.Options, _ *token.Options) {
	o.Mail.PerAddress = 1_000_000
}

// Knows reports whether a device is known: then its owner gets in while
// strangers have used up their tries.
func (s *Server) Knows(t *testing.T, username, device string) bool {
	t.Helper()
	for range 6 {
		if _, err := s.Try(t, username, Bad, ""); err == nil {
			t.Fatal("a wrong password was taken")
		}
	}
	_, err := s.Try(t, username, Good, device)
	return err == nil
}

// OnDevice registers somebody on a device.
func (s *Server) OnDevice(t *testing.T, username string) (device string) {
	t.Helper()
	return s.SignUp(t, username).Device
}
