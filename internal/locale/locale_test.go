package locale_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

func read(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// readTexts are all texts of a language, those of the console among them.
func readTexts(t *testing.T, lang string) map[string]any {
	t.Helper()
	var texts, more map[string]any
	read(t, lang+".json", &texts)
	read(t, "console."+lang+".json", &more)
	for key, text := range more {
		if _, twice := texts[key]; twice || !strings.HasPrefix(key, "console.") {
			t.Errorf("%s is no key of the console", key)
		}
		texts[key] = text
	}
	return texts
}

// TestTextsAreTheReferences compares with what Django, REST framework and
// simplejwt say (testdata/record.py).
func TestTextsAreTheReferences(t *testing.T) {
	t.Parallel()
	var rows []map[string]any
	read(t, "testdata/texts.json", &rows)
	if len(rows) < 40 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		args := locale.Args{}
		for name, v := range row["args"].(map[string]any) {
			switch value := v.(type) {
			case float64:
				args[name] = int(value)
			case string:
				args[name] = value
				if name == "attribute" {
					args[name] = term(value)
				}
			}
		}
		key := row["key"].(string)
		for _, lang := range locale.Languages() {
			want, ok := row[lang].(string)
			if !ok || lang != "en" && (want == row["en"] || halfEnglish[key]) { // see TestNoEnglishInAnotherLanguage
				continue
			}
			if got := locale.Text(lang, key, args); got != want {
				t.Errorf("%s %s %v:\ngot  %s\nwant %s", lang, key, args, got, want)
			}
		}
	}
}

// halfEnglish are the texts of which the reference translates one half.
var halfEnglish = map[string]bool{"throttled": true}

// The words that a French or Arabic text may share with the English ones:
// names, what people type, and what both languages write alike.
var (
	sharedByFrench  = strings.Fields(sharedByConsole + "a accept action api application applications authorization change code codes date documentation e exp id important ip json long mail mails message messages minute minutes moment on page place possible qr s scripts second service session sessions site type u webhook")
	sharedByConsole = "actions agent apostrophe arrive casablanca client clients confirmation console csv export exports format h hs https index invitation machine main me min note notes nov ntp oct pages pause point secret secrets services support tables url utc version webhooks "
	sharedByArabic  = strings.Fields("accept authorization csv https ip json multipart null u url")
)

var words = regexp.MustCompile(`[\p{Latin}]+`)

// wordsOf are those of all texts of a language, or of one key's, without
// placeholders.
func wordsOf(t *testing.T, lang string) map[string][]string {
	t.Helper()
	texts := readTexts(t, lang)
	all := map[string][]string{}
	for key, text := range texts {
		forms, plural := text.(map[string]any)
		if !plural {
			forms = map[string]any{"": text}
		}
		for _, form := range forms {
			plain := placeholder.ReplaceAllString(form.(string), " ")
			all[key] = append(all[key], words.FindAllString(strings.ToLower(plain), -1)...)
		}
	}
	return all
}

// TestNoEnglishInAnotherLanguage: a person who reads French or Arabic is not
// answered in English, nor in both. The reference does so where its
// catalogue has gaps; its words stay where it has them.
func TestNoEnglishInAnotherLanguage(t *testing.T) {
	t.Parallel()
	english := map[string]bool{}
	for _, ws := range wordsOf(t, "en") {
		for _, w := range ws {
			english[w] = true
		}
	}
	if len(english) < 200 {
		t.Fatalf("only %d English words: the test is worth nothing", len(english))
	}
	for key, ws := range wordsOf(t, "fr") {
		for _, w := range ws {
			if english[w] && !slices.Contains(sharedByFrench, w) {
				t.Errorf("French %s: %q is English: %s", key, w, locale.Text("fr", key, nil))
			}
		}
	}
	for key, ws := range wordsOf(t, "ar") {
		for _, w := range ws {
			if !slices.Contains(sharedByArabic, w) {
				t.Errorf("Arabic %s: %q is not Arabic: %s", key, w, locale.Text("ar", key, nil))
			}
		}
	}
}

// TestFrenchIsWrittenOneWay: our own sentences have the typographic
// apostrophe, and one word for one thing. Those of the reference stay.
func TestFrenchIsWrittenOneWay(t *testing.T) {
	t.Parallel()
	var rows []map[string]any
	read(t, "testdata/texts.json", &rows)
	theirs := map[string]bool{}
	for _, row := range rows {
		theirs[row["key"].(string)] = row["fr"] != row["en"]
	}
	texts := readTexts(t, "fr")
	for key, text := range texts {
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if theirs[key] && !halfEnglish[key] {
			continue
		}
		for _, wrong := range []string{"'", "token", "support", "électronique", "mail électronique", "email"} {
			if key == "console.role.support" { // what people are called at work
				continue
			}
			if strings.Contains(strings.ToLower(string(data)), wrong) && (wrong != "email" || !strings.Contains(string(data), "{email}")) {
				t.Errorf("%s has %q: %s", key, wrong, data)
			}
		}
	}
}

// term is an argument that is itself a text to choose.
type term string

func (t term) TextKey() string { return string(t) }

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// TestFilesHaveTheSameKeysAndPlaceholders: a text that one language lacks
// would be answered as its key.
func TestFilesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	t.Parallel()
	placeholders := func(v any) []string {
		data, _ := json.Marshal(v)
		data = []byte(strings.ReplaceAll(string(data), "{where}", "{detail}")) // which is English: other languages say where
		found := placeholder.FindAllString(string(data), -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	french := readTexts(t, "fr")
	for _, lang := range []string{"en", "ar"} {
		texts := readTexts(t, lang)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(french)), slices.Sorted(maps.Keys(texts))); diff != "" {
			t.Errorf("keys of fr and %s (-fr +%s):\n%s", lang, lang, diff)
		}
		for key, text := range texts {
			if diff := cmp.Diff(placeholders(french[key]), placeholders(text)); diff != "" {
				t.Errorf("%s: placeholders of fr and %s:\n%s", key, lang, diff)
			}
		}
	}
}

// TestEveryKeyIsUsedAndEveryUsedKeyExists looks for the keys in the code.
func TestEveryKeyIsUsedAndEveryUsedKeyExists(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	inTemplate := regexp.MustCompile(`"([a-z_]+\.[a-z_.]+)"`)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".html") {
			data, err := os.ReadFile(path)
			for _, m := range inTemplate.FindAllSubmatch(data, -1) {
				used[string(m[1])] = true
			}
			return err
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil {
					used[s] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range locale.Keys() {
		family, name, _ := strings.Cut(key, ".")
		isName := family == "attribute" || family == "event" // the code has the name and puts the key together
		if family == "console" && beginsWith(used, key) {    // the code has the beginning and puts the key together
			continue
		}
		if !used[key] && (!isName || !used[name]) {
			t.Errorf("%s is used nowhere", key)
		}
	}
	for s := range used {
		if regexp.MustCompile(`^(field|body|username|email|token)\.[a-z_]+$|^(token|user|password)_(no|not|inactive|invalid|wrong|too|entirely)[a-z_]*$`).MatchString(s) && !slices.Contains(locale.Keys(), s) && s != "token_not_valid" && s != "user_not" {
			t.Errorf("%s has no text", s)
		}
	}
}

// beginsWith reports whether the code has a part of a key, up to a dot.
func beginsWith(used map[string]bool, key string) bool {
	for whole := key; ; {
		end := strings.LastIndexByte(key, '.')
		if end < 0 {
			return false
		}
		key = key[:end]
		if key != "console" && (used[key+"."] || used[key] && strings.HasSuffix(whole, ".why")) {
			return true
		}
	}
}

func TestArgumentsAreNotReadAsPlaceholders(t *testing.T) {
	t.Parallel()
	got := locale.Text("en", "method_not_allowed", locale.Args{"method": "{method}{max}"})
	if want := `Method "{method}{max}" not allowed.`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// part is an argument that is a text with arguments of its own.
type part struct{ line, column int }

func (part) TextKey() string            { return "parse_error_place" }
func (p part) TextArgs() map[string]any { return map[string]any{"line": p.line, "column": p.column} }

func TestATextInAText(t *testing.T) {
	t.Parallel()
	got := locale.Text("fr", "parse_error_json", locale.Args{"detail": "Expecting value", "where": part{3, 14}})
	if want := "Le corps de la requête n’est pas du JSON valide (ligne 3, colonne 14)."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnknownLanguageAndKey(t *testing.T) {
	t.Parallel()
	if got := locale.Text("de", "not_found", nil); got != "Pas trouvé." {
		t.Errorf("German: %q", got)
	}
	if got := locale.Text("en", "no.such.key", nil); got != "no.such.key" {
		t.Errorf("no key: %q", got)
	}
}

func TestArabicHasSixPlurals(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, n := range []int{0, 1, 2, 3, 11, 100, -1, math.MaxInt, math.MinInt + 1} {
		text := locale.Text("ar", "password_too_short", locale.Args{"n": n})
		if !strings.Contains(text, strconv.Itoa(n)) {
			t.Errorf("%d: %s", n, text)
		}
		seen[strings.ReplaceAll(text, strconv.Itoa(n), "#")] = true
	}
	if len(seen) < 5 {
		t.Errorf("only %d forms: %v", len(seen), seen)
	}
}

// TestMatchChoosesAsDjango compares with get_language_from_request.
func TestMatchChoosesAsDjango(t *testing.T) {
	t.Parallel()
	var rows []map[string]string
	read(t, "testdata/match.json", &rows)
	if len(rows) < 80 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		header := latin1(row["header"])
		for _, fallback := range locale.Languages() {
			if got := locale.Match(header, fallback); got != row[fallback] {
				t.Errorf("Match(%q, %s) = %s, want %s", row["header"], fallback, got, row[fallback])
			}
		}
	}
}

// latin1 is the header as it travels: WSGI reads each byte as a character.
func latin1(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

func FuzzMatch(f *testing.F) {
	f.Add("fr-FR,fr;q=0.9,en;q=0.8,*;q=0.1")
	f.Add("ar;q=1.000, -, ;;q")
	f.Fuzz(func(t *testing.T, header string) {
		if got := locale.Match(header, "fr"); !slices.Contains(locale.Languages(), got) {
			t.Errorf("Match(%q) = %q", header, got)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for b.Loop() {
		locale.Match("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "fr")
	}
}

// TestFrenchIsTypeset: no line begins with a colon or a quotation mark. What
// the reference says is left as it says it.
func TestFrenchIsTypeset(t *testing.T) {
	t.Parallel()
	texts := readTexts(t, "fr")
	slip := regexp.MustCompile(` [:;?!»]|« `)
	for key, value := range texts {
		family, _, _ := strings.Cut(key, ".")
		if !slices.Contains([]string{"mail", "page", "event", "date", "console"}, family) {
			continue
		}
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		value := strings.ReplaceAll(string(data), `":"`, "") // of plural forms
		if found := slip.FindString(value); found != "" {
			t.Errorf("%s has %q: want a no-break space", key, found)
		}
	}
}

// TestEveryErrorHasACode: a text that is no error's is of a family that is
// not, or is named here.
func TestEveryErrorHasACode(t *testing.T) {
	t.Parallel()
	noError := regexp.MustCompile(`^(language|attribute|date|device|event|mail|page|console)\.|^(parse_error_place|reset_requested|mail_requested|token\.given_not_valid)$`)
	for _, key := range locale.Keys() {
		if code := account.CodeOf(key); (code == "") != noError.MatchString(key) {
			t.Errorf("%s has the code %q: an error needs one in account/code.go, other texts have none", key, code)
		}
	}
}
