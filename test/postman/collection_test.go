package postman

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/openapi"
)

var update = flag.Bool("update", false, "write the saved answers of the collection instead of comparing them")

const collectionPath = "../../postman/Yoozak-Clients.postman_collection.json"

// item is a request of the collection or a folder of them; what is raw here
// is written by people and kept.
type item struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Event       json.RawMessage `json:"event,omitempty"`
	Request     *request        `json:"request,omitempty"`
	Response    []response      `json:"response,omitempty"`
	Auth        json.RawMessage `json:"auth,omitempty"`
	Item        []item          `json:"item,omitempty"`
}

type request struct {
	Method      string          `json:"method"`
	Header      json.RawMessage `json:"header"`
	URL         address         `json:"url"`
	Description string          `json:"description,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"`
	Auth        json.RawMessage `json:"auth,omitempty"`
}

type address struct {
	Raw   string          `json:"raw"`
	Host  []string        `json:"host"`
	Path  []string        `json:"path"`
	Query json.RawMessage `json:"query,omitempty"`
}

// response is an answer that Postman shows beside a request.
type response struct {
	Name            string   `json:"name"`
	OriginalRequest request  `json:"originalRequest"`
	Status          string   `json:"status"`
	Code            int      `json:"code"`
	Language        string   `json:"_postman_previewlanguage"`
	Header          []header `json:"header"`
	Cookie          []string `json:"cookie"`
	Body            string   `json:"body,omitempty"`
}

type header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type collection struct {
	Info     json.RawMessage `json:"info"`
	Item     []item          `json:"item"`
	Variable json.RawMessage `json:"variable"`
	Auth     json.RawMessage `json:"auth"`
}

// shows is what the later requests of an operation show: an error, by the
// beginning of its code. Others show success. The first request of an
// operation shows every answer.
var shows = map[string]string{
	"a. Profil avec un token d'accès invalide":   "token_not_valid",
	"Mot de passe trop court":                    "password=too_short",
	"Champ manquant":                             "username=required",
	"Nom déjà pris":                              "username=taken",
	"Mauvais mot de passe":                       "invalid_credentials",
	"Profil sans token":                          "not_authenticated",
	"Refresh token à la place de l'access token": "token_not_valid",
	"Le token ne vaut plus rien":                 "token_not_valid",
	"Connexion qui demande le second facteur":    "second_factor_required",
	"Une seconde étape qui n'attend plus":        "challenge=used",
	"Connexion de l'équipe":                      "second_factor_required",
}

// TestCollectionShowsRealAnswers: the saved answers are the document's
// examples, which are a server's, and every operation has a request.
func TestCollectionShowsRealAnswers(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile(collectionPath)
	if err != nil {
		t.Fatal(err)
	}
	var c collection
	d := json.NewDecoder(bytes.NewReader(committed))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	f := filler{seen: map[string]bool{}, staff: map[string]bool{}}
	f.operations, f.proof = operations(t, openapi.Document("fr"))
	ofStaff, _ := operations(t, openapi.StaffDocument("fr"))
	for route, id := range ofStaff {
		f.operations[route], f.staff[id] = id, true
	}
	f.fill(t, c.Item)
	for route, id := range f.operations {
		if !f.seen[id] {
			t.Errorf("no request asks for %s", route)
		}
	}
	var flat, text bytes.Buffer
	e := json.NewEncoder(&flat)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&text, flat.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(collectionPath, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text.Bytes(), committed) {
		t.Error("the collection's answers are not the document's examples: make postman")
	}
}

// operations are a document's, by method and path, and those that may want a
// proof first.
func operations(t *testing.T, document []byte) (all map[string]string, proof map[string]bool) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			ID        string                     `json:"operationId"`
			Responses map[string]json.RawMessage `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	all, proof = map[string]string{}, map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			all[strings.ToUpper(method)+" "+placeholder.ReplaceAllString(path, "{id}")] = op.ID
			proof[op.ID] = bytes.Contains(op.Responses["403"], []byte("responses/Forbidden"))
		}
	}
	return all, proof
}

type filler struct {
	operations map[string]string
	proof      map[string]bool
	staff      map[string]bool
	seen       map[string]bool
}

var (
	variable    = regexp.MustCompile(`\{\{\w+\}\}`)
	placeholder = regexp.MustCompile(`\{\w+\}`)
)

func (f *filler) fill(t *testing.T, items []item) {
	t.Helper()
	for i := range items {
		it := &items[i]
		if it.Request == nil {
			f.fill(t, it.Item)
			continue
		}
		path, _, _ := strings.Cut(it.Request.URL.Raw, "?")
		path = variable.ReplaceAllString(strings.TrimPrefix(path, "{{base_url}}"), "{id}")
		id, ok := f.operations[it.Request.Method+" "+path]
		if !ok {
			t.Errorf("%s: the document has no %s %s", it.Name, it.Request.Method, path)
		}
		it.Response = nil
		needsToken := !bytes.Contains(it.Request.Auth, []byte("noauth")) && !bytes.Contains(it.Request.Auth, []byte("basic"))
		examples := openapi.Examples("fr")
		if f.staff[id] {
			examples = openapi.StaffExamples("fr")
		}
		for _, e := range examples {
			if f.shown(e, id, it.Name, needsToken) {
				it.Response = append(it.Response, saved(t, *it.Request, e))
			}
		}
		f.seen[id] = true
		if len(it.Response) == 0 {
			t.Errorf("%s has no answer", it.Name)
		}
	}
}

// shown says which examples stand beside a request. The errors of every
// request stand where people first meet them.
func (f *filler) shown(e openapi.Example, id, name string, needsToken bool) bool {
	code := e.Headers["X-Error-Code"]
	if f.seen[id] {
		want, isError := shows[name]
		return isError && strings.HasPrefix(code, want) && (e.Operation == id || e.Operation == "common" && needsToken || name == "Profil sans token" && e.Operation == "common") ||
			!isError && code == "" && e.Operation == id
	}
	switch e.Operation {
	case "common":
		if f.staff[id] {
			return id == "listClients" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
		}
		if e.Status == http.StatusForbidden {
			return f.proof[id]
		}
		return e.Status == http.StatusUnauthorized && needsToken || e.Status != http.StatusUnauthorized && id == "login"
	case "service":
		return id == "introspectToken" || id == "revokeToken"
	}
	return e.Operation == id
}

// saved is an example as Postman keeps it.
func saved(t *testing.T, asked request, e openapi.Example) response {
	t.Helper()
	asked.Description, asked.Auth = "", nil
	if len(e.Request) > 0 {
		body, err := json.Marshal(map[string]any{"mode": "raw", "raw": pretty(t, e.Request), "options": map[string]any{"raw": map[string]any{"language": "json"}}})
		if err != nil {
			t.Fatal(err)
		}
		asked.Body = body
	}
	r := response{
		Name: e.Name, OriginalRequest: asked, Status: http.StatusText(e.Status), Code: e.Status, Language: "json", Cookie: []string{},
		Header: []header{},
	}
	if e.Type != "" {
		r.Language = "text"
		r.Header = append(r.Header, header{"Content-Type", e.Type})
		if err := json.Unmarshal(e.Response, &r.Body); err != nil {
			t.Fatal(err)
		}
	} else if len(e.Response) > 0 {
		r.Header = append(r.Header, header{"Content-Type", "application/json"})
		r.Body = pretty(t, e.Response)
	}
	for _, name := range []string{"X-Error-Code", "X-Device-Token", "X-Trusted-Device", "X-Code-Id", "Retry-After", "WWW-Authenticate"} {
		if value, ok := e.Headers[name]; ok {
			r.Header = append(r.Header, header{name, value})
		}
	}
	return r
}

func pretty(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
