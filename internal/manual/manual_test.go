package manual_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/yoozak/clients/docs"
	"github.com/yoozak/clients/internal/manual"
	"github.com/yoozak/clients/internal/openapi"
	"github.com/yoozak/clients/internal/web"
)

// newServer serves the manual, below a path of a proxy in front if one is given.
func newServer(t *testing.T, prefix string) string {
	t.Helper()
	handlers := openapi.Handlers()
	handlers["/"], handlers[manual.Path], handlers["/docs"] = http.NotFoundHandler(), manual.New(unlimited), http.HandlerFunc(manual.Redirect)
	handler := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Language: "fr"}, handlers)
	srv := httptest.NewServer(http.StripPrefix(prefix, handler))
	t.Cleanup(srv.Close)
	return srv.URL + prefix
}

// unlimited lets anybody ask for anything.
func unlimited(context.Context, string) time.Duration { return 0 }

type answer struct {
	status int
	header http.Header
	body   string
	at     *url.URL
}

// get follows redirects and takes what is not compressed; header is name, value pairs.
func get(t *testing.T, address string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body), res.Request.URL}
}

var link = regexp.MustCompile(` (?:href|src|action)="([^"]+)"`)

// crawler follows links within the manual.
type crawler struct {
	t       *testing.T
	answers map[string]answer
}

func (c *crawler) visit(address string) answer {
	c.t.Helper()
	if a, done := c.answers[address]; done {
		return a
	}
	a := get(c.t, address)
	c.answers[address] = a
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		for _, m := range link.FindAllStringSubmatch(a.body, -1) {
			c.follow(a, html.UnescapeString(m[1]))
		}
	}
	return a
}

func (c *crawler) follow(from answer, to string) {
	c.t.Helper()
	target, err := from.at.Parse(to)
	if err != nil {
		c.t.Errorf("%s leads to %s: %v", from.at, to, err)
		return
	}
	if file, is := strings.CutPrefix(target.String(), "https://github.com/yoozak/clients/blob/main/"); is {
		file, _, _ = strings.Cut(file, "#")
		if _, err := os.Stat(filepath.Join("../..", file)); err != nil {
			c.t.Errorf("%s leads to %s: %v", from.at, to, err)
		}
		return
	}
	if target.Host != from.at.Host { // somebody else's
		return
	}
	heading := target.Fragment
	target.Fragment = ""
	a := c.visit(target.String())
	if a.status != http.StatusOK && a.at.Path != from.at.Path {
		c.t.Errorf("%s leads to %s: %d", from.at, to, a.status)
	}
	if heading != "" && !strings.Contains(a.body, ` id="`+heading+`"`) {
		c.t.Errorf("%s leads to %s: there is no such heading", from.at, to)
	}
}

// TestEveryLinkLeadsSomewhere follows all links of all pages, behind a proxy
// with a path of its own: to a page that is there and, where they name one,
// to a heading in it; or to a file of the repository.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	root := newServer(t, "/behind/a/proxy")
	c := &crawler{t, map[string]answer{}}
	if a := c.visit(root + "/docs"); a.status != http.StatusOK || !strings.HasSuffix(a.at.Path, "/docs/fr/") {
		t.Errorf("/docs leads to %s: %d", a.at, a.status)
	}
	for _, missing := range []string{"/docs/fr/nothing", "/docs/fr/start/", "/docs/a/b/c", "/docs/files/style.css/x", "/docs/files/nothing.000000000000.css"} {
		if a := c.visit(root + missing); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", missing, a.status)
		}
	}
	c.visit(root + "/docs/en/search?q=token")
	for _, name := range documents(t) { // none is left out
		lang, page := "en", strings.TrimSuffix(name, ".md")
		if short, is := strings.CutSuffix(page, ".fr"); is {
			lang, page = "fr", short
		}
		if page == "README" {
			page = ""
		}
		if a := c.visit(root + "/docs/" + lang + "/" + page); a.status != http.StatusOK || a.header.Get("Content-Language") != lang {
			t.Errorf("%s: %d %s", name, a.status, a.header.Get("Content-Language"))
		}
	}
}

func documents(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(docs.Pages, "*.md")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d documents: %v", len(names), err)
	}
	return names
}

// TestTextIsThatOfAPage: a link bears the name of the page that it leads to and
// not that of its file, and in French no line begins with a colon.
func TestTextIsThatOfAPage(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	for _, name := range documents(t) {
		lang, page := "en", strings.TrimSuffix(name, ".md")
		if short, is := strings.CutSuffix(page, ".fr"); is {
			lang, page = "fr", short
		}
		if page == "README" {
			page = ""
		}
		body := get(t, root+"/docs/"+lang+"/"+page).body
		if file := regexp.MustCompile(`href="[^:"]*">[^<]*\.md</a>`).FindString(body); file != "" {
			t.Errorf("%s has a link that says %s", name, file)
		}
		if strings.Contains(body, "In English:") || strings.Contains(body, "En français\u00a0:") || strings.Contains(body, "En français :") {
			t.Errorf("%s says where the other language is, which the head of the page does", name)
		}
		if cut := regexp.MustCompile(`\S*\d\.<wbr>\d\S*|/\.<wbr>\S*`).FindString(body); cut != "" {
			t.Errorf("%s may break %q within a number or behind a slash's dot", name, cut)
		}
	}
	if body := get(t, root+"/docs/fr/start").body; !strings.Contains(body, "l'un des deux\u00a0: le") || !strings.Contains(body, "// session.js : une session") {
		t.Error("a colon may begin a line of a French text, or one in code was touched")
	}
	for page, whole := range map[string][]string{
		"fr/api":           {"les 10\u202f000\u00a0plus", "<code class=\"whole\">X-Session-Id</code>", "<code class=\"whole\">@ . + - _</code>", "</code>\u00a0◆", "64\u00a0Kio"},
		"fr/configuration": {`<td data-label="variable"><span class="long"><code>YOOZAK_<wbr>ACCEPT_<wbr>HS256_<wbr>USER_<wbr>ID_<wbr>CLAIM</code></span></td>`, `<span class="whole">e-mail</span>`},
		"en/api":           {"</code>\u00a0◆"},
		"fr/migration":     {`<span class="whole">UTF-8</span>`},
	} {
		body := get(t, root+"/docs/"+page).body
		for _, text := range whole {
			if !strings.Contains(body, text) {
				t.Errorf("%s may break %q", page, text)
			}
		}
	}
	for page, link := range map[string]string{"webhooks": `(<a href="keys">Clés</a>)`, "scale": `<a href="../en/performance">Performances</a>`} {
		if a := get(t, root+"/docs/fr/"+page); !strings.Contains(a.body, link) {
			t.Errorf("%s lacks %s: it has another name than the menu's", page, link)
		}
	}
}

// TestEmptyFirstCellIsAsTheOneAbove, where a row is a block of its own: with
// its code. A search finds it once.
func TestEmptyFirstCellIsAsTheOneAbove(t *testing.T) {
	t.Parallel()
	body := get(t, newServer(t, "")+"/docs/fr/limits").body
	again := regexp.MustCompile(`<td data-label="[^"]+"><span class="above">(.+)</span></td>`).FindAllStringSubmatch(body, -1)
	if len(again) < 5 {
		t.Errorf("%d rows whose first cell is empty know what they are about", len(again))
	}
	const code = `<code class="whole">auth/confirm/</code>`
	if !slices.ContainsFunc(again, func(m []string) bool {
		return strings.Contains(m[1], code) && strings.Contains(body, `">`+m[1]+`</td>`)
	}) {
		t.Errorf("none has the code %s as the row above", code)
	}
	if found := get(t, newServer(t, "")+"/docs/fr/search?q=factor_locked+erronés").body; !strings.Contains(found, `class="hit"`) || strings.Contains(found, "&lt;span") {
		t.Errorf("a search shows HTML, or nothing: %s", found)
	}
}

// TestCellsAreCalledAsTheirColumn, for a telephone that shows a row as a block.
func TestCellsAreCalledAsTheirColumn(t *testing.T) {
	t.Parallel()
	tables := regexp.MustCompile(`(?s)<table>.*?</table>`).FindAllString(get(t, newServer(t, "")+"/docs/fr/errors").body, -1)
	if len(tables) < 5 {
		t.Fatalf("%d tables", len(tables))
	}
	for _, table := range tables {
		if !strings.Contains(table, `<td data-label="code">`) || !strings.Contains(table, `<td data-label="statut">`) || strings.Contains(table, "<td>") {
			t.Errorf("cells without a name:\n%.600s", table)
		}
	}
}

// TestPictureSaysWhatItShows: without its column's name, which a telephone does
// not show beside it, and in other words than the others of its page.
func TestPictureSaysWhatItShows(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	toPicture := regexp.MustCompile(`<td([^>]*)><a href="[^"]+/docs/images/[^"]+">([^<]+)</a></td>`)
	for _, page := range []string{"fr/pages", "en/pages", "fr/console", "en/console"} {
		pictures := toPicture.FindAllStringSubmatch(get(t, root+"/docs/"+page).body, -1)
		if len(pictures) < 60 {
			t.Errorf("%s: %d pictures in tables", page, len(pictures))
		}
		seen := map[string]bool{}
		for _, m := range pictures {
			if m[1] != "" || seen[m[2]] {
				t.Errorf("%s: the cell of %q has %q, or another picture is called so", page, m[2], m[1])
			}
			seen[m[2]] = true
		}
	}
}

// TestNavigationHasEveryDocument, but for those that the index alone leads to.
func TestNavigationHasEveryDocument(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	index := get(t, root+"/docs/fr/").body + get(t, root+"/docs/en/").body
	for _, name := range documents(t) {
		lang, page := "en", strings.TrimSuffix(name, ".md")
		if short, is := strings.CutSuffix(page, ".fr"); is {
			lang, page = "fr", short
		}
		if slices.Contains([]string{"README", "architecture", "rooms", "asvs", "attacks"}, page) {
			continue
		}
		if !strings.Contains(index, `<li><a href="../`+lang+`/`+page+`"`) {
			t.Errorf("%s is not in contents.go", name)
		}
	}
}

// TestLanguageIsNegotiated; who reads Arabic here reads French better than English.
func TestLanguageIsNegotiated(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	for accept, want := range map[string]string{"": "fr", "fr-MA": "fr", "en-GB,fr;q=0.5": "en", "ar": "fr", "de": "fr"} {
		a := get(t, root+"/docs/", "Accept-Language", accept)
		if a.status != http.StatusOK || a.at.Path != "/docs/"+want+"/" || a.header.Get("Content-Language") != want || !strings.Contains(a.body, `<html lang="`+want+`">`) {
			t.Errorf("%q: %s %d %s", accept, a.at, a.status, a.header.Get("Content-Language"))
		}
	}
}

// TestFilesAreKeptForEver under the name that a page gives them, and are
// compressed once; of another release they are sent and not kept.
func TestFilesAreKeptForEver(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	page := get(t, root+"/docs/en/reference")
	names := regexp.MustCompile(`"\.\./(files/([a-z]+)\.[0-9a-f]{12}\.([A-Za-z]+))"`).FindAllStringSubmatch(page.body, -1)
	if len(names) < 6 {
		t.Fatalf("%d files:\n%s", len(names), page.body)
	}
	for _, name := range names {
		plain, zipped := get(t, root+"/docs/"+name[1]), get(t, root+"/docs/"+name[1], "Accept-Encoding", "br, gzip")
		if zipped.header.Get("Content-Encoding") != "gzip" || plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: encodings %q and %q", name[1], zipped.header.Get("Content-Encoding"), plain.header.Get("Content-Encoding"))
		}
		z, err := gzip.NewReader(strings.NewReader(zipped.body))
		if err != nil {
			t.Fatal(err)
		}
		if unzipped, err := io.ReadAll(z); err != nil || string(unzipped) != plain.body || plain.body == "" {
			t.Errorf("%s: unzipped it is another: %v", name[1], err)
		}
		for _, a := range []answer{plain, zipped} {
			if a.status != http.StatusOK || a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || !strings.Contains(strings.Join(a.header["Vary"], ","), "Accept-Encoding") {
				t.Errorf("%s: %d %v", name[1], a.status, a.header)
			}
			if again := get(t, root+"/docs/"+name[1], "Accept-Encoding", cmp.Or(a.header.Get("Content-Encoding"), "identity"), "If-None-Match", a.header.Get("Etag")); again.status != http.StatusNotModified || again.body != "" {
				t.Errorf("%s again: %d", name[1], again.status)
			}
		}
		for _, other := range []string{name[2] + "." + name[3], name[2] + ".000000000000." + name[3]} {
			if a := get(t, root+"/docs/files/"+other); a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", other, a.status, a.header.Get("Cache-Control"))
			}
		}
	}
}

// TestPagesAreAskedForAgain: they change with the server, and their names do not.
func TestPagesAreAskedForAgain(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	a := get(t, root+"/docs/fr/limits")
	if a.header.Get("Cache-Control") != "no-cache" || a.header.Get("Etag") == "" {
		t.Errorf("%v", a.header)
	}
	if again := get(t, root+"/docs/fr/limits", "If-None-Match", a.header.Get("Etag")); again.status != http.StatusNotModified || again.header.Get("Content-Security-Policy") == "" {
		t.Errorf("again: %d", again.status)
	}
}

// TestPolicyOfEachPage: none runs what is not ours or asks another host, and
// only the reference may have styles of its own.
func TestPolicyOfEachPage(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	for _, path := range []string{"/docs/fr/", "/docs/en/api", "/docs/en/reference", "/docs/fr/reference-staff", "/docs/en/search?q=x", "/docs/en/nothing"} {
		policy := get(t, root+path).header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !slices.Contains(strings.Split(policy, "; "), want) {
				t.Errorf("%s lacks %s: %s", path, want, policy)
			}
		}
		if isReference := strings.Contains(path, "reference"); strings.Contains(policy, "unsafe-inline") != isReference || strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "http") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	for _, path := range []string{"/docs/", "/docs/en/api", "/docs/en/search"} {
		res, err := http.Post(root+path, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d %s", path, res.StatusCode, res.Header.Get("Allow"))
		}
	}
	res, err := http.Head(root + "/docs/en/api")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
}

// TestSearch finds sections with all words, whatever their accents and case,
// and shows what was typed as a text.
func TestSearch(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	hit := regexp.MustCompile(`<p class="hit"><a href="\.\./([^"]+)"`)
	for _, row := range []struct{ lang, query, want string }{
		{"en", "cors origins", "en/configuration#server"},
		{"fr", "TELEPHONE numeros", "fr/"},
		{"fr", "YOOZAK_CORS_ORIGINS", "fr/"},
		{"fr", "argon2 voies", "fr/configuration#mots-de-passe"},
		{"fr", "sched_autogroup_enabled terminal", "en/performance#the-scheduler"}, // there is no French page of it
		{"en", "no such word anywhere", ""},
		{"en", "", ""},
	} {
		a := get(t, root+"/docs/"+row.lang+"/search?q="+url.QueryEscape(row.query))
		found := hit.FindAllStringSubmatch(a.body, -1)
		if a.status != http.StatusOK || len(found) > 20 {
			t.Errorf("%q: %d, %d hits", row.query, a.status, len(found))
		}
		if (len(found) > 0) != (row.want != "") || row.want != "" && !slices.ContainsFunc(found, func(m []string) bool { return strings.HasPrefix(m[1], row.want) }) {
			t.Errorf("%s %q: %v, want %q", row.lang, row.query, found, row.want)
		}
	}
	for _, query := range []string{`"><script>alert(1)</script>`, "%ff%00", strings.Repeat("a ", 5000)} {
		a := get(t, root+"/docs/en/search?q="+url.QueryEscape(query))
		if a.status != http.StatusOK || strings.Contains(a.body, "alert(1)</script>") || len(a.body) > 20_000 {
			t.Errorf("%.20q: %d, %d bytes", query, a.status, len(a.body))
		}
	}
}

// TestSnippetsAreCutBetweenWords, say where a cell ends, have French spaces, and
// show what was looked for, unless that is in the heading.
func TestSnippetsAreCutBetweenWords(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	snippet := regexp.MustCompile(`(?s)<p class="hit"><a href="\.\./([^"#]*)[^>]*>(.*?)</a>(?:\s*<span class="of">[^<]*</span>)? (.*?)</p>`)
	ends, tags := regexp.MustCompile(`</?(?:td|th|p|li|pre|h\d)\b[^>]*>`), regexp.MustCompile(`<[^>]*>`)
	wordsOf := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' })
	}
	cut, apart, noBreak := 0, 0, 0
	for _, query := range []string{"fr/search?q=token", "fr/search?q=connexion", "fr/search?q=YOOZAK_", "en/search?q=session", "en/search?q=YOOZAK_", "en/search?q=import", "fr/search?q={token}", "en/search?q={token}", "fr/search?q=users_exported"} {
		for _, m := range snippet.FindAllStringSubmatch(get(t, root+"/docs/"+query).body, -1) {
			text := html.UnescapeString(m[3])
			inner := strings.TrimPrefix(strings.TrimSuffix(text, "\u00a0…"), "…\u00a0") // which are not alone on a line
			if _, word, _ := strings.Cut(query, "="); !strings.Contains(strings.ToLower(text+m[2]), strings.ToLower(word)) {
				t.Errorf("%s: not in %q", query, text)
			}
			if strings.HasPrefix(query, "fr") && strings.HasPrefix(m[1], "fr") {
				noBreak += strings.Count(text, "\u00a0:")
			}
			apart += strings.Count(inner, " · ")
			got := wordsOf(inner)
			if len(got) == 0 || strings.HasPrefix(inner, ":") || strings.HasPrefix(inner, "·") || strings.HasSuffix(inner, "·") {
				t.Errorf("%s: %q", query, text)
				continue
			}
			if inner == text {
				continue
			}
			cut++
			page := html.UnescapeString(tags.ReplaceAllString(ends.ReplaceAllString(get(t, root+"/docs/"+m[1]).body, " "), ""))
			for _, word := range []string{got[0], got[len(got)-1]} {
				if !slices.Contains(wordsOf(page), word) {
					t.Errorf("%s: %q is no word of %s: %q", query, word, m[1], text)
				}
			}
		}
	}
	if cut < 30 || apart < 30 || noBreak < 5 {
		t.Errorf("%d were cut, %d ends of a cell, %d French colons", cut, apart, noBreak)
	}
}

// TestSearchSaysHowManyItFound, and that it does not show them all.
func TestSearchSaysHowManyItFound(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	for lang, want := range map[string]string{"fr": `<p>Les 20 premiers résultats sur \d{2,}\. Ajoutez `, "en": `<p>Showing the first 20 of \d{2,} results\. Add `} {
		all := regexp.MustCompile(want)
		if a := get(t, root+"/docs/"+lang+"/search?q=token"); !all.MatchString(a.body) || strings.Count(a.body, `class="hit"`) != 20 {
			t.Errorf("%s: %q is not in a page of many", lang, want)
		}
		if a := get(t, root+"/docs/"+lang+"/search?q=token+sched_autogroup_enabled"); all.MatchString(a.body) {
			t.Errorf("%s: %q is in a page of few", lang, want)
		}
	}
	said := regexp.MustCompile(`<p>(\d+)\x{a0}(results?|résultats?)</p>`)
	for query, want := range map[string]string{"fr/search?q=limites": "résultats", "en/search?q=sched_autogroup_enabled": "results", "fr/search?q=sched_autogroup_enabled+scheduler": "résultat", "en/search?q=sched_autogroup_enabled+scheduler": "result"} {
		body := get(t, root+"/docs/"+query).body
		m := said.FindStringSubmatch(body)
		if m == nil || m[2] != want || m[1] != strconv.Itoa(strings.Count(body, `class="hit"`)) || (m[1] == "1") == strings.HasSuffix(want, "s") {
			t.Errorf("%s: %q, want %s", query, m, want)
		}
	}
}

// TestFoundPageIsNamedOnce, where it is the heading that was found.
func TestFoundPageIsNamedOnce(t *testing.T) {
	t.Parallel()
	root := newServer(t, "")
	twice := regexp.MustCompile(`(?s)<p class="hit"><a [^>]*>([^<]*)</a>\s*<span class="of">([^<]*)</span>`)
	for _, query := range []string{"fr/search?q=limites", "en/search?q=limits", "en/search?q=webhooks", "fr/search?q=serveur"} {
		body := get(t, root+"/docs/"+query).body
		of := twice.FindAllStringSubmatch(body, -1)
		if len(of) == 0 || len(of) == strings.Count(body, `class="hit"`) {
			t.Errorf("%s: %d of %d say of which page they are", query, len(of), strings.Count(body, `class="hit"`))
		}
		for _, m := range of {
			if strings.EqualFold(m[1], m[2]) {
				t.Errorf("%s: %q is called so twice", query, m[1])
			}
		}
	}
}

// TestScalarIsThePublishedOne: what is in the program is what the Makefile
// names, byte for byte.
func TestScalarIsThePublishedOne(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^SCALAR_JS_SHA256 := ([0-9a-f]{64})$`).FindSubmatch(makefile)
	if want == nil {
		t.Fatal("the Makefile names no checksum")
	}
	root := newServer(t, "")
	sum := sha256.Sum256([]byte(get(t, root+"/docs/files/scalar.js").body))
	if got := hex.EncodeToString(sum[:]); got != string(want[1]) {
		t.Errorf("SHA-256 %s, want %s: run make scalar", got, want[1])
	}
}

// BenchmarkGet is what an answer costs, without what the network takes.
func BenchmarkGet(b *testing.B) {
	h := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Language: "fr"}, map[string]http.Handler{"/": http.NotFoundHandler(), manual.Path: manual.New(unlimited)})
	for name, path := range map[string]string{
		"page": "/docs/en/start", "search": "/docs/en/search?q=refresh+token+rotation", "missing": "/docs/en/nothing", "script": "/docs/files/scalar.js",
	} {
		for _, encoding := range []string{"gzip", "identity"} {
			b.Run(name+"/"+encoding, func(b *testing.B) {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header.Set("Accept-Encoding", encoding)
				h.ServeHTTP(&oneWrite{header: http.Header{}}, r) // the first one makes the pages
				for b.Loop() {
					h.ServeHTTP(&oneWrite{header: http.Header{}}, r)
				}
			})
		}
	}
}

// TestQuestionsThatCostMoreThanTheyAre: a long path must not come back in every
// link of a page, and nothing is unpacked that is not sent.
func TestQuestionsThatCostMoreThanTheyAre(t *testing.T) {
	t.Parallel()
	deep := "/docs/" + strings.Repeat("a/", 4000)
	if a := get(t, newServer(t, "")+deep); a.status != http.StatusNotFound || len(a.body) > len(deep) {
		t.Errorf("%d, %d bytes for a path of %d", a.status, len(a.body), len(deep))
	}
	handler := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Language: "fr"}, map[string]http.Handler{manual.Path: manual.New(unlimited)})
	head := httptest.NewRecorder() // which keeps what a server would throw away
	handler.ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/docs/files/scalar.js", nil))
	if head.Code != http.StatusOK || head.Header().Get("Etag") == "" || head.Body.Len() > 0 {
		t.Errorf("%d %v, %d bytes unpacked", head.Code, head.Header(), head.Body.Len())
	}
	// Who takes no gzip gets a copy that was unpacked once for all.
	var copies []*byte
	for range 3 {
		w := &oneWrite{header: http.Header{}}
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/docs/files/scalar.js", nil))
		length := strconv.Itoa(w.length)
		if w.writes != 1 || w.length < 4<<20 || w.header.Get("Content-Length") != length || head.Header().Get("Content-Length") != length {
			t.Errorf("%d writes, %d bytes, %v", w.writes, w.length, w.header)
		}
		copies = append(copies, w.first)
	}
	if copies[0] == nil || copies[1] != copies[0] || copies[2] != copies[0] {
		t.Error("it was unpacked again")
	}
}

// oneWrite remembers where what is written to it is in memory.
type oneWrite struct {
	header         http.Header
	first          *byte
	writes, length int
}

func (w *oneWrite) Header() http.Header { return w.header }
func (w *oneWrite) WriteHeader(int)     {}

func (w *oneWrite) Write(p []byte) (int, error) {
	w.first, w.writes, w.length = unsafe.SliceData(p), w.writes+1, w.length+len(p)
	return len(p), nil
}

// TestPagesMadeForOneRequestAreCounted: searches and addresses that there are
// not. What is kept is nobody's quota.
func TestPagesMadeForOneRequestAreCounted(t *testing.T) {
	t.Parallel()
	var asked []string
	used := manual.New(func(_ context.Context, ip string) time.Duration {
		asked = append(asked, ip)
		return 1500 * time.Millisecond
	})
	handler := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Language: "fr"}, map[string]http.Handler{"/": http.NotFoundHandler(), manual.Path: used})
	for path, want := range map[string]int{
		"/docs/fr/search?q=token": 429, "/docs/en/search?q=token": 429, "/docs/en/nothing": 429, "/docs/files/nothing.js": 429, "/docs/xx/start": 429,
		"/docs/": 302, "/docs/en/start": 200, "/docs/fr/reference": 200, "/docs/files/style.css": 200, "/docs/" + strings.Repeat("a/", 100): 404,
	} {
		asked = nil
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = "203.0.113.7:1"
		handler.ServeHTTP(w, r)
		if w.Code != want || (want == 429) != slices.Equal(asked, []string{"203.0.113.7"}) {
			t.Errorf("%s: %d, want %d; %v was counted", path, w.Code, want, asked)
		}
		if want == 429 && (w.Header().Get("Retry-After") != "2" || w.Header().Get("X-Error-Code") != "throttled" || w.Body.Len() > 100) {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}
}
