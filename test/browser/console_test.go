package browser

import (
	"context"
	"image/png"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

// desk is a server with staff and customers, whose codes the test knows.
type desk struct {
	*server
	database string
	store    *store.Store
	seeds    map[string][]byte
	steps    map[string]int64 // the last code of each that was used
	ids      map[string]int64
}

func startDesk(t *testing.T, env ...string) *desk {
	t.Helper()
	database := storetest.SQLite(t)
	return startDeskOn(t, database, database, env...)
}

// startDeskOn has the way that the server takes to its database, and the test's.
func startDeskOn(t *testing.T, far, database string, env ...string) *desk {
	t.Helper()
	d := &desk{server: start(t, far, env...), database: database, store: storetest.Open(t, database), seeds: map[string][]byte{}, steps: map[string]int64{}, ids: map[string]int64{}}
	for name, role := range map[string]account.Role{"salma": account.Support, "karim": account.Manager, "nadia": account.Owner} {
		d.signs(t, name, name+"@boutique.example", strings.ToUpper(name[:1])+name[1:], "")
		d.hire(t, name, role)
	}
	d.signs(t, "amina", "amina.alaoui@example.ma", "Amina", "Alaoui")
	d.signs(t, "amina2", "amina2@example.ma", "أمينة", "العلوي")
	d.signs(t, "tazi", "m.tazi@example.ma", "Mohamed", "Tazi")
	d.signs(t, "long", "une.adresse.qui.ne.finit.pas@une-boutique-au-nom-tres-long.example.ma", strings.Repeat("Maximilienne", 12), strings.Repeat("ب", 150))
	d.signs(t, "script", "script@example.ma", `"><img src=x onerror=alert(1)>`, "x")
	return d
}

// signs registers somebody.
func (d *desk) signs(t *testing.T, username, email, first, last string) {
	t.Helper()
	status, answer := d.call(t, http.MethodPost, "auth/register/", "fr", "", "username", username, "password", firstPassword, "email", email, "first_name", first, "last_name", last)
	if status != http.StatusCreated {
		t.Fatalf("register %s: %d %v", username, status, answer)
	}
	u, err := d.store.UserByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	d.ids[username] = u.ID
}

// hire gives somebody a factor and a role that they have accepted.
func (d *desk) hire(t *testing.T, username string, role account.Role) {
	t.Helper()
	now := time.Now().UTC()
	d.seeds[username] = totp.NewSecret()
	err := d.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		err := tx.CreateFactor(ctx, account.Factor{ID: token.NewID(), UserID: d.ids[username], Kind: account.TOTP, CreatedAt: now, ConfirmedAt: now, Secret: d.seeds[username]})
		if err != nil {
			return err
		}
		return tx.SetStaff(ctx, account.StaffMember{UserID: d.ids[username], Role: role, GivenAt: now, AcceptedAt: now})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// code is one that was not used yet: the next one is taken, too.
func (d *desk) code(username string) string {
	step := max(totp.StepAt(time.Now()), d.steps[username]+1)
	d.steps[username] = step
	return totp.Code(d.seeds[username], step)
}

// works logs somebody of the staff in, by the keyboard alone.
func (b *tab) works(d *desk, username string) {
	b.t.Helper()
	b.open(d.URL + "/console/login")
	b.inField("username")
	b.fill("username", username)
	b.fill("password", firstPassword)
	b.status(b.enter("password"), http.StatusOK)
	b.fill("code", d.code(username))
	b.status(b.enter("code"), http.StatusOK)
}

// write fills in a field of several lines, in place of what is there.
func (b *tab) write(id, text string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.getElementById("`+id+`").value = ""`)); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#"+id), text))
}

func (d *desk) client(username string) string {
	return d.URL + "/console/clients/" + strconv.FormatInt(d.ids[username], 10)
}

// says fails unless the page says all this, and is sound.
func (b *tab) says(texts ...string) {
	b.t.Helper()
	p := b.read()
	for _, text := range texts {
		if !strings.Contains(p.Text, text) {
			b.t.Errorf("the page does not say %q:\n%s", text, p.Text)
		}
	}
	if p.Scroll > p.Width {
		b.t.Errorf("%q is %d pixels wide in a window of %d", p.H1, p.Scroll, p.Width)
	}
	b.unbroken()
	b.uncut()
	if b.scripts { // axe-core is one
		b.accessible()
	}
}

// unbroken fails when something that is to stay whole, and is short, goes on in
// another line: an element that says so, or what no-break spaces join.
func (b *tab) unbroken() {
	b.t.Helper()
	const ask = `(() => {
		const found = [], range = document.createRange()
		const look = text => {
			const boxes = [...range.getClientRects()].filter(r => r.width > 0)
			if (text.length <= 24 && boxes.some(r => r.top > boxes[0].bottom - 2)) found.push(text)
		}
		for (const e of document.querySelectorAll('.whole')) {
			range.selectNodeContents(e)
			look(e.textContent)
		}
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
		while (texts.nextNode()) {
			for (const m of texts.currentNode.data.matchAll(/[^ \t\n]+\u00a0[^ \t\n]+/g)) {
				range.setStart(texts.currentNode, m.index)
				range.setEnd(texts.currentNode, m.index + m[0].length)
				look(m[0])
			}
		}
		return found
	})()`
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](ask))
	if err != nil || len(found) > 0 {
		b.t.Errorf("over two lines: %q; %v", found, err)
	}
}

// uncut fails when what cuts off its text has no room below the line for the
// lowest letters of Arabic.
func (b *tab) uncut() {
	b.t.Helper()
	const ask = `(() => {
		const paper = document.createElement('canvas').getContext('2d')
		return [...document.querySelectorAll('.two, .who, input:not([type=checkbox], [type=hidden])')].filter(e => {
			const style = getComputedStyle(e)
			paper.font = style.font
			const m = paper.measureText('العلوي')
			return (parseFloat(style.lineHeight) + m.fontBoundingBoxDescent - m.fontBoundingBoxAscent) / 2 < m.actualBoundingBoxDescent
		}).map(e => e.className || e.id)
	})()`
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](ask))
	if err != nil || len(found) > 0 {
		b.t.Errorf("no room for the dots of a letter: %q; %v", found, err)
	}
}

// holds fails unless a field has this in it.
func (b *tab) holds(id, want string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.getElementById("`+id+`").value`))
	if err != nil || got != want {
		b.t.Errorf("the field %s has %q, want %q; %v", id, got, want, err)
	}
}

// TestConsoleWhyCanSheNotLogIn is the telephone call, by keyboard, with
// scripts and without: find, read why, do one thing, and she is in.
func TestConsoleWhyCanSheNotLogIn(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	for _, o := range []tabOptions{{language: "fr", width: 1280, height: 860, scripts: true, patient: true}, {language: "fr", width: 360, height: 740, patient: true}} {
		name := "scripts"
		if !o.scripts {
			name = "none"
		}
		t.Run(name, func(t *testing.T) {
			b := openTab(t, o)
			b.works(d, "karim")
			b.says("Aperçu")
			b.open(d.client("amina") + "/disable")
			b.write("reason", "fraude")
			b.status(b.load(chromedp.Click(chromedp.CSS("main button.danger"))), http.StatusUnprocessableEntity)
			b.says()
			b.holds("reason", "fraude")
			b.write("reason", "fraude signalée")
			b.status(b.load(chromedp.Click(chromedp.CSS("main button.danger"))), http.StatusOK)
			b.says("compte désactivé", "Connexion possible", "Non", "fraude signalée")
			if d.opens(t, "amina", firstPassword) {
				t.Error("she can log in")
			}

			if o.scripts { // "/" leads to the search, from anywhere
				b.do(chromedp.KeyEvent("/"))
				b.inField("find")
			}
			b.fill("find", "alaoui am")
			b.status(b.enter("find"), http.StatusOK)
			b.says("Amina Alaoui", "Désactivé")
			if o.scripts { // one result: Enter opens it
				b.inField("search")
				b.status(b.enter("search"), http.StatusOK)
			} else {
				b.status(b.load(chromedp.Click(chromedp.CSS("a[data-row]"))), http.StatusOK)
			}
			b.says("Connexion possible", "fraude signalée")
			b.status(b.load(chromedp.Click(chromedp.CSS(`main a[href$="/enable"]`))), http.StatusOK)
			b.inField("reason")
			b.write("reason", "elle a prouvé qui elle est")
			b.status(b.load(chromedp.Click(chromedp.CSS("main button.primary"))), http.StatusOK)
			b.says("compte réactivé", "Oui")
			if !d.opens(t, "amina", firstPassword) {
				t.Error("she cannot log in")
			}
		})
	}
}

// TestConsoleSearchesAsOneTypes: the caret stays, the address follows, and the
// list is the same when it is opened again.
func TestConsoleSearchesAsOneTypes(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	b := openTab(t, tabOptions{language: "ar", width: 1280, height: 860, scripts: true, patient: true})
	b.works(d, "salma")
	b.open(d.URL + "/console/clients")
	b.inField("search")
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "العلو"))
	for range 200 {
		if strings.Contains(b.run("return location.search"), "search=") && !strings.Contains(b.read().Text, "Tazi") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	p := b.inField("search")
	if !strings.Contains(p.Text, "أمينة العلوي") || strings.Contains(p.Text, "Tazi") || p.Dir != "rtl" {
		t.Errorf("found:\n%s", p.Text)
	}
	b.accessible()
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	if got := b.run("return document.activeElement.textContent.includes('أمينة')"); got != "true" {
		t.Error("the arrow does not lead to the row")
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	for range 200 {
		if b.run("return document.readyState === 'complete' && location.pathname.includes('/console/clients/')") == "true" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.says("أمينة العلوي", "amina2@example.ma", locale.Text("ar", "console.diagnosis", nil))
	if got := b.run("return localStorage.length + sessionStorage.length"); got != "0" {
		t.Errorf("something stays in the browser's storage: %s", got)
	}
}

func consolePicture(shot, lang string, o tabOptions) string {
	scheme := "light"
	if o.dark {
		scheme = "dark"
	}
	return shot + "-" + strconv.FormatInt(o.width, 10) + "-" + scheme + "." + lang + ".png"
}

// consoleScreens are what the pages are looked at on.
var consoleScreens = map[string][]tabOptions{
	"fr": {{width: 1280, height: 860}, {width: 360, height: 740}, {width: 1280, height: 860, dark: true}},
	"ar": {{width: 1280, height: 860}, {width: 360, height: 740, dark: true}},
	"en": {{width: 1280, height: 860}},
}

const consoleFolder = pictureFolder + "/console"

// TestConsolePictures goes through every page in each language, on both
// widths: nothing is wider than the window and axe-core finds nothing. With
// -update it takes the pictures of docs/console.md.
func TestConsolePictures(t *testing.T) {
	t.Parallel()
	var docs string
	for _, name := range []string{"../../docs/console.md", "../../docs/console.fr.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		docs += string(text)
	}
	d := startDesk(t, "YOOZAK_STAFF_TWO_PERSONS=true")
	empty := start(t, storetest.SQLite(t)).setupLink(t)[0]
	b := openTab(t, tabOptions{language: "fr", width: 1280, height: 860, scripts: true, patient: true})
	b.works(d, "karim")
	b.open(d.client("amina") + "/disable")
	b.write("reason", "fraude signalée")
	b.load(chromedp.Click(chromedp.CSS("main button.danger")))
	b.open(d.client("script") + "/erase")
	b.write("reason", "demande écrite du client, reçue le 24 novembre")
	b.fill("number", strconv.FormatInt(d.ids["script"], 10))
	b.load(chromedp.Click(chromedp.CSS("main button.danger")))
	waits := b.run("return location.href")
	b.open(d.client("amina") + "/notes")
	b.write("text", "A appelé deux fois ce matin. Rappeler après 17 h.")
	b.load(chromedp.Click(chromedp.CSS("main .ask button")))
	session := d.session(t, "nadia")
	d.press(t, session, "services", url.Values{"name": {"stock"}, "audience": {"https://stock.boutique.example"}, "scope_introspect": {"true"}})
	d.press(t, session, "services", url.Values{"name": {"livraison"}, "scope_introspect": {"true"}, "scope_revoke": {"true"}})
	d.press(t, session, "webhooks", url.Values{"url": {"https://commandes.boutique.example/hooks/clients?cle=planted"}})
	d.press(t, session, "webhooks", url.Values{"url": {"https://fidelite.boutique.example/"}, "type_client_created": {"true"}, "type_client_erased": {"true"}})
	d.signs(t, "hind", "hind@example.ma", "Hind", "Bennani")
	hooks, err := d.store.Webhooks(t.Context())
	if err != nil || len(hooks) != 2 {
		t.Fatalf("%d webhooks; %v", len(hooks), err)
	}
	if *update {
		if err := os.MkdirAll(consoleFolder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for lang, screens := range consoleScreens {
		for _, o := range screens {
			o.language, o.scripts, o.patient = lang, true, true
			t.Run(o.name(), func(t *testing.T) {
				b := openTab(t, o)
				shot := func(name, address string, status int, scripts ...string) {
					t.Helper()
					b.high(o.height)
					b.status(b.open(address), status)
					for _, script := range scripts {
						b.run(script)
					}
					b.says()
					path := filepath.Join(consoleFolder, consolePicture(name, lang, o))
					if *update {
						b.grow()
						save(t, "console/"+strings.TrimSuffix(filepath.Base(path), ".png"), b.window())
						return
					}
					f, err := os.Open(path)
					if err != nil {
						t.Fatalf("%v: run make screenshots", err)
					}
					defer f.Close() //nolint:errcheck // it was read
					if _, err := png.DecodeConfig(f); err != nil {
						t.Errorf("%s: %v", path, err)
					}
					if !strings.Contains(docs, "images/console/"+filepath.Base(path)) {
						t.Errorf("no document shows %s", path)
					}
				}
				shot("setup", empty, http.StatusOK)
				shot("login", d.URL+"/console/login", http.StatusOK)
				b.has(d, session)
				shot("overview", d.URL+"/console/", http.StatusOK)
				shot("clients", d.URL+"/console/clients", http.StatusOK)
				shot("ticked", d.URL+"/console/clients?is_active=true", http.StatusOK, `for (const box of [...document.querySelectorAll('#results input[name=ids]')].slice(1, 4)) box.click()`)
				shot("client", d.client("amina"), http.StatusOK)
				shot("disable", d.client("tazi")+"/disable", http.StatusOK)
				shot("events", d.URL+"/console/events", http.StatusOK)
				shot("mails", d.URL+"/console/mails", http.StatusOK)
				shot("notes", d.client("amina")+"/notes", http.StatusOK)
				shot("edit", d.client("amina2")+"/edit", http.StatusOK)
				shot("staff", d.URL+"/console/staff", http.StatusOK)
				shot("bulk", d.URL+"/console/clients/bulk/disable?all=1", http.StatusOK)
				shot("export", d.URL+"/console/clients/export?search=ma&is_active=true", http.StatusOK)
				shot("approvals", d.URL+"/console/approvals", http.StatusOK)
				shot("approval", waits, http.StatusOK)
				shot("keys", d.URL+"/console/keys", http.StatusOK)
				shot("services", d.URL+"/console/services", http.StatusOK)
				shot("webhooks", d.URL+"/console/webhooks", http.StatusOK)
				shot("webhook", d.URL+"/console/webhooks/"+hooks[0].ID, http.StatusOK)
				shot("system", d.URL+"/console/system", http.StatusOK)
				if got := b.run("return [...document.querySelectorAll('summary[lang=en]')].map(s => s.textContent).join()"); got != "" {
					t.Errorf("settings without a heading in %s: %s", lang, got)
				}
				b.run("for (const group of document.querySelectorAll('details.group')) group.open = true")
				b.says()
			})
		}
	}
}

// grow makes a telephone as high as its page, so that what stands at the foot
// of the window is at the foot of the picture.
func (b *tab) grow() {
	b.t.Helper()
	height, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.documentElement.scrollHeight`))
	if err != nil {
		b.t.Fatal(err)
	}
	b.high(int64(height))
}

// high makes the window so high.
func (b *tab) high(height int64) {
	b.t.Helper()
	err := set(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: b.width, Height: height, DeviceScaleFactor: 1, Mobile: true})
	if err != nil {
		b.t.Fatal(err)
	}
}

// session logs somebody of the staff in without a window, and returns the
// cookie: each code is good once, and the windows are many.
func (d *desk) session(t *testing.T, username string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	post := func(path string, fields url.Values) string {
		t.Helper()
		res, err := client.PostForm(d.URL+"/console/"+path, fields)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // it was read
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	form := post("login", url.Values{"username": {username}, "password": {firstPassword}})
	_, bound, _ := strings.Cut(form, `name="bound" value="`)
	bound, _, _ = strings.Cut(bound, `"`)
	post("login/factor", url.Values{"bound": {bound}, "code": {d.code(username)}})
	at, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range jar.Cookies(at) {
		if c.Name == "yoozak_console" {
			return c.Value
		}
	}
	t.Fatalf("%s is not logged in", username)
	return ""
}

// press sends a form of the console with a session.
func (d *desk) press(t *testing.T, session, path string, fields url.Values) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/console/"+path, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "yoozak_console", Value: session})
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing of it is wanted
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", path, res.StatusCode)
	}
}

// has gives the window a session.
func (b *tab) has(d *desk, session string) {
	b.t.Helper()
	yes := true
	if err := set(b.ctx, network.SetCookie, network.SetCookieParams{Name: "yoozak_console", Value: session, URL: d.URL, HTTPOnly: &yes, SameSite: network.CookieSameSiteStrict}); err != nil {
		b.t.Fatal(err)
	}
}
