// Package openapi compares the document of the API with what servers answer,
// and has it judged by linters.
package openapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/openapi"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// server is one whose answers become examples, in a language.
type server struct {
	base, lang, mails, database string
	env                         []string
	neutral                     *neutral
	examples                    []openapi.Example
}

func start(t *testing.T, lang string, env ...string) *server {
	t.Helper()
	s := &server{lang: lang, mails: filepath.Join(t.TempDir(), "mails"), neutral: &neutral{began: time.Now(), sessions: map[string]string{}}}
	// As a phone in Morocco sees it, behind a proxy.
	s.env = append([]string{"YOOZAK_MAIL_FOLDER=" + s.mails, "YOOZAK_TRUSTED_PROXIES=127.0.0.1/32", "YOOZAK_MAIL_PER_ADDRESS=1000", "YOOZAK_PASSKEY_RP_ID=" + rpID, "YOOZAK_PASSKEY_ORIGINS=" + origin}, append(yoozaktest.CheapHashes, env...)...)
	running := yoozaktest.Start(t, s.env...)
	s.base, s.database = running.URL, filepath.Join(running.Dir, "yoozak.db")
	return s
}

// answer is what a request got.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// field is a text or number of the body.
func (a answer) field(name string) string {
	a.t.Helper()
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil {
		a.t.Fatalf("%v: %d %s", err, a.status, a.body)
	}
	return fmt.Sprint(body[name])
}

const (
	userAgent = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36"
	address   = "203.0.113.7" // RFC 5737
)

// send makes a request; headers are name, value pairs.
func (s *server) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/api/clients/" + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept-Language": s.lang, "User-Agent": userAgent, "X-Forwarded-For": address} {
		req.Header.Set(name, value)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{t, res.StatusCode, res.Header, data}
}

// example makes a request whose answer, which must be the one expected (a
// status, and the code of an error), is kept as an example of an operation.
func (s *server) example(t *testing.T, operation, want, method, path, body string, headers ...string) answer {
	t.Helper()
	a := s.send(t, method, path, body, headers...)
	code := a.header.Get("X-Error-Code")
	if got := strings.TrimSpace(fmt.Sprint(a.status) + " " + code); got != want {
		t.Fatalf("%s: %s %s is answered by %q, want %q: %s", operation, method, path, got, want, a.body)
	}
	e := openapi.Example{Operation: operation, Name: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), Status: a.status}
	e.Type, _, _ = strings.Cut(a.header.Get("Content-Type"), ";")
	if strings.Contains(e.Type, "json") && e.Type != "application/x-ndjson" || len(a.body) == 0 {
		e.Type, e.Response = "", s.neutral.json(t, a.body)
	} else {
		e.Response = s.neutral.json(t, []byte(quoted(string(a.body))))
	}
	if code != "" {
		e.Name = fmt.Sprintf("%d %s", a.status, code)
	}
	if json.Valid([]byte(body)) {
		e.Request = s.neutral.json(t, []byte(body))
	}
	for _, name := range []string{"X-Error-Code", "X-Device-Token", "X-Trusted-Device", "X-Code-Id", "Retry-After", "WWW-Authenticate"} {
		value := a.header.Get(name)
		if neutral := neutralHeaders[name]; neutral != "" && value != "" {
			value = neutral
		}
		if value != "" {
			if e.Headers == nil {
				e.Headers = map[string]string{}
			}
			e.Headers[name] = value
		}
	}
	s.examples = append(s.examples, e)
	return a
}

// neutralHeaders stand in for what opens something.
var neutralHeaders = map[string]string{"X-Device-Token": "token_device", "X-Trusted-Device": "token_trusted", "X-Code-Id": "token_code_id"}

// neutral replaces what differs from run to run, and what must not stand in a
// document: tokens, ids, times.
type neutral struct {
	began    time.Time
	sessions map[string]string
}

var (
	jwtText     = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]*`)
	linkText    = regexp.MustCompile(`"[\w-]{43}"`)
	timeText    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	sessionText = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	keyText     = regexp.MustCompile(`"(kid|x|y|request_id|jti)":"[^"]*"`)
	secondsText = regexp.MustCompile(`"(exp|iat|auth_time)":\d+`)
	sealedText  = regexp.MustCompile(`"number":(null|\d+)`)
	pageText    = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	cursorText  = regexp.MustCompile(`cursor=[\w%-]+`)
)

// day is that of the specification's examples, as the documents have it.
var day = time.Date(2026, 11, 25, 15, 16, 56, 0, time.UTC)

func (n *neutral) json(t *testing.T, body []byte) json.RawMessage {
	t.Helper()
	if len(body) == 0 {
		return nil
	}
	text := string(body)
	text = jwtText.ReplaceAllStringFunc(text, tokenName)
	text = linkText.ReplaceAllString(neutralFactors(text), `"token_link"`)
	text = keyText.ReplaceAllStringFunc(text, func(m string) string {
		name := keyText.FindStringSubmatch(m)[1]
		return `"` + name + `":"` + map[string]string{
			"kid": "k-2026-11-25", "jti": "5f0b7e8c9a6d4e3f8b2c1d0e9f8a7b6c", "request_id": "0190c5b2f6d84a3d9c1e7f5a2b4c6d8e",
			"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", // of RFC 7515, A.3
		}[name] + `"`
	})
	text = sessionText.ReplaceAllStringFunc(text, n.session)
	text = sealedText.ReplaceAllString(text, `"number":7`) // an event is sealed a moment after it was written
	text = pageText.ReplaceAllString(text, "https://clients.exemple.ma/")
	text = cursorText.ReplaceAllString(text, "cursor=curseur")
	text = secondsText.ReplaceAllStringFunc(text, func(m string) string {
		name, _, _ := strings.Cut(m, ":")
		at := map[string]time.Time{`"iat"`: day, `"auth_time"`: day, `"exp"`: day.Add(time.Hour)}[name]
		return fmt.Sprintf("%s:%d", name, at.Unix())
	})
	text = timeText.ReplaceAllStringFunc(text, func(m string) string {
		at, err := time.Parse(time.RFC3339, m)
		if err != nil {
			t.Fatal(err)
		}
		return day.Add(at.Sub(n.began).Round(time.Hour)).Format("2006-01-02T15:04:05.000Z")
	})
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return out.Bytes()
}

// tokenName is "token_access" or "token_refresh", as the specification has it.
func tokenName(jwt string) string {
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	var claims struct {
		Type string `json:"token_type"`
	}
	_ = json.Unmarshal(payload, &claims) // ours
	return "token_" + claims.Type
}

// session is another id for each session.
func (n *neutral) session(id string) string {
	for _, fixed := range n.sessions {
		if fixed == id {
			return id
		}
	}
	if n.sessions[id] == "" {
		n.sessions[id] = fmt.Sprintf("97d500e91ed96da1264317425%07x", 0x06daad5+len(n.sessions))
	}
	return n.sessions[id]
}
