package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/web"
)

func es256(o *settings) {
	o.tokens.Algorithm, o.tokens.Secret = "ES256", secret.Bytes{}
}

// TestSpecificationsFourAnswers: not a field more, none less.
func TestSpecificationsFourAnswers(t *testing.T) {
	t.Parallel()
	forEachEngine(t, es256, func(t *testing.T, s *server) {
		grant := `{"refresh":"*","access":"*","user":{"id":1,"username":"amina","email":"amina@example.ma","first_name":"Prénom","last_name":"Nom"},"token_info":{"expires_at":"*","issued_at":"*","type":"Bearer"}}`
		registered := s.register(t, "amina")
		loggedIn := s.post(t, loginPath, `{"username":"amina","password":"`+goodPassword+`"}`)
		for name, a := range map[string]answer{"register": registered, "login": loggedIn} {
			masked := a.body
			for _, text := range []string{a.field("refresh"), a.field("access")} {
				masked = strings.Replace(masked, text, "*", 1)
			}
			for _, part := range []string{"expires_at", "issued_at"} {
				_, after, _ := strings.Cut(masked, `"`+part+`":"`)
				at, _, _ := strings.Cut(after, `"`)
				if _, err := time.Parse("2006-01-02T15:04:05.000Z", at); err != nil || !strings.HasSuffix(at, ".000Z") {
					t.Errorf("%s: %s is %q", name, part, at)
				}
				masked = strings.Replace(masked, at, "*", 1)
			}
			if masked != grant {
				t.Errorf("%s:\ngot  %s\nwant %s", name, masked, grant)
			}
		}
		if loggedIn.status != http.StatusOK {
			t.Errorf("login: %d", loggedIn.status)
		}
		refreshed := s.post(t, refreshPath, `{"refresh":"`+loggedIn.field("refresh")+`"}`)
		if want := `{"access":"` + refreshed.field("access") + `"}`; refreshed.status != http.StatusOK || refreshed.body != want {
			t.Errorf("refresh: %d %s", refreshed.status, refreshed.body)
		}
		me := s.me(t, refreshed.field("access"))
		if want := `{"id":1,"username":"amina","email":"amina@example.ma","first_name":"Prénom","last_name":"Nom"}`; me.status != http.StatusOK || me.body != want {
			t.Errorf("me: %d %s", me.status, me.body)
		}
	})
}

func TestRefreshHintComesInTheLastMinutesOnly(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		claims, err := s.tokens.Verify(s.register(t, "amina").field("access"), token.Access, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for left, want := range map[time.Duration]string{4 * time.Minute: "true", 6 * time.Minute: ""} {
			short, _, err := s.tokens.Issue(token.Access, claims.UserID, claims.SessionID, "x", time.Now().Add(left-time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			for name, a := range map[string]answer{
				"me":           s.me(t, short),
				"wrong method": s.call(t, http.MethodPut, mePath, "", "Authorization", "Bearer "+short),
			} {
				if got := a.header.Get("X-Token-Refresh-Required"); got != want {
					t.Errorf("%s, %v left: %q, want %q", name, left, got, want)
				}
			}
		}
		if a := s.me(t, "junk"); a.header.Get("X-Token-Refresh-Required") != "" {
			t.Error("a refused token has the hint")
		}
	})
}

// TestAnswersGoByTheServicesClock: a token is judged by it, so what an answer
// says of its end, or of now, is by no other.
func TestAnswersGoByTheServicesClock(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		access := s.register(t, "amina").field("access")
		if got := s.me(t, access).header.Get("X-Token-Refresh-Required"); got != "" {
			t.Errorf("at first: %q", got)
		}
		s.clock.advance(57 * time.Minute)
		if got := s.me(t, access).header.Get("X-Token-Refresh-Required"); got != "true" {
			t.Errorf("57 minutes later: %q, want \"true\"", got)
		}
		access = s.post(t, loginPath, `{"username":"amina","password":"`+goodPassword+`"}`).field("access") // an export wants a proof that is not old
		a := s.call(t, http.MethodGet, "/api/clients/clients/me/export/", "", "Authorization", "Bearer "+access)
		at, err := time.Parse(time.RFC3339, a.field("exported_at"))
		if err != nil || at.Sub(time.Now().Add(57*time.Minute)).Abs() > time.Minute {
			t.Errorf("exported_at is %v, %v: %s", at, err, a.body)
		}
	})
}

func TestRotationAnswersWithARefreshToken(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) { o.auth.Rotation = true }, func(t *testing.T, s *server) {
		first := s.register(t, "amina").field("refresh")
		a := s.post(t, refreshPath, `{"refresh":"`+first+`"}`)
		if a.status != http.StatusOK || a.field("refresh") == "" || a.field("refresh") == first {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestCORSForConfiguredOriginsOnly(t *testing.T) {
	t.Parallel()
	change := func(o *settings) { o.web.CORSOrigins = []string{"https://shop.example"} }
	forEachEngine(t, change, func(t *testing.T, s *server) {
		for origin, want := range map[string]string{"https://shop.example": "https://shop.example", "https://evil.example": "", "https://shop.example.evil.example": "", "null": ""} {
			a := s.call(t, http.MethodGet, mePath, "", "Origin", origin)
			if got := a.header.Get("Access-Control-Allow-Origin"); a.status != http.StatusUnauthorized || got != want {
				t.Errorf("%s: %d, allowed %q, want %q", origin, a.status, got, want)
			}
			for _, name := range []string{"X-Token-Refresh-Required", "X-Error-Code"} {
				if exposed := strings.Contains(a.header.Get("Access-Control-Expose-Headers"), name); exposed != (want != "") {
					t.Errorf("%s: %s exposed %v", origin, name, exposed)
				}
			}
			if a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: credentials are allowed", origin)
			}
			p := s.call(t, http.MethodOptions, mePath, "", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
			if got := p.header.Get("Access-Control-Allow-Origin"); p.status != http.StatusNoContent || got != want {
				t.Errorf("preflight of %s: %d, allowed %q", origin, p.status, got)
			}
			if allowed := strings.Contains(p.header.Get("Access-Control-Allow-Headers"), "Authorization"); allowed != (want != "") {
				t.Errorf("preflight of %s: Authorization allowed %v", origin, allowed)
			}
		}
	})
}

func TestLargeBodiesAreRefused(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		fits := `{"username":"` + strings.Repeat("x", 60<<10) + `"}`
		large := `{"username":"` + strings.Repeat("x", 64<<10) + `"}`
		if a := s.post(t, loginPath, fits); a.status != http.StatusBadRequest {
			t.Errorf("60 KiB: %d", a.status)
		}
		if a := s.post(t, loginPath, large, "Accept-Language", "en"); a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.field("detail"), "64") {
			t.Errorf("64 KiB: %d %s", a.status, a.body)
		}
		// Without a Content-Length.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+loginPath, io.MultiReader(strings.NewReader(large)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("64 KiB in chunks: %d", res.StatusCode)
		}
	})
}

// TestWhoSendsTooMuchSlowlyReadsTheAnswer: a connection that closes while the
// sender still writes would be reset, and the 413 lost with it. Whoever asks
// before sending is answered at once.
func TestWhoSendsTooMuchSlowlyReadsTheAnswer(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		dial := func(headers string) net.Conn {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n\r\n", loginPath, headers); err != nil {
				t.Fatal(err)
			}
			return conn
		}
		status := func(conn net.Conn) int {
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("no answer: %v", err)
				return 0
			}
			_ = res.Body.Close()
			return res.StatusCode
		}
		part := strings.Repeat("x", 1<<20)
		conn := dial(fmt.Sprintf("Content-Length: %d", 2*len(part)))
		for range 2 {
			if _, err := io.WriteString(conn, part); err != nil {
				t.Fatal(err)
			}
			time.Sleep(700 * time.Millisecond) // more than net/http waits for a sender
		}
		if got := status(conn); got != http.StatusRequestEntityTooLarge {
			t.Errorf("2 MiB, slowly: %d", got)
		}
		if got := status(dial(fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue", len(part)))); got != http.StatusRequestEntityTooLarge {
			t.Errorf("asked first: %d", got)
		}
	})
}

func TestPathsWithoutTheirSlashAnswerDirectly(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		s.register(t, "amina")
		a := s.post(t, strings.TrimSuffix(loginPath, "/"), `{"username":"amina","password":"`+goodPassword+`"}`)
		if a.status != http.StatusOK {
			t.Errorf("login: %d %s", a.status, a.body)
		}
		if me := s.call(t, http.MethodGet, strings.TrimSuffix(mePath, "/"), "", "Authorization", "Bearer "+a.field("access")); me.status != http.StatusOK {
			t.Errorf("me: %d", me.status)
		}
		for _, path := range []string{"/nope", "/index.html", mePath + "x/", "/api/clients/auth/../clients/me/", "/..;/", "/%2e%2e/"} {
			if a := s.call(t, http.MethodGet, path, "", "Accept-Language", "en"); a.status != http.StatusNotFound || a.body != `{"detail":"Not found."}` {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		for _, path := range []string{"//api/clients/clients/me/", "/api//clients/clients/me/", loginPath + "/"} {
			if a := s.call(t, http.MethodGet, path, "", "Accept-Language", "en"); a.status != http.StatusNotFound || !strings.Contains(a.field("detail"), "must not end in a slash") {
				t.Errorf("%s: %d %s, want 404 and what to mend", path, a.status, a.body)
			}
		}
	})
}

// TestHomeSaysThatItWorks; what is beside it is as unknown as ever.
func TestHomeSaysThatItWorks(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for lang, want := range map[string]string{"fr": "Le service de comptes fonctionne.", "en": "The account service is running.", "ar": "خدمة الحسابات تعمل."} {
			a := s.call(t, http.MethodGet, "/", "", "Accept-Language", lang)
			if a.status != http.StatusOK || a.field("detail") != want || !strings.HasPrefix(a.field("documentation"), "https://") || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s", lang, a.status, a.body)
			}
		}
		if a := s.call(t, http.MethodHead, "/", ""); a.status != http.StatusOK || a.body != "" {
			t.Errorf("HEAD: %d %s", a.status, a.body)
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			if a := s.call(t, method, "/", "", "Accept-Language", "en"); a.status != http.StatusNotFound || a.body != `{"detail":"Not found."}` {
				t.Errorf("%s: %d %s", method, a.status, a.body)
			}
		}
	})
}

func TestLanguageOfTheAnswer(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for header, want := range map[string]string{"": "fr", "ar": "ar", "en-GB,en;q=0.9": "en", "de": "fr"} {
			var headers []string
			if header != "" {
				headers = []string{"Accept-Language", header}
			}
			a := s.call(t, http.MethodGet, mePath, "", headers...)
			texts := map[string]string{"fr": "Informations d'authentification non fournies.", "en": "Authentication credentials were not provided.", "ar": "لم يتم تزويد بيانات الدخول."}
			if a.field("detail") != texts[want] || a.header.Get("Content-Language") != want {
				t.Errorf("%q: %s, Content-Language %s", header, a.body, a.header.Get("Content-Language"))
			}
		}
	})
}

func TestEveryAnswerHasARequestIDAndIsNotKept(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		seen := map[string]bool{}
		for _, path := range []string{mePath, "/nope", "/healthz", loginPath} {
			a := s.call(t, http.MethodGet, path, "")
			id := a.header.Get("X-Request-Id")
			if id == "" || seen[id] {
				t.Errorf("%s: id %q", path, id)
			}
			seen[id] = true
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
				a.header.Get("Content-Security-Policy") != "default-src 'none'; base-uri 'none'; frame-ancestors 'none'" || a.header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: headers %v", path, a.header)
			}
		}
	})
}

// TestLogsHoldNothingSecret reads everything that a day's requests logged.
func TestLogsHoldNothingSecret(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) { o.auth.Rotation = true }, func(t *testing.T, s *server) {
		a := s.register(t, "amina")
		r := s.post(t, refreshPath, `{"refresh":"`+a.field("refresh")+`"}`)
		secrets := []string{goodPassword, "amina@example.ma", a.field("access"), a.field("refresh"), r.field("access"), r.field("refresh"), "hunter2", djangoSecret}
		s.post(t, loginPath, `{"username":"amina@example.ma","password":"hunter2"}`)
		s.post(t, loginPath, `{"username":"hunter2","password":`)
		s.me(t, a.field("access")+"x")
		s.call(t, http.MethodGet, "/nope/hunter2?token=hunter2", "")
		s.call(t, "HUNTER2", mePath, "")
		for _, text := range secrets {
			if strings.Contains(s.logged(), text) {
				t.Errorf("the log holds %q", text)
			}
		}
		if !strings.Contains(s.logged(), `"route":"Login"`) {
			t.Error("the log holds no login: nothing was tested")
		}
	})
}

func TestKeySetVerifiesTokensElsewhere(t *testing.T) {
	t.Parallel()
	forEachEngine(t, es256, func(t *testing.T, s *server) {
		raw := s.register(t, "amina").field("access")
		a := s.call(t, http.MethodGet, "/.well-known/jwks.json", "")
		parsed, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
		if err != nil {
			t.Fatal(err)
		}
		kid, _ := parsed.Header["kid"].(string)
		if a.status != http.StatusOK || kid == "" || !strings.Contains(a.body, `"kid":"`+kid+`"`) || strings.Contains(a.body, `"d":`) {
			t.Errorf("kid %q; %d %s", kid, a.status, a.body)
		}
	})
}

func TestUnavailableDatabaseIsA503(t *testing.T) {
	t.Parallel()
	change := func(o *settings) {
		o.web.Ready = func(context.Context) error { return errors.New("gone") }
	}
	forEachEngine(t, change, func(t *testing.T, s *server) {
		access := s.register(t, "amina").field("access")
		if a := s.call(t, http.MethodGet, "/readyz", ""); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("readyz: %d %v", a.status, a.header)
		}
		if a := s.call(t, http.MethodGet, "/healthz", ""); a.status != http.StatusOK {
			t.Errorf("healthz: %d", a.status)
		}
		gone, err := store.Open(t.Context(), "postgres://yoozak@127.0.0.1:1/gone", store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer gone.Close() //nolint:errcheck // it was never there
		if _, err := gone.UserByID(t.Context(), 1); !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("a database that is not there: %v", err)
		}
		lost := newServer(t, s.store, func(o *settings) { o.lose = gone })
		for name, a := range map[string]answer{
			"me":    lost.me(t, access),
			"login": lost.post(t, loginPath, `{"username":"amina","password":"x"}`),
		} {
			if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.field("detail") == "" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

// TestFieldErrorsComeInTheOrderOfTheRequest: pages show the first message,
// so it is the first field's, in whatever order the client sent them.
func TestFieldErrorsComeInTheOrderOfTheRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)), nil)
	p := newPerson(t, s)
	rows := []lifeRow{
		{method: "POST", path: registerPath, fields: []string{"username", "password", "email", "first_name", "last_name"}},
		{method: "POST", path: loginPath, fields: []string{"username", "password"}},
		{method: "PATCH", path: mePath, access: true, fields: []string{"username", "first_name", "last_name"}},
	}
	for _, r := range append(rows, lifeRows...) {
		if len(r.fields) < 2 {
			continue
		}
		backwards := "{"
		for i, field := range slices.Backward(r.fields) {
			backwards += `"` + field + `":null`
			if i > 0 {
				backwards += ","
			}
		}
		a := r.send(t, p, p.access, backwards+"}")
		if got := keysInOrder([]byte(a.body)); a.status != http.StatusBadRequest || !slices.Equal(got, r.fields) {
			t.Errorf("%s %s: %d %s, want the fields %v", r.method, r.path, a.status, a.body, r.fields)
		}
	}
}

// TestTakenAddressIsToldAsATakenName: in the shape and the order of the
// reference, where an address is for one account.
func TestTakenAddressIsToldAsATakenName(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) { o.auth.OnePerAddress = true }, func(t *testing.T, s *server) {
		s.register(t, "amina") // with amina@example.ma
		for language, want := range map[string]string{
			"fr": "Un utilisateur avec cette adresse e-mail existe déjà.", "en": "A user with that email address already exists.",
			"ar": "هناك مستخدم موجود مسبقاً بهذا البريد الإلكتروني.",
		} {
			a := s.post(t, registerPath, `{"username":"other","password":"`+goodPassword+`","email":"Amina@Example.MA"}`, "Accept-Language", language)
			if a.status != http.StatusBadRequest || a.body != `{"email":["`+want+`"]}` || a.header.Get(web.ErrorHeader) != "email=taken" {
				t.Errorf("%s: %d %s %q", language, a.status, a.body, a.header.Get(web.ErrorHeader))
			}
		}
		a := s.post(t, registerPath, `{"email":"amina@example.ma","username":"amina","first_name":null}`)
		if got := a.header.Get(web.ErrorHeader); got != "username=taken, password=required, email=taken, first_name=null" {
			t.Errorf("with other mistakes: %d %q", a.status, got)
		}
		if a := s.post(t, registerPath, `{"username":"other","password":"`+goodPassword+`","email":""}`); a.status != http.StatusCreated {
			t.Errorf("without an address: %d %s", a.status, a.body)
		}
	})
}

// TestAnotherCharsetIsUnsupported, in the caller's language and the
// reference's words.
func TestAnotherCharsetIsUnsupported(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, nil)
	const contentType = "application/json; charset=ISO-8859-1"
	for language, want := range map[string]string{
		"en": `Unsupported media type "` + contentType + `" in request.`,
		"fr": "Type de média «\u00a0" + contentType + "\u00a0» non supporté.",
		"ar": `الوسيط "` + contentType + `" الموجود في الطلب غير معتمد.`,
	} {
		a := s.call(t, http.MethodPost, loginPath, `{"username":"amina","password":"x"}`, "Content-Type", contentType, "Accept-Language", language)
		if a.status != http.StatusUnsupportedMediaType || a.field("detail") != want {
			t.Errorf("[%s] %d %s", language, a.status, a.body)
		}
	}
}

// TestJSONUnderAnotherType: the body is the reference's, which says "required"
// of every field; a header says why.
func TestJSONUnderAnotherType(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, nil)
	const form = "application/x-www-form-urlencoded"
	for _, row := range []struct {
		contentType, body string
		want              bool
	}{
		{form, `{"username":"amina","password":"x"}`, true},
		{form + "; charset=utf-8", `{"username":"amina"}`, true},
		{"multipart/form-data; boundary=B", `{}`, true},
		{"text/plain;charset=UTF-8", `{"username":"amina"}`, true},
		{"", `[]`, true},
		{form, "username=amina", false},
		{form, "", false},
		{"application/json", `{"username":"amina"}`, false},
		{"application/json; charset=utf-8", `{}`, false},
	} {
		a := s.call(t, http.MethodPost, loginPath, row.body, "Content-Type", row.contentType)
		if got := a.header.Get("X-Hint"); (got != "") != row.want || row.want && !strings.Contains(got, "application/json") {
			t.Errorf("%q of type %q: %d, hint %q", row.body, row.contentType, a.status, got)
		}
	}
	if a := s.call(t, http.MethodPost, loginPath, `{"username":"amina","password":"x"}`, "Content-Type", form, "Accept-Language", "en"); a.body != `{"username":["This field is required."],"password":["This field is required."]}` {
		t.Errorf("the body is not the reference's: %s", a.body)
	}
}
