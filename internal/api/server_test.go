package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/breach"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/web"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	goodPassword = "kV7#pazouk-42lemon"
	djangoSecret = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"
)

// server is the whole API over HTTP, on a real store.
type server struct {
	url     string
	client  *http.Client
	handler http.Handler
	app     *app.App
	auth    *auth.Service
	store   *store.Store
	tokens  *token.Tokens
	log     *yoozaktest.Buffer // everything that was logged
	mails   string             // the folder that mails are written to
	clock   *clock             // what the rules take for now
}

// clock is the time of day, moved on by a test, which may also stop it.
type clock struct {
	ahead   atomic.Int64
	stopped atomic.Pointer[time.Time]
}

func (c *clock) now() time.Time {
	at := time.Now()
	if s := c.stopped.Load(); s != nil {
		at = *s
	}
	return at.Add(time.Duration(c.ahead.Load()))
}

func (c *clock) advance(by time.Duration) { c.ahead.Add(int64(by)) }

func (c *clock) stop() {
	at := time.Now()
	c.stopped.Store(&at)
}

type settings struct {
	api    api.Options
	web    web.Options
	auth   app.Options
	tokens token.Options
	clock  *clock
	lose   *store.Store // takes the place of the database once keys are loaded
}

func newServer(t testing.TB, st *store.Store, change func(*settings)) *server {
	t.Helper()
	s := &server{store: st, log: new(yoozaktest.Buffer), mails: filepath.Join(t.TempDir(), "mails"), clock: new(clock)}
	sender, err := mail.NewFolder(s.mails, "Yoozak <no-reply@yoozak.ma>")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := settings{
		clock: s.clock,
		api:   api.Options{Log: log, RefreshHint: 5 * time.Minute},
		web:   web.Options{Ready: st.Ready, Log: log, LogRequests: true, Language: "fr"},
		auth: app.Options{
			Log: log, Now: s.clock.now,
			Passkeys:   auth.PasskeyOptions{RPID: authtest.RPID, Name: "Yoozak", Origins: []string{authtest.Origin}},
			EraseAfter: 30 * 24 * time.Hour, Breached: breach.New(breach.Options{List: true}),
			Mail: app.Mail{
				Sender: sender, Delivers: true, PerAddress: 1000,
				Link: func(kind account.ChallengeKind, token, _ string) string {
					return "https://shop.example/" + string(kind) + "#" + token
				},
			},
		},
		tokens: token.Options{Algorithm: "HS256", Secret: secret.NewBytes([]byte(djangoSecret)), Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour},
	}
	if change != nil {
		change(&o)
	}
	hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 64, Time: 1, Threads: 1}})
	t.Cleanup(hasher.Close)
	s.tokens = token.New(o.tokens)
	s.app = app.New(st, s.tokens, hasher, o.auth)
	if err := s.app.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o.lose != nil {
		s.app = app.New(o.lose, s.tokens, hasher, o.auth)
	}
	ctx, stop := context.WithCancel(context.Background())
	var delivery sync.WaitGroup
	delivery.Go(func() { s.app.Outbox.Run(ctx) })
	t.Cleanup(func() {
		stop()
		delivery.Wait()
	})
	s.auth = s.app.Auth
	o.api.Auth, o.api.Staff, o.api.Guard, o.api.Keys = s.auth, s.app.Staff, s.app.Guard, s.tokens.JWKS
	s.handler = web.New(o.web, map[string]http.Handler{"/": api.New(o.api)})
	srv := httptest.NewServer(recorder().around(s.handler))
	t.Cleanup(srv.Close)
	s.url, s.client = srv.URL, srv.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

func forEachEngine(t *testing.T, change func(*settings), test func(t *testing.T, s *server)) {
	t.Helper()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		test(t, newServer(t, st, change))
	})
}

func (s *server) logged() string { return s.log.String() }

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// field returns a text of a JSON body.
func (a answer) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(a.body), &m)
	s, _ := m[name].(string)
	return s
}

// call sends a request; headers are name, value pairs.
func (s *server) call(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
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
	a := answer{res.StatusCode, res.Header, string(data)}
	if isError := a.status >= http.StatusBadRequest; isError != (a.header.Get(web.ErrorHeader) != "") {
		t.Errorf("%s %s: %d with the code %q", method, path, a.status, a.header.Get(web.ErrorHeader))
	}
	return a
}

func (s *server) post(t testing.TB, path, body string, headers ...string) answer {
	t.Helper()
	return s.call(t, http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

const (
	registerPath = "/api/clients/auth/register/"
	loginPath    = "/api/clients/auth/login/"
	refreshPath  = "/api/clients/auth/token/refresh/"
	passkeysPath = "/api/clients/auth/factors/passkeys/"
	mePath       = "/api/clients/clients/me/"
)

func (s *server) register(t testing.TB, username string) answer {
	t.Helper()
	a := s.post(t, registerPath, `{"username":"`+username+`","password":"`+goodPassword+`","email":"`+username+`@example.ma","first_name":"Prénom","last_name":"Nom"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.status, a.body)
	}
	return a
}

func (s *server) me(t testing.TB, access string) answer {
	t.Helper()
	return s.call(t, http.MethodGet, mePath, "", "Authorization", "Bearer "+access)
}

// user is a name that a test may look up in the store.
func (s *server) user(t testing.TB, username string) account.User {
	t.Helper()
	u, err := s.store.UserByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
