// Package authtest starts the parts that internal/app puts together, on a
// database and a clock of a test's, and does what many tests begin with.
package authtest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	Good         = "kV7#pazouk-42lemon"
	DjangoSecret = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"
)

// For whom passkeys are in tests.
const (
	RPID          = "shop.example"
	Origin        = "https://shop.example"
	AndroidOrigin = "android:apk-key-hash:ESIzRFVmd4iZqrvM3e7_ABEiM0RVZneImaq7zN3u_wA"
)

var Req = account.RequestInfo{IP: "203.0.113.7", UserAgent: "Phone/1.0", Language: "ar", RequestID: "request-7"}

// Server is a Service with all that it stands on.
type Server struct {
	*auth.Service
	*app.App
	Store  *store.Store
	Tokens *token.Tokens
	Clock  *yoozaktest.Clock
}

type Setting func(*app.Options, *token.Options)

func Rotation(o *app.Options, _ *token.Options) { o.Rotation = true }

func HS256(_ *app.Options, t *token.Options) {
	t.Algorithm = "HS256"
	t.Secret = secret.NewBytes([]byte(DjangoSecret))
}

// Accepting signs with ES256 and takes Django's tokens until they expire.
func Accepting(_ *app.Options, t *token.Options) { t.Accept = secret.NewBytes([]byte(DjangoSecret)) }

func Quietly(w io.Writer) Setting {
	return func(o *app.Options, _ *token.Options) { o.Log = slog.New(slog.NewTextHandler(w, nil)) }
}

func OnePerAddress(o *app.Options, _ *token.Options) { o.OnePerAddress = true }

func EraseAfter30Days(o *app.Options, _ *token.Options) { o.EraseAfter = 30 * 24 * time.Hour }

func New(t *testing.T, st *store.Store, settings ...Setting) *Server {
	t.Helper()
	s := Unloaded(t, st, settings...)
	if err := s.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Unloaded is a server that has not read its keys yet.
func Unloaded(t *testing.T, st *store.Store, settings ...Setting) *Server {
	t.Helper()
	c := yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC))
	ao := app.Options{
		Now: c.Now, Log: slog.New(slog.DiscardHandler),
		Passkeys: auth.PasskeyOptions{RPID: RPID, Name: "Yoozak", Origins: []string{Origin, AndroidOrigin}},
	}
	to := token.Options{Algorithm: "ES256", Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour}
	for _, set := range settings {
		set(&ao, &to)
	}
	hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 64, Time: 1, Threads: 1}})
	t.Cleanup(hasher.Close)
	tokens := token.New(to)
	a := app.New(st, tokens, hasher, ao)
	return &Server{Service: a.Auth, App: a, Store: st, Tokens: tokens, Clock: c}
}

// ForEachEngine runs a test with a server on each engine.
func ForEachEngine(t *testing.T, test func(t *testing.T, s *Server), settings ...Setting) {
	t.Helper()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		test(t, New(t, st, settings...))
	})
}

func Registration(username string) auth.Registration {
	return auth.Registration{Username: account.TextInput(username), Password: account.TextInput(Good), Email: account.TextInput(username + "@Example.MA")}
}

// Accounts of these tests have passwords of their own, so that it shows whose
// account a login opens.
func PasswordOf(username string) string { return "kV7#tagine-of-" + username }

func (s *Server) SignUp(t *testing.T, username string) auth.LoginResult {
	t.Helper()
	g, err := s.Register(t.Context(), Req, Registration(username))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Has registers an account with a password of its own.
func (s *Server) Has(t *testing.T, username, email string) auth.LoginResult {
	t.Helper()
	g, err := s.Register(t.Context(), Elsewhere(), auth.Registration{
		Username: account.TextInput(username), Password: account.TextInput(PasswordOf(username)), Email: account.TextInput(email),
	})
	if err != nil {
		t.Fatalf("register %s with %s: %v", username, email, err)
	}
	return g
}

// Claims registers an account that claims an address.
func (s *Server) Claims(t *testing.T, username, email string) auth.LoginResult {
	t.Helper()
	r := Registration(username)
	r.Email = account.TextInput(email)
	g, err := s.Register(t.Context(), Elsewhere(), r)
	if err != nil {
		t.Fatalf("register %s: %v", username, err)
	}
	return g
}

func (s *Server) SignIn(t *testing.T, username, plain string) (auth.LoginResult, error) {
	t.Helper()
	return s.Login(t.Context(), Req, auth.Credentials{Username: account.TextInput(username), Password: account.TextInput(plain)})
}

func (s *Server) Renew(t *testing.T, raw string) (auth.TokenPair, error) {
	t.Helper()
	return s.Refresh(t.Context(), Req, account.TextInput(raw))
}

// CallerOf is who has the access token of a grant, with the test's peer.
func (s *Server) CallerOf(t *testing.T, g auth.LoginResult) *auth.Caller {
	t.Helper()
	c, err := s.Authenticate(t.Context(), g.Access)
	if err != nil {
		t.Fatal(err)
	}
	c.Request = Req
	return c
}

// Prove notes that somebody reads the mailbox of their address.
func (s *Server) Prove(t *testing.T, g auth.LoginResult) {
	t.Helper()
	err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
		return tx.SetProof(t.Context(), g.User.ID, g.User.Email, s.Clock.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Server) AskEmailChange(t *testing.T, g auth.LoginResult, email string) error {
	t.Helper()
	return s.ChangeEmail(t.Context(), s.CallerOf(t, g), auth.EmailChange{Password: account.TextInput(Good), Email: account.TextInput(email)})
}

func (s *Server) SweepAll(t *testing.T) {
	t.Helper()
	if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}

// FieldKeys are the keys of the messages of each field.
func FieldKeys(err error) map[string][]string {
	var e *account.Error
	if !errors.As(err, &e) {
		return nil
	}
	m := map[string][]string{}
	for field, messages := range e.Fields {
		for _, msg := range messages {
			m[field] = append(m[field], msg.Key)
		}
	}
	return m
}

// DjangoToken is a token as simplejwt issues it: without sid, sub and iss.
func DjangoToken(t *testing.T, s *Server, typ token.Type, userID int64, id string) string {
	t.Helper()
	lifetime := map[token.Type]time.Duration{token.Access: time.Hour, token.Refresh: 24 * time.Hour}
	now := s.Clock.Now()
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"token_type": string(typ), "exp": now.Add(lifetime[typ]).Unix(), "iat": now.Unix(), "jti": id, "user_id": userID,
	}).SignedString([]byte(DjangoSecret))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func Write(t *testing.T, st *store.Store, fn func(ctx context.Context, tx *store.Store) error) {
	t.Helper()
	if err := st.Tx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// Eventually polls until something is so.
func Eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to this")
		}
	}
}

// Opens fails unless a name with the password of an account opens it, or
// nothing where it must not.
func (s *Server) Opens(t *testing.T, name, passwordFrom string, want bool) {
	t.Helper()
	g, err := s.SignIn(t, name, PasswordOf(passwordFrom))
	switch {
	case want && (err != nil || g.User.Username != passwordFrom):
		t.Errorf("login as %s with the password of %s: %q, %v; want it open", name, passwordFrom, g.User.Username, err)
	case !want && !errors.Is(err, account.ErrInvalidCredentials):
		t.Errorf("login as %s with the password of %s: %q, %v; want it refused", name, passwordFrom, g.User.Username, err)
	}
}

func (s *Server) SessionCount(t *testing.T, c *auth.Caller) int {
	t.Helper()
	list, err := s.Sessions(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	sec, err := s.Security(t.Context(), c)
	if err != nil || sec.Sessions != len(list) {
		t.Fatalf("%d sessions in the list, %d counted, %v", len(list), sec.Sessions, err)
	}
	return len(list)
}

// Reason is one that staff may give.
const Reason = "asked for by telephone"

// IDOf is the id of who has a username; zero: nobody.
func (s *Server) IDOf(t *testing.T, username string) int64 {
	t.Helper()
	u, err := s.Store.UserByUsername(t.Context(), account.NormalizeUsername(username))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return u.ID
}
