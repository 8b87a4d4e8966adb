package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Paths of the API.
const (
	authPath     = "/api/clients/auth/"
	registerPath = authPath + "register/"
	loginPath    = authPath + "login/"
	refreshPath  = authPath + "token/refresh/"
	verifyPath   = authPath + "token/verify/"
	logoutPath   = authPath + "logout/"
	sessionsPath = authPath + "sessions/"
	changePath   = authPath + "password/change/"
	resetPath    = authPath + "password/reset/"
	confirmReset = authPath + "password/reset/confirm/"
	emailChange  = authPath + "email/change/"
	emailConfirm = authPath + "email/change/confirm/"
	emailUndo    = authPath + "email/change/undo/"
	emailVerify  = authPath + "email/verify/"
	mePath       = "/api/clients/clients/me/"
	securityPath = mePath + "security/"
	exportPath   = mePath + "export/"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// person is somebody with an account and what they hold.
type person struct {
	id                    int64
	name, email, password string
	access, refresh       string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// String shows no tokens: these come with success.
func (a answer) String() string {
	if a.status < 400 {
		return fmt.Sprint(a.status)
	}
	return fmt.Sprintf("%d %.300s", a.status, a.body)
}

// field is a text of a JSON body, or "".
func (a answer) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(a.body), &m)
	text, _ := m[name].(string)
	return text
}

// traces of a program that lost its way.
var traces = []string{"goroutine ", "runtime error", "panic:", ".go:", "sqlstate", "sql:", "sqlite", "pgx", "json: cannot", "no such column", "syntax error"}

// checkAnswer is what no attack may bring about, whatever else it does.
func checkAnswer(t *testing.T, a answer) {
	t.Helper()
	if a.status >= 500 || a.status >= 300 && a.status < 400 {
		t.Errorf("the answer is %s", a)
	}
	lower := strings.ToLower(a.body)
	if a.status < 400 {
		lower = "" // tokens are made of all letters
	}
	for _, trace := range traces {
		if strings.Contains(lower, trace) {
			t.Errorf("%q in the answer %s", trace, a)
		}
	}
	for name := range a.header {
		if strings.EqualFold(name, injected) || name == "Set-Cookie" && !onlyOurs(a.header[name]) || name == "Location" || name == "Refresh" || name == "Server" || name == "X-Powered-By" {
			t.Errorf("the answer has the header %s", name)
		}
	}
	if got := a.header.Get("X-Content-Type-Options"); a.header.Get("X-Request-Id") != "" && got != "nosniff" {
		t.Errorf("X-Content-Type-Options is %q", got)
	}
}

var pageCookies = []string{"yoozak_account", "yoozak_code", "yoozak_confirm", "yoozak_note", "yoozak_second"}

// onlyOurs reports whether these are cookies that pages set, which no script
// reads.
func onlyOurs(cookies []string) bool {
	for _, c := range cookies {
		name, rest, _ := strings.Cut(c, "=")
		if !slices.Contains(pageCookies, strings.TrimPrefix(name, "__Host-")) || !strings.Contains(rest, "HttpOnly") {
			return false
		}
	}
	return true
}

// send makes a request; a body may be a string, or anything that is JSON.
// The headers are names and values in turn.
func (s *server) send(t *testing.T, method, path string, body any, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, s.url+path, reader) //nolint:noctx // the client has a time-out
	if err != nil {
		t.Fatal(err)
	}
	if reader != nil {
		req.Header.Set("Content-Type", jsonType)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header[http.CanonicalHeaderKey(headers[i])] = []string{headers[i+1]}
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Errorf("%s %.60s: no answer: %v", method, path, err) // not the end of the test: it may be one of many at once
		return answer{}
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s %.60s: half an answer: %v", method, path, err)
		return answer{}
	}
	a := answer{res.StatusCode, res.Header, string(data)}
	checkAnswer(t, a)
	if path == registerPath && a.status == http.StatusCreated {
		s.registered.Add(1)
	}
	s.keep(a.field("access"), a.field("refresh"))
	return a
}

// as is send with somebody's access token.
func (s *server) as(t *testing.T, p person, method, path string, body any, headers ...string) answer {
	t.Helper()
	return s.send(t, method, path, body, append([]string{"Authorization", "Bearer " + p.access}, headers...)...)
}

type fields map[string]any

// newName is a name that nobody has.
func (s *server) newName() string { return fmt.Sprintf("person%d", s.names.Add(1)) }

// newPerson registers somebody.
func (s *server) newPerson(t *testing.T) person {
	t.Helper()
	name := s.newName()
	return s.register(t, name, name+"@customers.example")
}

// rename asks for another name, with the password.
func (s *server) rename(t *testing.T, p person, name string) answer {
	t.Helper()
	return s.as(t, p, http.MethodPatch, mePath, fields{"username": name, "password": p.password})
}

// opens fails unless a name with somebody's password opens their account.
func (s *server) opens(t *testing.T, name string, p person) {
	t.Helper()
	a := s.login(t, name, p.password)
	if got := s.me(t, a.field("access")).field("username"); got != p.name {
		t.Errorf("%s with the password of %s opens %q: %s", name, p.name, got, a)
	}
}

// prove shows that somebody reads their mailbox.
func (s *server) prove(t *testing.T, p person) {
	t.Helper()
	var own letter
	eventually(t, "a verification of "+p.name, func() bool {
		for _, l := range s.mailsTo(t, "verify_email", p.email) {
			if strings.Contains(strings.ReplaceAll(l.text, "\u200b", ""), p.name) {
				own = l
			}
		}
		return own.token != ""
	})
	wants(t, s.token(t, emailVerify, own.token), http.StatusNoContent)
}

func (s *server) register(t *testing.T, name, email string) person {
	t.Helper()
	p := person{name: name, email: email, password: fmt.Sprintf("kV7#pazouk-%d-lemon", s.names.Add(1))}
	s.keep(p.password)
	a := s.send(t, http.MethodPost, registerPath, fields{"username": p.name, "password": p.password, "email": p.email})
	wants(t, a, http.StatusCreated)
	var body struct {
		User struct {
			ID       int64
			Username string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatal(err)
	}
	p.id, p.name, p.access, p.refresh = body.User.ID, body.User.Username, a.field("access"), a.field("refresh")
	return p
}

func (s *server) login(t *testing.T, name, password string) answer {
	t.Helper()
	return s.send(t, http.MethodPost, loginPath, fields{"username": name, "password": password})
}

// normal is what the normal user does after every attack.
func (s *server) normal(t *testing.T) {
	t.Helper()
	a := s.as(t, s.user, http.MethodGet, mePath, nil)
	if a.status != http.StatusOK || a.field("username") != s.user.name || a.field("email") != s.user.email {
		t.Errorf("the normal user's profile afterwards: %s", a)
	}
}

// wants fails unless the status is one of those.
func wants(t *testing.T, a answer, statuses ...int) {
	t.Helper()
	for _, status := range statuses {
		if a.status == status {
			return
		}
	}
	t.Errorf("the answer is %s, want %v", a, statuses)
}
