package openapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/auth"
)

var update = flag.Bool("update", false, "write docs/openapi*.json and docs/errors*.md instead of comparing them")

// TestDocumentsAreWhatTheProgramSays compares the files that stand in docs.
func TestDocumentsAreWhatTheProgramSays(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"openapi.json": string(Document("fr")), "openapi.en.json": string(Document("en")),
		"openapi.staff.json": string(StaffDocument("fr")), "openapi.staff.en.json": string(StaffDocument("en")),
		"errors.fr.md": ErrorsPage("fr"), "errors.md": ErrorsPage("en"),
	} {
		name = filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		committed, err := os.ReadFile(name)
		if err != nil || string(committed) != text {
			t.Errorf("%s is not what the program says, %v: go test ./internal/openapi -update", name, err)
		}
	}
}

// TestEveryTextIsThere in both languages, and none is left over.
func TestEveryTextIsThere(t *testing.T) {
	t.Parallel()
	var keys [2][]string
	for i, lang := range Languages {
		b := newBuilder(shops, lang)
		b.document()
		for _, g := range catalogue { // those of the page
			b.text("errors." + g.group)
			for _, r := range g.rows {
				b.text("show." + r.show)
				b.text("error." + r.code + ".cause")
				b.text("error." + r.code + ".remedy")
			}
		}
		for _, key := range slices.Sorted(maps.Keys(b.used)) {
			if b.texts[key] == "" {
				t.Errorf("%s has no text in texts/%s.json", key, lang)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(b.texts)) {
			if !b.used[key] && !strings.HasPrefix(key, "errors.") {
				t.Errorf("%s of texts/%s.json is used nowhere", key, lang)
			}
		}
		keys[i] = slices.Sorted(maps.Keys(b.texts))
	}
	if diff := cmp.Diff(keys[0], keys[1]); diff != "" {
		t.Errorf("the languages differ in keys:\n%s", diff)
	}
}

// TestEveryTextOfTheStaffIsThere in both languages, and none is left over, or
// says what the other document's says.
func TestEveryTextOfTheStaffIsThere(t *testing.T) {
	t.Parallel()
	var keys [2][]string
	for i, lang := range Languages {
		var shop, own map[string]string
		read("texts/"+lang+".json", &shop)
		read("texts/staff."+lang+".json", &own)
		b := newBuilder(staffs, lang)
		b.document()
		for _, key := range slices.Sorted(maps.Keys(b.used)) {
			if b.texts[key] == "" {
				t.Errorf("%s has no text in texts/staff.%s.json", key, lang)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(own)) {
			if !b.used[key] {
				t.Errorf("%s of texts/staff.%s.json is used nowhere", key, lang)
			}
			if own[key] == shop[key] {
				t.Errorf("%s of texts/staff.%s.json stands in texts/%s.json already", key, lang, lang)
			}
		}
		keys[i] = slices.Sorted(maps.Keys(own))
	}
	if diff := cmp.Diff(keys[0], keys[1]); diff != "" {
		t.Errorf("the languages differ in keys:\n%s", diff)
	}
}

// TestEveryRouteIsDescribed by a row of its own, and no row is of a route that
// is gone.
func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, op := range append(shops.describedRoutes(), staffs.describedRoutes()...) { // one program may read both
		if op.id == "" || op.In == nil {
			t.Errorf("%s: a route needs a row in operations, and a row a route", op.route)
			continue
		}
		if ids[op.id] {
			t.Errorf("two operations are called %s", op.id)
		}
		ids[op.id] = true
		if op.path() != op.Path || op.method() != op.Method {
			t.Errorf("%s is %s %s", op.route, op.Method, op.Path)
		}
		fields := op.in("json")
		if op.OfStaff() {
			fields = append(fields, op.in("query")...)
		}
		for _, name := range fields {
			if !slices.ContainsFunc(op.fields, func(f auth.Field) bool { return f.Name == name }) && name != "token_type_hint" {
				t.Errorf("%s: %s is not among the fields of its rule", op.id, name)
			}
		}
	}
	if want := len(api.Routes()); len(ids) != want {
		t.Errorf("%d operations, want %d", len(ids), want)
	}
}

// TestTheSpecificationComesFirst, in its own words.
func TestTheSpecificationComesFirst(t *testing.T) {
	t.Parallel()
	text := string(Document("fr"))
	at := 0
	for _, words := range []string{
		"API Client Yoozak", "Cette documentation décrit les endpoints API disponibles pour la gestion des clients dans l'application Yoozak.",
		"L'API utilise JWT (JSON Web Tokens) pour l'authentification. Deux types de tokens sont utilisés :",
		"- **Access Token** : Durée de validité de 1 heure", "- **Refresh Token** : Durée de validité de 1 jour", "Authorization: Bearer <votre_token>",
		"- Un access token (validité : 1 heure)", "- Un refresh token (validité : 1 jour)",
		"- Utilisez l'access token pour toutes les requêtes authentifiées", "- Si l'access token expire, utilisez le refresh token pour en obtenir un nouveau",
		"- Si le refresh token expire, l'utilisateur doit se reconnecter", "- Le serveur renvoie une erreur 401 si le token est invalide",
		"- L'en-tête `X-Token-Refresh-Required: true` est ajouté si le token expire bientôt",
		"Inscription Client", "- **URL** : `/api/clients/auth/register/`", "- **Méthode** : `POST`", "- **Auth requise** : Non", "Réponse réussie (201 Created)",
		"Connexion Client", "- **URL** : `/api/clients/auth/login/`", "- **Méthode** : `POST`", "- **Auth requise** : Non", "Réponse réussie (200 OK) : Même format que l'inscription",
		"Rafraîchir Token", "- **URL** : `/api/clients/auth/token/refresh/`", "- **Méthode** : `POST`", "- **Auth requise** : Non", "Réponse réussie (200 OK)",
		"Profil Client", "- **URL** : `/api/clients/clients/me/`", "- **Méthode** : `GET`", "- **Auth requise** : Oui", "Réponse réussie (200 OK)",
	} {
		i := strings.Index(text[at:], words)
		if i < 0 {
			t.Fatalf("%q is not there, or in another place", words)
		}
		at += i + len(words)
	}
}

// TestEveryCodeIsInTheCatalogue, and is one that the program or OAuth has.
func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, g := range catalogue {
		for _, r := range g.rows {
			listed = append(listed, r.code)
		}
	}
	slices.Sort(listed)
	want := append(account.Codes(), "temporarily_unavailable", "server_error")
	slices.Sort(want)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("codes (-program +catalogue):\n%s", diff)
	}
}

// keywords cannot be names in Dart or Kotlin, or are names there already that
// generated code would hide.
var keywords = strings.Fields(`
	abstract as assert async await base break case catch class const continue covariant default deferred do dynamic else enum export extends
	extension external factory false final finally for function get hide if implements import in interface is late library mixin new null of on
	operator part required rethrow return sealed set show static super switch sync this throw true try typedef var void when while with yield
	typealias typeof val object package fun by catch constructor delegate dynamic field file init inner internal lateinit noinline out override
	reified suspend tailrec value vararg hashcode runtimetype tostring nosuchmethod`)

var mayBe = regexp.MustCompile(`^[a-z][A-Za-z]*$`)

// TestGeneratorsCanReadIt: openapi-generator and its like make methods and
// types of the document, for languages that have words of their own.
func TestGeneratorsCanReadIt(t *testing.T) {
	t.Parallel()
	canBeRead(t, Document("fr"))
	canBeRead(t, StaffDocument("fr"))
}

func canBeRead(t *testing.T, document []byte) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	isWord := func(name string) bool {
		return slices.Contains(keywords, strings.ToLower(strings.ReplaceAll(name, "_", "")))
	}
	for name, s := range schemas {
		if !regexp.MustCompile(`^[A-Z][A-Za-z]+$`).MatchString(name) || isWord(name) {
			t.Errorf("%s is no good name of a type", name)
		}
		if s.(map[string]any)["type"] != "object" {
			t.Errorf("%s is no object", name)
		}
	}
	var walk func(path string, v any, inSchemas bool)
	walk = func(path string, v any, inSchemas bool) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(path, x, inSchemas)
			}
		case map[string]any:
			if id, is := v["operationId"].(string); is && (!mayBe.MatchString(id) || isWord(id)) {
				t.Errorf("%s is no good name of a method", id)
			}
			if types, is := v["type"].([]any); is && (len(types) != 2 || types[1] != "null") {
				t.Errorf("%s: type %v", path, types)
			}
			properties, _ := v["properties"].(map[string]any)
			if inSchemas && properties != nil && strings.Count(path, "/") != 3 {
				t.Errorf("%s: an object without a name", path)
			}
			for name := range properties {
				if isWord(name) {
					t.Errorf("%s: %s is a word of Dart or Kotlin", path, name)
				}
			}
			for name, x := range v {
				if slices.Contains([]string{"oneOf", "anyOf", "allOf", "nullable", "not"}, name) {
					t.Errorf("%s: %s", path, name)
				}
				if name == "example" || name == "examples" || name == "value" {
					continue
				}
				walk(path+"/"+name, x, inSchemas || name == "schemas")
			}
		}
	}
	walk("", doc, false)
	for path := range doc["paths"].(map[string]any) {
		if strings.HasPrefix(path, "/api/") && !strings.HasSuffix(path, "/") {
			t.Errorf("%s: only the form with the slash is listed", path)
		}
	}
}

// TestLanguagesDifferInTextsOnly.
func TestLanguagesDifferInTextsOnly(t *testing.T) {
	t.Parallel()
	var bare func(v any) any
	bare = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range []string{"summary", "description", "x-displayName", "title", "example", "examples"} {
				if _, isText := v[name].(string); isText || strings.HasPrefix(name, "example") {
					delete(v, name)
				}
			}
			for name, x := range v {
				v[name] = bare(x)
			}
		case []any:
			for i, x := range v {
				v[i] = bare(x)
			}
		}
		return v
	}
	for _, document := range []func(string) []byte{Document, StaffDocument} {
		var docs [2]any
		for i, lang := range Languages {
			if err := json.Unmarshal(document(lang), &docs[i]); err != nil {
				t.Fatal(err)
			}
			docs[i] = bare(docs[i])
		}
		if diff := cmp.Diff(docs[0], docs[1]); diff != "" {
			t.Error(diff)
		}
	}
}

func TestYAMLIsBlockStyle(t *testing.T) {
	t.Parallel()
	got := string(yaml([]byte(`{"openapi":"3.1.1","on":null,"200":{"a":[1,{"b":[]},{}],"description":"a: b\n# c"}}`)))
	want := "openapi: \"3.1.1\"\n\"on\": null\n\"200\":\n  \"a\":\n    - 1\n    -\n      \"b\": []\n    - {}\n  description: \"a: b\\n# c\"\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestEveryOperationHasRealExamples: of its success, if that has a body.
func TestEveryOperationHasRealExamples(t *testing.T) {
	t.Parallel()
	for _, lang := range Languages {
		for _, p := range []part{shops, staffs} {
			b := newBuilder(p, lang)
			for _, op := range p.describedRoutes() {
				if _, ok := b.example(op.id, ""); !ok {
					t.Errorf("%s has no example of success in %s", op.id, lang)
				}
			}
		}
		if bytes.Contains(append(Document(lang), StaffDocument(lang)...), []byte("eyJ")) {
			t.Errorf("a token stands in the document in %s", lang)
		}
	}
}
