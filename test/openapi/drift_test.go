package openapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/openapi"
)

// exchange is what internal/api/record_test.go writes.
type exchange struct {
	Method      string      `json:"method"`
	Path        string      `json:"path"`
	Request     http.Header `json:"request"`
	RequestBody []byte      `json:"request_body"`
	Status      int         `json:"status"`
	Header      http.Header `json:"header"`
	Body        []byte      `json:"body"`
}

func (x exchange) String() string {
	text := fmt.Sprintf("%s %s %.200s\n  is answered by %d %s %.300s", x.Method, x.Path, x.RequestBody, x.Status, x.Header.Get("X-Error-Code"), x.Body)
	return jwtText.ReplaceAllString(text, "a token")
}

// TestAnswersAreThoseOfTheDocument compares what the tests of package api
// asked and were answered with the document.
func TestAnswersAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	checkers := []*checker{newChecker(t, openapi.Document("en")), newChecker(t, openapi.StaffDocument("en"))}
	answers, requests, wrong := 0, 0, 0
	seen := map[string]bool{}
	for _, x := range recorded(t) {
		if problem := x.caching(); problem != "" {
			t.Errorf("%s\n  %s", problem, x)
		}
		c := checkers[0]
		op, ok := c.find(x)
		if !ok {
			c = checkers[1]
			op, ok = c.find(x)
		}
		if !ok || strings.Contains(x.Path, "?format=") { // the reference's switch of formats, of which there is one
			continue // an unknown path, another method: what every server refuses
		}
		answers++
		problems := c.answer(op, x)
		if x.Status < 300 && x.isJSON() {
			requests++
			problems = append(problems, c.request(op, x)...)
		}
		if len(problems) > 0 {
			if wrong++; wrong <= 20 {
				t.Errorf("%s: %v\n  %s", op.id, strings.Join(problems, "\n  "), x)
			}
		}
		seen[op.id+" "+strconv.Itoa(x.Status)] = true
		for _, code := range x.codes() {
			seen[op.id+" "+strconv.Itoa(x.Status)+" "+code] = true
		}
	}
	t.Logf("%d answers and %d requests were compared, %d are wrong", answers, requests, wrong)
	if answers < 2000 || requests < 200 {
		t.Errorf("only %d answers and %d requests were compared", answers, requests)
	}
	for _, op := range append(slices.Clone(checkers[0].operations), checkers[1].operations...) {
		if strings.HasPrefix(op.path, "/api/") && !seen[op.id+" "+strconv.Itoa(op.success)] {
			t.Errorf("%s: no test asked for it with success", op.id)
		}
		for _, code := range slices.Sorted(maps.Keys(op.codes)) {
			if !seen[op.id+" "+code] {
				t.Logf("%s: no test got %s", op.id, code)
			}
		}
	}
}

// TestAWrongAnswerIsSeen breaks good answers, each in one way.
func TestAWrongAnswerIsSeen(t *testing.T) {
	t.Parallel()
	c := newChecker(t, openapi.Document("fr"))
	const me = `{"id":1,"username":"amina","email":"","first_name":"","last_name":""}`
	const security = `{"email_verified":false,"email_verified_at":null,"password_changed_at":"2026-11-25T15:16:56.000Z","joined_at":"2026-11-25T15:16:56.000Z","last_login_at":null,"open_sessions":1}`
	for _, row := range []struct {
		name, path, code, body string
		status                 int
		good                   bool
	}{
		{"the profile", "/api/clients/clients/me/", "", me, 200, true},
		{"a field more", "/api/clients/clients/me/", "", strings.Replace(me, "{", `{"phone":"06",`, 1), 200, false},
		{"a field less", "/api/clients/clients/me/", "", strings.Replace(me, `"email":"",`, "", 1), 200, false},
		{"a number as text", "/api/clients/clients/me/", "", strings.Replace(me, "1", `"1"`, 1), 200, false},
		{"no JSON", "/api/clients/clients/me/", "", me[1:], 200, false},
		{"nothing has happened", "/api/clients/clients/me/security/", "", security, 200, true},
		{"null where a date is", "/api/clients/clients/me/security/", "", strings.Replace(security, `"joined_at":"2026-11-25T15:16:56.000Z"`, `"joined_at":null`, 1), 200, false},
		{"no date", "/api/clients/clients/me/security/", "", strings.Replace(security, `"joined_at":"2026-11-25T15:16:56.000Z"`, `"joined_at":"yesterday"`, 1), 200, false},
		{"another status", "/api/clients/clients/me/", "", me, 201, false},
		{"no token", "/api/clients/clients/me/", "not_authenticated", `{"detail":"x"}`, 401, true},
		{"an error without its code", "/api/clients/clients/me/", "", `{"detail":"x"}`, 401, false},
		{"a code that the operation does not have", "/api/clients/clients/me/", "invalid_credentials", `{"detail":"x"}`, 401, false},
		{"a code of another field", "/api/clients/auth/events/?before=x", "before=taken", `{"before":["x"]}`, 400, false},
	} {
		x := exchange{Method: http.MethodGet, Path: row.path, Request: http.Header{"Authorization": {"Bearer x"}}, Status: row.status, Body: []byte(row.body)}
		x.Header = http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"x"}}
		if row.code != "" {
			x.Header.Set("X-Error-Code", row.code)
		}
		op, ok := c.find(x)
		if !ok {
			t.Fatalf("%s: no operation", row.name)
		}
		if problems := c.answer(op, x); (len(problems) == 0) != row.good {
			t.Errorf("%s: %v", row.name, problems)
		}
	}
}

// TestAWrongAnswerToStaffIsSeen is the same for the staff's document.
func TestAWrongAnswerToStaffIsSeen(t *testing.T) {
	t.Parallel()
	c := newChecker(t, openapi.StaffDocument("fr"))
	const path = "/api/clients/clients/7/"
	const note = `[{"id":1,"author":null,"text":"x","created_at":"2026-11-25T15:16:56.000Z"}]`
	for _, row := range []struct {
		name, method, path, code, mediaType, body string
		status                                    int
		good                                      bool
	}{
		{"notes", "GET", path + "notes/", "", "application/json", note, 200, true},
		{"a field more", "GET", path + "notes/", "", "application/json", strings.Replace(note, `"id"`, `"phone":"06","id"`, 1), 200, false},
		{"a number as text", "GET", path + "notes/", "", "application/json", strings.Replace(note, "null", `"7"`, 1), 200, false},
		{"the role does not allow it", "POST", path + "disable/", "permission_denied", "application/json", `{"detail":"x","code":"permission_denied"}`, 403, true},
		{"what customers have to show", "POST", path + "disable/", "confirm_required", "application/json", `{"detail":"x","code":"confirm_required"}`, 403, false},
		{"what is another act's", "POST", path + "restore/", "user_closed", "application/json", `{"detail":"x","code":"user_closed"}`, 409, false},
		{"a file", "POST", "/api/clients/clients/export/", "", "text/csv", "id;username", 200, true},
		{"another file", "POST", "/api/clients/clients/export/", "", "text/html", "<p>", 200, false},
	} {
		x := exchange{Method: row.method, Path: row.path, Status: row.status, Body: []byte(row.body)}
		x.Header = http.Header{"Content-Type": {row.mediaType}, "X-Request-Id": {"x"}}
		if row.code != "" {
			x.Header.Set("X-Error-Code", row.code)
		}
		op, ok := c.find(x)
		if !ok {
			t.Fatalf("%s: no operation", row.name)
		}
		if problems := c.answer(op, x); (len(problems) == 0) != row.good {
			t.Errorf("%s: %v", row.name, problems)
		}
	}
}

// TestExamplesAreThoseOfTheDocument: linters look at half of them.
func TestExamplesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for _, lang := range openapi.Languages {
		examplesAreOf(t, lang, openapi.Document(lang), openapi.Examples(lang))
		examplesAreOf(t, lang, openapi.StaffDocument(lang), openapi.StaffExamples(lang))
	}
}

func examplesAreOf(t *testing.T, lang string, document []byte, examples []openapi.Example) {
	t.Helper()
	c := newChecker(t, document)
	for _, e := range examples {
		for _, op := range c.operations {
			if op.id != e.Operation {
				continue
			}
			x := exchange{Method: op.method, Path: strings.Replace(op.path, "{id}", "x", 1), Status: e.Status, Body: e.Response}
			x.Header = http.Header{"Content-Type": {op.mediaType}, "X-Request-Id": {"x"}}
			if e.Type != "" {
				var text string
				if err := json.Unmarshal(e.Response, &text); err != nil {
					t.Fatal(err)
				}
				x.Body = []byte(text)
				x.Header.Set("Content-Type", e.Type)
			}
			for name, value := range e.Headers {
				x.Header.Set(name, value)
			}
			if problems := c.answer(op, x); len(problems) > 0 {
				t.Errorf("[%s] %v\n  %s", lang, problems, x)
			}
		}
	}
}

// recorded are the exchanges of the tests of package api: those that ran a
// moment ago in make test, which has them record into a folder, or that run
// here.
func recorded(t *testing.T) []exchange {
	t.Helper()
	folder := os.Getenv("YOOZAK_TEST_EXCHANGES")
	if folder == "" {
		folder = t.TempDir()
		cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./internal/api")
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "YOOZAK_TEST_EXCHANGES="+folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	file, err := os.Open(filepath.Join(folder, "exchanges.json"))
	if err != nil {
		t.Fatalf("the tests of internal/api have not recorded what they asked: %v", err)
	}
	defer file.Close() //nolint:errcheck // it was read
	var all []exchange
	for d := json.NewDecoder(bufio.NewReader(file)); d.More(); {
		var x exchange
		if err := d.Decode(&x); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

// isJSON reports whether the body is one that the document describes: other
// forms it describes in words.
func (x exchange) isJSON() bool {
	return len(x.RequestBody) == 0 || strings.HasPrefix(x.Request.Get("Content-Type"), "application/json")
}

// caching says what a cache that many share could do wrong with an answer: of
// tokens and profiles none may be kept, and what may be kept is not the same for
// everybody.
func (x exchange) caching() string {
	if x.Header.Get("X-Request-Id") == "" {
		return "" // net/http refused what is not HTTP
	}
	want := "no-store"
	if x.Status == http.StatusOK && x.Method != http.MethodOptions && strings.HasPrefix(x.Path, "/.well-known/") {
		want = "public, max-age=60"
	}
	if got := x.Header.Get("Cache-Control"); got != want {
		return fmt.Sprintf("Cache-Control is %q, want %q", got, want)
	}
	vary := strings.Join(x.Header.Values("Vary"), ", ")
	for _, name := range []string{"Accept", "Accept-Language", "Authorization", "Origin"} {
		if !slices.Contains(strings.Split(vary, ", "), name) {
			return fmt.Sprintf("Vary is %q, without %s", vary, name)
		}
	}
	return ""
}

// codes are those of the header, as the document lists them.
func (x exchange) codes() []string {
	if header := x.Header.Get("X-Error-Code"); header != "" {
		return strings.Split(header, ", ")
	}
	return nil
}

// described is an operation of the document.
type described struct {
	id, method, path, mediaType string
	pattern                     *regexp.Regexp
	success                     int
	codes                       map[string]bool // "401 not_authenticated"
}

// checker compares by the document alone.
type checker struct {
	operations []described
	validator
}

func newChecker(t *testing.T, document []byte) *checker {
	t.Helper()
	c := &checker{validator: newValidator(t, closed(t, document))}
	type response struct {
		Ref     string                     `json:"$ref"`
		Codes   []string                   `json:"x-error-codes"`
		Content map[string]json.RawMessage `json:"content"`
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID        string              `json:"operationId"`
			Responses map[string]response `json:"responses"`
		} `json:"paths"`
		Components struct {
			Responses map[string]response `json:"responses"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			d := described{id: op.ID, method: strings.ToUpper(method), path: path, mediaType: "application/json", codes: map[string]bool{}}
			d.pattern = regexp.MustCompile("^" + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + "$")
			for status, r := range op.Responses {
				if r.Ref != "" {
					r = doc.Components.Responses[r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]]
				}
				if n, _ := strconv.Atoi(status); n < 300 && (d.success == 0 || n < d.success) {
					d.success = n
					if _, usual := r.Content["application/json"]; !usual && len(r.Content) == 1 {
						d.mediaType = slices.Collect(maps.Keys(r.Content))[0]
					}
				}
				for _, code := range r.Codes {
					d.codes[status+" "+code] = true
				}
			}
			c.operations = append(c.operations, d)
		}
	}
	slices.SortFunc(c.operations, func(a, b described) int { return strings.Compare(a.id, b.id) })
	return c
}

// closed has no object with a field more than it names: for clients a field
// more is no error, here it is one that the document lacks.
func closed(t *testing.T, document []byte) []byte {
	t.Helper()
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for name, s := range doc["components"].(map[string]any)["schemas"].(map[string]any) {
		if !strings.HasSuffix(name, "Request") { // whose unknown fields are dropped
			s.(map[string]any)["additionalProperties"] = false
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// find is the operation that an exchange is one of: of several whose path
// matches that with the fewest names in braces, as in net/http. The slash at the
// end may be left out.
func (c *checker) find(x exchange) (found described, ok bool) {
	path := pathOf(x.Path)
	for _, op := range c.operations {
		if op.method != x.Method || !op.pattern.MatchString(path) && !op.pattern.MatchString(path+"/") {
			continue
		}
		if !ok || strings.Count(op.path, "{") < strings.Count(found.path, "{") {
			found, ok = op, true
		}
	}
	return found, ok
}

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// answer says what of an answer is not as the document has it.
func (c *checker) answer(op described, x exchange) (problems []string) {
	if x.Header.Get("X-Request-Id") == "" {
		return nil // net/http refused what is not HTTP
	}
	isError := x.Status >= http.StatusBadRequest
	if isError != (x.Header.Get("X-Error-Code") != "") {
		problems = append(problems, "an error needs a code, and nothing else has one")
	}
	for _, code := range x.codes() {
		if strings.HasPrefix(op.path, "/api/") && !op.codes[strconv.Itoa(x.Status)+" "+code] {
			problems = append(problems, fmt.Sprintf("the document has no code %q for %d", code, x.Status))
		}
	}
	return append(problems, c.validator.answer(op, x)...)
}
