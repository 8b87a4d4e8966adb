package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/payload"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// wireCase is a request and what the reference, Django with REST framework
// and simplejwt, answered to it; see testdata/wire/README.md.
type wireCase struct {
	ID           string                   `json:"id"`
	Method       string                   `json:"method"`
	Path         string                   `json:"path"`
	RawBody      json.RawMessage          `json:"body"`
	ContentType  *string                  `json:"ct"`
	Headers      map[string]string        `json:"headers"`
	Setup        bool                     `json:"setup"`
	Mint         map[string]any           `json:"mint"`
	Match        string                   `json:"match"` // "", "full", "shape" or "status"
	MatchHeaders []string                 `json:"match_headers"`
	MustMatch    *bool                    `json:"must_match"`
	Expect       map[string]wireExpection `json:"expect"`

	file   string
	untrue bool // since it was recorded
}

// body is what to send, and whether to send any. Some hold half a surrogate
// pair, which encoding/json would replace; package payload keeps its bytes.
func (c wireCase) body(t *testing.T) (string, bool) {
	t.Helper()
	if len(c.RawBody) == 0 || string(c.RawBody) == "null" {
		return "", false
	}
	v, err := payload.Decode("application/json", c.RawBody)
	body, isText := v.(string)
	if err != nil || !isText {
		t.Fatalf("%s: body: %v", c.ID, err)
	}
	return body, true
}

type wireExpection struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// value is what a body says, without the order in which it says it.
func (e wireExpection) value(t *testing.T) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(e.Body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// keysInOrder lists the keys of every object in a JSON text, as they come:
// people are shown the first field of an error.
func keysInOrder(text []byte) []string {
	var keys []string
	d := json.NewDecoder(bytes.NewReader(text))
	var walk func() bool
	walk = func() bool {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		switch tok {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return false
				}
				keys = append(keys, key.(string))
				if !walk() {
					return false
				}
			}
			_, err = d.Token()
		case json.Delim('['):
			for d.More() {
				if !walk() {
					return false
				}
			}
			_, err = d.Token()
		}
		return err == nil
	}
	walk()
	return keys
}

// leaked are the rows whose password has leaked, and which the reference takes. They are about how
// like a name a password may be; Django has no such list.
var leaked = regexp.MustCompile(`^register/password-((first|last)-(half(-2)?|short-1))$`)

// TestWireMatchesTheReference plays every recorded row against the server, on
// both engines: in a language on the one and in another on the other, so that
// a third of the rows is played in each. In make test-long it is each language on
// SQLite; what an engine says is in no language. Rows of leaked passwords are
// refused, and get the reference's answer from a server without the list.
func TestWireMatchesTheReference(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		turn, all := 0, yoozaktest.Long(0, 1) == 1
		if strings.HasSuffix(t.Name(), "/postgres") {
			turn, all = 1, false
		}
		withoutList := newServer(t, s.store, func(o *settings) { o.auth.Breached = nil })
		for n, language := range []string{"en", "fr", "ar"} {
			t.Run(language, func(t *testing.T) {
				t.Parallel()
				played := 0
				for i, c := range wireCases(t) {
					if (i+turn)%3 == n || all {
						s.playOne(t, withoutList, c, language)
						played++
					}
				}
				if played < 700 {
					t.Errorf("%d rows were played", played)
				}
			})
		}
	})
}

// playOne plays a row in one language.
func (s *server) playOne(t *testing.T, withoutList *server, c wireCase, language string) {
	t.Helper()
	if c.MustMatch != nil && !*c.MustMatch || c.untrue {
		return // the reference does what a good server should not, or what it did here once
	}
	plays := s
	if c.file == "more.json" && leaked.MatchString(c.ID) {
		s.refusesLeaked(t, c, language)
		plays = withoutList
	}
	if problem := plays.play(t, c, language); problem != "" {
		t.Errorf("%s %s [%s]:\n%s", c.file, c.ID, language, problem)
	}
}

// grow says of the rows of the profile what has changed since they were
// recorded: PATCH and DELETE do something there now, so Allow names them,
// and the rows where the reference refuses them are no longer true.
func (c *wireCase) grow() {
	if strings.TrimSuffix(c.Path, "/") != strings.TrimSuffix(mePath, "/") {
		return
	}
	for _, e := range c.Expect {
		if e.Headers["allow"] == "GET, HEAD, OPTIONS" {
			e.Headers["allow"] = "GET, PATCH, DELETE, HEAD, OPTIONS"
		}
		c.untrue = e.Status == http.StatusMethodNotAllowed && (c.Method == http.MethodPatch || c.Method == http.MethodDelete)
	}
}

func (s *server) refusesLeaked(t *testing.T, c wireCase, language string) {
	t.Helper()
	status, _, data := s.send(t, c, language, newWireValues(t, s, c, language))
	fields, _ := decoded(data).(map[string]any)
	messages, _ := fields["password"].([]any)
	want := locale.Text(language, "password_breached", nil)
	if status != http.StatusBadRequest || len(messages) == 0 || messages[len(messages)-1] != want {
		t.Errorf("%s [%s]: %d %v, want %q at the end", c.ID, language, status, decoded(data), want)
	}
}

// TestNoWireRowIsAnsweredBy500 plays the rows where the reference fails.
func TestNoWireRowIsAnsweredBy500(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for _, c := range wireCases(t) {
			if c.MustMatch == nil || *c.MustMatch {
				continue
			}
			status, header, body := s.send(t, c, "en", newWireValues(t, s, c, "en"))
			// net/http itself refuses what is not HTTP, in plain text.
			notHTTP := status == http.StatusBadRequest && header.Get("X-Request-Id") == ""
			if status >= 500 || header.Get("Content-Type") != "application/json" && !notHTTP {
				t.Errorf("%s: %d %s %s", c.ID, status, header.Get("Content-Type"), body)
			}
		}
	})
}

// wireCases are the rows of all files, which nobody changes.
func wireCases(t *testing.T) []wireCase {
	t.Helper()
	cases, err := readWireCases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

var readWireCases = sync.OnceValues(func() (all []wireCase, err error) {
	files, err := filepath.Glob("testdata/wire/*.json")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var cases []wireCase
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&cases); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i := range cases {
			cases[i].file = filepath.Base(file)
			cases[i].grow()
		}
		all = append(all, cases...)
	}
	return all, nil
})

// wireValues fill the placeholders of a row: {{u}} a user who exists, {{new}}
// a name that nobody has, and so on.
type wireValues map[string]string

// randomName has letters that no password of the rows is made of: by chance
// one would be too similar to a name.
func randomName(prefix string) string {
	const letters = "ghjqvwxyz"
	b := make([]byte, 12)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return prefix + string(b)
}

func newWireValues(t *testing.T, s *server, c wireCase, language string) wireValues {
	t.Helper()
	u := randomName("u")
	v := wireValues{"u": u, "U": strings.ToUpper(u), "new": randomName("n"), "pw": goodPassword, "pwq": url.QueryEscape(goodPassword)}
	if !c.Setup {
		return v
	}
	a := s.post(t, registerPath, `{"username":"`+u+`","password":"`+goodPassword+`","email":"`+u+`@example.ma","first_name":"A","last_name":"B"}`, "Accept-Language", language)
	if a.status != http.StatusCreated {
		t.Fatalf("%s: setup: %d %s", c.ID, a.status, a.body)
	}
	v["access"], v["refresh"] = a.field("access"), a.field("refresh")
	id := s.user(t, u).ID
	v["id"] = strconv.FormatInt(id, 10)
	if c.Mint != nil {
		v["mint"] = mint(c.Mint, v["access"], id)
	}
	return v
}

var placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)

func (v wireValues) fill(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		if value, ok := v[m[2:len(m)-2]]; ok {
			return value
		}
		return m
	})
}

// mint makes a token with the server's secret: a row's claims over those of
// a token that Django would issue.
func mint(spec map[string]any, access string, userID int64) string {
	now := time.Now().Unix()
	claims := map[string]any{"token_type": "access", "exp": now + 3600, "iat": now, "jti": randomName("j"), "user_id": userID}
	issued := payloadOf(access)
	for _, name := range []string{"sid", "sub", "iss", "aud"} {
		if v, ok := issued[name]; ok {
			claims[name] = v
		}
	}
	if id, ok := spec["user_id"]; ok && id != "str" {
		delete(claims, "sub")
	}
	alg, key := "HS256", djangoSecret
	for name, v := range spec {
		literal, _ := v.(json.Number)
		number, notInteger := literal.Int64()
		switch {
		case name == "alg":
			alg = v.(string)
		case name == "key":
			key = v.(string)
		case v == nil:
			delete(claims, name)
		case literal != "" && notInteger == nil && slices.Contains([]string{"exp", "iat", "nbf"}, name):
			claims[name] = now + number
		case v == "str":
			claims[name] = strconv.FormatInt(userID, 10)
		default:
			claims[name] = v
		}
	}
	encode := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := encode(map[string]any{"alg": alg, "typ": "JWT"}) + "." + encode(claims)
	if alg == "none" {
		return text + "."
	}
	hashes := map[string]func() hash.Hash{"HS512": sha512.New, "HS384": sha512.New384}
	h, ok := hashes[alg]
	if !ok {
		h = sha256.New
	}
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func payloadOf(jwt string) map[string]any {
	var claims map[string]any
	if parts := strings.Split(jwt, "."); len(parts) == 3 {
		b, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(b, &claims)
	}
	return claims
}

// send plays a row's request as it stands: net/http's client would mend or
// refuse some of the headers.
func (s *server) send(t *testing.T, c wireCase, language string, v wireValues) (int, http.Header, []byte) {
	t.Helper()
	body, there := c.body(t)
	body = v.fill(body)
	headers := map[string]string{"Accept-Language": language}
	for name, value := range c.Headers {
		headers[name] = latin1(v.fill(value))
	}
	if c.ContentType != nil && *c.ContentType != "" {
		headers["Content-Type"] = *c.ContentType
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n", c.Method, v.fill(c.Path))
	if there {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	for name, value := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n" + body)
	res, err := s.raw(t, c.Method, b.String())
	if err != nil {
		t.Fatalf("%s: %v", c.ID, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", c.ID, err)
	}
	return res.StatusCode, res.Header, data
}

func decoded(data []byte) any {
	var out any
	if len(data) > 0 && json.Unmarshal(data, &out) != nil {
		out = map[string]any{"<not json>": true}
	}
	return out
}

// latin1 puts a text on the wire as the recorder did: a byte a character.
func latin1(s string) string {
	var b []byte
	for _, c := range s {
		if c > 255 {
			c = '?'
		}
		b = append(b, byte(c))
	}
	return string(b)
}

var (
	jwtText  = regexp.MustCompile(`^[\w-]{10,}\.[\w-]{10,}\.[\w-]*$`)
	timeText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
)

// mask replaces what differs from run to run.
func mask(v any, names [][2]string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = mask(x, names)
		}
	case []any:
		for i, x := range v {
			v[i] = mask(x, names)
		}
	case string:
		if jwtText.MatchString(v) {
			return fmt.Sprintf("<jwt %v>", payloadOf(v)["token_type"])
		}
		if timeText.MatchString(v) {
			return "<time>"
		}
		for _, n := range names {
			v = strings.ReplaceAll(v, n[0], n[1])
		}
		return v
	}
	return v
}

func maskID(v any) {
	m, _ := v.(map[string]any)
	for _, d := range []any{m, m["user"]} {
		if d, ok := d.(map[string]any); ok {
			if _, isNumber := d["id"].(float64); isNumber {
				d["id"] = "<int>"
			}
		}
	}
}

// shape is a body without its texts.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = shape(x)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, x := range v {
			out = append(out, shape(x))
		}
		return out
	default:
		return fmt.Sprintf("%T", v)
	}
}

// translated puts the reference's text into a body where the reference has
// only the English one and ours is another: package locale has a test that it
// is not English.
func translated(english, want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		e, _ := english.(map[string]any)
		g, _ := got.(map[string]any)
		for k := range want {
			if v, there := g[k]; there {
				g[k] = translated(e[k], want[k], v)
			}
		}
	case []any:
		e, _ := english.([]any)
		g, _ := got.([]any)
		for i := range min(len(want), len(e), len(g)) {
			g[i] = translated(e[i], want[i], g[i])
		}
	case string:
		if text, is := got.(string); is && want == english && strings.Contains(want, " ") && text != want {
			return want
		}
	}
	return got
}

// play returns how the answer differs from the reference's, or "".
func (s *server) play(t *testing.T, c wireCase, language string) string {
	t.Helper()
	want, ok := c.Expect[language]
	if !ok {
		return "nothing was recorded"
	}
	v := newWireValues(t, s, c, language)
	status, header, data := s.send(t, c, language, v)
	body := mask(decoded(data), [][2]string{{v["u"], "<u>"}, {v["new"], "<new>"}, {v["U"], "<U>"}})
	maskID(body)

	var problems []string
	if status != want.Status {
		problems = append(problems, fmt.Sprintf("  status %d, want %d", status, want.Status))
	}
	if c.Match != "status" {
		names := c.MatchHeaders
		if names == nil {
			names = []string{"www-authenticate", "content-type"}
		}
		for _, name := range names {
			w, there := want.Headers[name]
			got := header.Get(name)
			if name == "content-type" {
				got, _, _ = strings.Cut(got, ";")
			}
			if got != w && (there || c.MatchHeaders != nil) {
				problems = append(problems, fmt.Sprintf("  %s %q, want %q", name, got, w))
			}
		}
		wantBody := want.value(t)
		if got, w := keysInOrder(data), keysInOrder(want.Body); c.Match != "shape" && !slices.Equal(got, w) {
			problems = append(problems, fmt.Sprintf("  keys in the order %v, want %v", got, w))
		}
		if c.Match == "shape" {
			body, wantBody = shape(body), shape(wantBody)
		}
		if header.Get("Content-Language") != "en" && status >= http.StatusBadRequest {
			body = translated(c.Expect["en"].value(t), wantBody, body)
		}
		if !reflect.DeepEqual(body, wantBody) {
			got, _ := json.Marshal(body)
			w, _ := json.Marshal(wantBody)
			problems = append(problems, fmt.Sprintf("  body %s\n  want %s", got, w))
		}
	}
	return strings.Join(problems, "\n")
}
