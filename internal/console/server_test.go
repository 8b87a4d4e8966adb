package console_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/web"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// server is the console on a real store, with a shop's clock.
type server struct {
	*authtest.Server
	url    string
	client *http.Client
	log    *yoozaktest.Buffer
	https  bool
	system console.System
	setup  *console.Setup
	stops  func() bool
	folder bool          // mails stay in one
	ticks  time.Duration // by which the clock goes on each time that the console looks
}

func newServer(t *testing.T, st *store.Store, settings ...authtest.Setting) *server {
	t.Helper()
	s := &server{Server: authtest.New(t, st, settings...), log: new(yoozaktest.Buffer)}
	s.serve(t)
	t.Cleanup(func() {
		if t.Failed() {
			for line := range strings.Lines(s.log.String()) {
				if !strings.Contains(line, `"level":"INFO"`) {
					t.Log(line)
				}
			}
		}
	})
	return s
}

func onSQLite(t *testing.T, settings ...authtest.Setting) *server {
	t.Helper()
	return newServer(t, storetest.Open(t, storetest.SQLite(t)), settings...)
}

func (s *server) serve(t *testing.T) {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	zone, err := time.LoadLocation("Africa/Casablanca")
	if err != nil {
		t.Fatal(err)
	}
	desk := console.New(console.Options{Auth: s.Auth, Staff: s.Staff, Guard: s.Guard, Log: log, Brand: "Yoozak", Shop: shop.Shop{Zone: zone}, Now: s.ticking, System: s.system, Setup: s.setup, Stopping: s.stops, MailsStay: s.folder,
		Forgot: func(language string) string { return "/account/forgot-password/?lang=" + language }})
	srv := httptest.NewServer(web.New(web.Options{Log: log, LogRequests: true, Language: "fr", HTTPS: s.https},
		map[string]http.Handler{"/": http.NotFoundHandler(), console.Path: desk}))
	t.Cleanup(srv.Close)
	s.url, s.client = srv.URL, srv.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

// answer is a response that was read; sent is how many bytes came.
type answer struct {
	status int
	header http.Header
	body   string
	sent   int
}

// text is what is read, without markup.
func (a answer) text() string {
	plain := regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`).ReplaceAllString(a.body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(plain)), " ")
}

// browser keeps cookies and says where its requests come from.
type browser struct {
	*server
	cookies map[string]string
	site    string // Sec-Fetch-Site; empty: it is too old to say
	lang    string
	agent   string // who logged in last, whose number is in the forms that they open
}

func (s *server) ticking() time.Time {
	s.Clock.Advance(s.ticks)
	return s.Clock.Now()
}

func (s *server) browser() *browser {
	return &browser{server: s, cookies: map[string]string{}, site: "same-origin", lang: "fr"}
}

func (b *browser) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if b.site != "" {
		req.Header.Set("Sec-Fetch-Site", b.site)
	}
	req.Header.Set("Accept-Language", b.lang)
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Header, string(data), len(data)}
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		a.body = string(plain)
	}
	for _, c := range res.Cookies() {
		if c.Path != "/" && c.Path != console.Path { // it would not come back
			continue
		}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a
}

func (b *browser) open(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return b.ask(t, http.MethodGet, path, "", headers...)
}

// send presses a button; fields are name, value pairs.
func (b *browser) send(t *testing.T, path string, fields ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	if b.agent != "" && !form.Has("agent") {
		form.Set("agent", b.agent)
	}
	return b.ask(t, http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// leadsTo fails unless the answer sends the browser on to an address.
func (a answer) leadsTo(t *testing.T, from, want string) {
	t.Helper()
	at, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	to, err := at.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusSeeOther || to.String() != want {
		t.Fatalf("%s: %d to %s, want %s; %v\n%s", from, a.status, to, want, err, a.text())
	}
}

// field is the value of a hidden field.
func (a answer) field(t *testing.T, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("no field %s:\n%s", name, a.body)
	}
	return html.UnescapeString(m[1])
}

// member is somebody of the staff.
type member struct {
	account.User
	seed []byte
}

// hires registers somebody with a factor and gives them a role.
func (s *server) hires(t *testing.T, username string, role account.Role) member {
	t.Helper()
	u := s.SignUp(t, username).User
	m := member{u, s.AddTOTP(t, u.ID)}
	s.setRole(t, u.ID, role)
	return m
}

func (s *server) setRole(t *testing.T, id int64, role account.Role) {
	t.Helper()
	now := s.Clock.Now()
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		return tx.SetStaff(ctx, account.StaffMember{UserID: id, Role: role, GivenAt: now, AcceptedAt: now})
	})
}

// logIn goes through both steps; each code is good once, so that the clock goes on.
func (b *browser) logIn(t *testing.T, m member) {
	t.Helper()
	b.Clock.Advance(time.Minute)
	b.send(t, "/console/login", "username", m.Username, "password", authtest.Good).leadsTo(t, "/console/login", "/console/login/factor")
	form := b.open(t, "/console/login/factor")
	b.send(t, "/console/login/factor", "bound", form.field(t, "bound"), "code", totp.Code(m.seed, totp.StepAt(b.Clock.Now()))).leadsTo(t, "/console/login/factor", "/console/")
	b.agent = strconv.FormatInt(m.ID, 10)
}

// works is the browser of somebody of the staff who is logged in.
func (s *server) works(t *testing.T, username string, role account.Role) (*browser, member) {
	t.Helper()
	m := s.hires(t, username, role)
	b := s.browser()
	b.logIn(t, m)
	return b, m
}

// has registers a customer.
func (s *server) has(t *testing.T, username, first, last string) account.User {
	t.Helper()
	g, err := s.Register(t.Context(), authtest.Elsewhere(), auth.Registration{
		Username: account.TextInput(username), Password: account.TextInput(authtest.PasswordOf(username)), Email: account.TextInput(username + "@example.ma"),
		FirstName: account.TextInput(first), LastName: account.TextInput(last),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g.User
}

func setStaff(m account.StaffMember) func(context.Context, *store.Store) error {
	return func(ctx context.Context, tx *store.Store) error { return tx.SetStaff(ctx, m) }
}

func takeStaff(id int64) func(context.Context, *store.Store) error {
	return func(ctx context.Context, tx *store.Store) error { return tx.DeleteStaff(ctx, id) }
}
