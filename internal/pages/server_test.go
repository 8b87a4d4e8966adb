package pages_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/pages"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/web"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	firstPassword = "kV7#pazouk-42lemon"
	nextPassword  = "Olive-Tagine-77-moon"
)

var req = account.RequestInfo{IP: "203.0.113.7", UserAgent: "Phone/1.0", Language: "fr"}

// server is the pages behind the API, on a real store, with mails in a folder.
type server struct {
	url    string
	client *http.Client
	app    *app.App
	store  *store.Store
	folder string
	log    *yoozaktest.Buffer // everything that was logged
	build  func(*store.Store) *app.App
	brand  string
	shop   shop.Shop
	closed bool // YOOZAK_ACCOUNT_PAGES=off
	noForm bool // YOOZAK_REGISTRATION_PAGE=off
	https  bool // people come by it
	tokens *token.Tokens
	clock  *yoozaktest.Clock
}

func newServer(t *testing.T, st *store.Store, change ...func(*app.Options)) *server {
	t.Helper()
	s := &server{store: st, brand: "Yoozak", folder: t.TempDir(), log: new(yoozaktest.Buffer), clock: yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 56, 56, 0, time.UTC))}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sender, err := mail.NewFolder(s.folder, "Yoozak <bonjour@yoozak.example>")
	if err != nil {
		t.Fatal(err)
	}
	hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 64, Time: 1, Threads: 1}})
	t.Cleanup(hasher.Close)
	tokens := token.New(token.Options{Algorithm: "ES256", Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour})
	options := app.Options{
		Now: s.clock.Now, Log: log,
		Breached: breach.New(breach.Options{List: true}),
		Mail: app.Mail{
			Sender: sender, Verify: true, Delivers: true, PerAddress: 1000,
			Link: func(kind account.ChallengeKind, token, language string) string {
				return pages.Link("https://accounts.example", kind, token, language)
			},
		},
	}
	for _, c := range change {
		c(&options)
	}
	s.tokens = tokens
	s.build = func(st *store.Store) *app.App { return app.New(st, tokens, hasher, options) }
	s.app = s.build(st)
	if err := s.app.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.serve(t, s.app)
	var delivery sync.WaitGroup
	delivery.Go(func() { s.app.Outbox.Run(t.Context()) }) // ends before clean-ups begin
	t.Cleanup(delivery.Wait)
	return s
}

func (s *server) serve(t *testing.T, service *app.App) {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	people := pages.New(pages.Options{Auth: service.Auth, Guard: service.Guard, Log: log, Brand: s.brand, Shop: s.shop, Account: !s.closed, Register: !s.noForm})
	ours := api.New(api.Options{Auth: service.Auth, Guard: service.Guard, Log: log})
	srv := httptest.NewServer(web.New(web.Options{Log: log, LogRequests: true, Language: "fr", HTTPS: s.https},
		map[string]http.Handler{"/": ours, pages.Path: people, "GET /{$}": people.Home(ours)}))
	t.Cleanup(srv.Close)
	s.url, s.client = srv.URL, srv.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

func forEachEngine(t *testing.T, test func(t *testing.T, s *server), change ...func(*app.Options)) {
	t.Helper()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) { test(t, newServer(t, st, change...)) })
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request; headers are name, value pairs.
func (s *server) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(data)}
}

func (s *server) get(t *testing.T, path string) answer {
	t.Helper()
	return s.call(t, http.MethodGet, path, "")
}

// post presses a page's button; fields are name, value pairs.
func (s *server) post(t *testing.T, path string, fields ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.call(t, http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// setPassword fills in the page that sets one.
func (s *server) setPassword(t *testing.T, path, plain string) answer {
	t.Helper()
	return s.post(t, path, "new_password", plain, "repeat", plain)
}

func (s *server) register(t *testing.T, username string) *auth.Caller {
	t.Helper()
	g, err := s.app.Auth.Register(t.Context(), req, auth.Registration{
		Username: account.TextInput(username), Password: account.TextInput(firstPassword), Email: account.TextInput(address(username)),
	})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := s.app.Auth.Authenticate(t.Context(), g.Access)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func address(username string) string { return username + "@example.ma" }

func (s *server) opens(t *testing.T, username, plain string) bool {
	t.Helper()
	_, err := s.app.Auth.Login(t.Context(), req, auth.Credentials{Username: account.TextInput(username), Password: account.TextInput(plain)})
	return err == nil
}

func (s *server) user(t *testing.T, username string) account.User {
	t.Helper()
	u, err := s.store.UserByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// received waits for the first mail of a kind.
func (s *server) received(t *testing.T, kind account.MailKind, to string) mailtest.Mail {
	t.Helper()
	return mailtest.Wait(t, s.folder, string(kind), to, 1)
}

// kinds are the pages that a mail leads to.
var kinds = []account.ChallengeKind{account.ResetPassword, account.VerifyEmail, account.ConfirmEmail, account.UndoEmail}

// link has a link of a kind mailed to a new user and returns its path.
func (s *server) link(t *testing.T, kind account.ChallengeKind, username string) mailtest.Mail {
	t.Helper()
	caller := s.register(t, username)
	switch kind {
	case account.VerifyEmail:
		return s.received(t, account.MailVerifyEmail, address(username))
	case account.ResetPassword:
		if err := s.app.Auth.RequestReset(t.Context(), req, account.TextInput(address(username)), account.Input{}); err != nil {
			t.Fatal(err)
		}
		return s.received(t, account.MailResetPassword, address(username))
	}
	if kind == account.UndoEmail { // which only a proved address gets
		u := s.user(t, username)
		err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.SetProof(t.Context(), u.ID, u.Email, u.JoinedAt)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := s.app.Auth.ChangeEmail(t.Context(), caller, auth.EmailChange{Password: account.TextInput(firstPassword), Email: account.TextInput("new-" + address(username))})
	if err != nil {
		t.Fatal(err)
	}
	m := s.received(t, account.MailConfirmEmail, "new-"+address(username))
	if kind == account.ConfirmEmail {
		return m
	}
	if err := s.app.Auth.ConfirmEmail(t.Context(), req, account.TextInput(m.Token)); err != nil {
		t.Fatal(err)
	}
	return s.received(t, account.MailEmailChanged, address(username))
}
