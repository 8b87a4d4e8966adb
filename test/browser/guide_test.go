package browser

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/store/storetest"
)

// guides are the documents whose code is run here.
var guides = []string{"start", "tokens", "factors", "ssr", "accounts"}

var codeBlock = regexp.MustCompile("(?s)(?:<!-- (run|not run): ([^>]+) -->\n)?```(js|ts|tsx|sh)\n(.*?)```")

// guideCode is a block of code of a guide by its mark: <!-- run: NAME -->. It
// is the same in French but for its comments.
func guideCode(t *testing.T, guide, name string) string {
	t.Helper()
	comment := regexp.MustCompile(`(?m)(^|\s)// .*$`)
	var code, bare [2]string
	for i, ending := range []string{".md", ".fr.md"} {
		for _, m := range codeBlock.FindAllStringSubmatch(document(t, guide+ending), -1) {
			if m[1] == "run" && m[2] == name {
				code[i], bare[i] = m[4], comment.ReplaceAllString(m[4], "")
			}
		}
		if code[i] == "" {
			t.Fatalf("%s%s has no code with the mark %q", guide, ending, name)
		}
	}
	if bare[0] != bare[1] {
		t.Errorf("the code with the mark %q differs:\n%s\n%s", name, bare[0], bare[1])
	}
	return code[0]
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGuidesCodeIsRun holds that each block of code in a guide is run by a
// test here, or says why not.
func TestGuidesCodeIsRun(t *testing.T) {
	t.Parallel()
	ran := map[string][]string{"start": {"sdk", "form", "fetch", "client", "session"}, "accounts": {"reset", "verify", "numbers"},
		"factors": {"login", "hand", "app", "passkeys", "confirm", "codes", "links"}} // all but "hand" by sdk/typescript/test
	for _, name := range ran["factors"] {
		guideCode(t, "factors", name)
	}
	for _, guide := range guides {
		for _, ending := range []string{".md", ".fr.md"} {
			for _, m := range codeBlock.FindAllStringSubmatch(document(t, guide+ending), -1) {
				if m[1] == "" || m[1] == "run" && !slices.Contains(ran[guide], m[2]) {
					t.Errorf("%s%s: who runs this?\n%s", guide, ending, m[4])
				}
			}
		}
	}
}

// TestGuidesWithTheSDK runs the code of the guides that uses the SDK, in a
// page of another origin than the API.
func TestGuidesWithTheSDK(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t), "YOOZAK_CORS_LOOPBACK=true")
	var tokens []string
	orders := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // another API of the shop's
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		if r.Method == http.MethodGet {
			tokens = append(tokens, r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(orders.Close)
	modules := map[string]string{}
	for guide, names := range map[string][]string{"start": {"sdk", "form", "fetch"}, "accounts": {"reset", "verify"}} {
		for _, name := range names {
			code := strings.NewReplacer("http://127.0.0.1:8000", s.URL, "https://api.shop.example", orders.URL, "location.assign('/login')", "window.led = true").Replace(guideCode(t, guide, name))
			modules[name+".js"] = bundle(t, code)
		}
	}
	b := openTab(t, tabOptions{language: "en", scripts: true})
	b.open(storefront(t, modules, `<script type="module">for (const name of ['sdk', 'form', 'fetch', 'reset', 'verify']) (window.guide ??= {})[name] = await import('/' + name + '.js')
window.ready = true</script>`))
	step := func(what, script, want string) {
		t.Helper()
		if got := b.run(`while (!window.ready) await new Promise(r => setTimeout(r, 10)); const { sdk, form, fetch, reset, verify } = guide, { client } = sdk; ` + script); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	step("who is logged in", `return (await client.me()).first_name`, "Amina")
	step("a form that is right", `return JSON.stringify(await form.sent(() => client.updateMe({ last_name: 'Alaoui' })))`, "{}")
	step("a form that is not", `return Object.keys((await form.sent(() => client.register({ username: 'a b', password: 'x' }))).fields)`, "username")
	step("a wrong password", `const shown = await form.sent(() => client.login({ username: 'nobody', password: 'wrong' })); return [shown.message.length > 10, shown.support.length > 5]`, "true,true")
	step("no server that spoke", `return (await form.sent(() => client.me({ signal: AbortSignal.abort() }))).code`, "aborted")
	step("a session that is over", `await client.logoutAll(); return JSON.stringify(await form.sent(() => client.me())) + led`, `{"login":true}true`)
	step("the state", `await client.login({ username: 'amina', password: 'kV7-pazouk-42' }); return [client.state().status, client.state().user.username]`, "in,amina")
	step("another API", `return (await fetch.orders()).status`, "200")
	if len(tokens) != 1 || !strings.HasPrefix(tokens[0], "Bearer ey") {
		t.Errorf("the other API was sent %d tokens", len(tokens))
	}
	step("a reminder", `await verify.remind(client)`, "undefined")
	token := s.received(t, "verify_email", firstAddress).Token
	step("verify", `location.hash = '`+token+`'; await verify.verify(client); return (await client.security()).email_verified`, "true")
	step("forgotten", `await reset.forgotten(client, 'nobody@example.ma'); await reset.forgotten(client, '`+firstAddress+`')`, "undefined")
	token = s.received(t, "reset_password", firstAddress).Token
	step("choose", `location.hash = '`+token+`'; await reset.choose(client, '`+nextPassword+`'); return location.hash`, "")
	if !s.opens(t, "amina", nextPassword) {
		t.Error("the new password opens nothing")
	}
}

// bundle puts the SDK into a module that imports it, as a shop's build does.
func bundle(t *testing.T, code string) string {
	t.Helper()
	const sdk = "../../sdk/typescript/"
	source, err := filepath.Abs(sdk + "src/index.ts")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), sdk+"node_modules/.bin/esbuild", "--bundle", "--format=esm", "--target=es2022", "--alias:@yoozak/clients="+source)
	cmd.Stdin = strings.NewReader(code)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: run scripts/install-test-deps.sh\n%s", err, code)
	}
	return string(out)
}
