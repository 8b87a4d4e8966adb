package browser

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/yoozaktest"
)

var update = flag.Bool("update", false, "take the pictures of docs/images anew")

// The pictures are those of a telephone; each stays small, because they are
// kept for as long as the repository.
const (
	pictureWidth, pictureHeight = 390, 760
	pictureBytes                = 64 << 10
	pictureFolder               = "../../docs/images"
)

// shots are what is photographed, in this order: a page is reached through
// the ones before it.
var pageShots = []string{
	"forgot", "forgot-sent", "reset", "reset-refused", "reset-done", "bad-link", "verify", "verify-done", "verify-already", "verify-disowned", "confirm", "undo",
	"not-found", "home",
	"login", "login-refused", "register", "register-refused", "overview", "password", "prove", "prove-send", "prove-code", "prove-code-refused", "totp", "totp-secret", "recovery-codes", "second", "second-refused", "second-recovery", "factor", "passkeys", "code",
}

// wideShots are also taken of a window as wide as a desk has it.
var wideShots = []string{"overview"}

// readmeShots stand side by side in the READMEs, in each language.
var readmeShots = []string{"mail-reset-password", "page-reset"}

// pictures are the names of the files that the documents show.
func pictures() []string {
	names := []string{"readme-light", "readme-dark", "page-reset.en", "page-reset-dark.fr", "page-reset-refused-dark.fr", "mail-password-changed-dark.fr"}
	for _, lang := range []string{"fr", "ar"} {
		for _, shot := range pageShots {
			names = append(names, "page-"+shot+"."+lang)
		}
	}
	for _, shot := range wideShots {
		names = append(names, "page-"+shot+"-wide.fr", "page-"+shot+"-dark.fr")
	}
	for _, kind := range mailKinds {
		names = append(names, mailShot(kind)+".fr")
	}
	return append(names, mailShot("reset_password")+".ar", mailShot("password_changed")+".ar", mailShot("email_changed")+".ar", mailShot("verify_email")+".en")
}

func mailShot(kind string) string { return "mail-" + strings.ReplaceAll(kind, "_", "-") }

// TestPictures takes the pictures with -update; without, it holds that they
// are there, small, and shown.
func TestPictures(t *testing.T) {
	t.Parallel()
	if *update {
		takePictures(t)
	}
	var docs string
	for _, name := range []string{"../../docs/pages.md", "../../docs/pages.fr.md", "../../README.md", "../../README.fr.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		docs += string(text)
	}
	for _, name := range pictures() {
		data, err := os.ReadFile(filepath.Join(pictureFolder, name+".png"))
		if err != nil {
			t.Errorf("%v: run make screenshots", err)
			continue
		}
		if _, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || len(data) > pictureBytes {
			t.Errorf("%s: %d bytes, want %d at most; %v", name, len(data), pictureBytes, err)
		}
		if !strings.Contains(docs, "images/"+name+".png") {
			t.Errorf("no document shows %s", name)
		}
	}
	there, err := filepath.Glob(filepath.Join(pictureFolder, "*.png"))
	there = slices.DeleteFunc(there, func(path string) bool { return strings.HasPrefix(filepath.Base(path), "storefront-") }) // those are of ./sdk
	if err != nil || len(there) != len(pictures()) {
		t.Errorf("%d pictures, want %d; %v", len(there), len(pictures()), err)
	}
}

// photographer has a telephone in the light and one in the dark, in a
// language, and one of each for the READMEs.
type photographer struct {
	t           *testing.T
	lang        string
	light, dark *tab
	small       map[string]*tab          // for the READMEs, by scheme
	readme      map[string][]image.Image // what they took, by scheme
}

func takePictures(t *testing.T) {
	t.Helper()
	readme := map[string][]image.Image{}
	for _, lang := range []string{"fr", "ar", "en"} {
		phone := tabOptions{language: lang, width: pictureWidth, height: pictureHeight, scale: 2, patient: true}
		dark := phone
		dark.dark = true
		p := &photographer{t: t, lang: lang, readme: readme}
		p.account() // in windows of its own: each has its time
		p.withPasskeys()
		p.byMail()
		p.light, p.dark = openTab(t, phone), openTab(t, dark)
		phone.scale, dark.scale = 1, 1
		p.small = map[string]*tab{"light": openTab(t, phone), "dark": openTab(t, dark)}
		p.pages()
		p.undo()
		mails := life(t, p.start(), lang)
		for _, kind := range mailKinds {
			p.shoot(mailShot(kind), reader(t, mails[kind]))
		}
	}
	for scheme, images := range readme {
		save(t, "readme-"+scheme, sideBySide(images))
	}
}

func (p *photographer) start() *server {
	return start(p.t, storetest.SQLite(p.t), "YOOZAK_PUBLIC_URL=https://compte.yoozak.example",
		"YOOZAK_SHOP_URL=https://yoozak.example/", "YOOZAK_SUPPORT=aide@yoozak.example")
}

// shoot opens an address on each telephone that a picture is wanted of.
func (p *photographer) shoot(name, address string) {
	p.t.Helper()
	p.light.open(address)
	p.here(p.light, name)
	if slices.Contains(pictures(), name+"-dark."+p.lang) {
		p.dark.open(address)
		p.here(p.dark, name+"-dark")
	}
	if slices.Contains(readmeShots, name) && p.lang != "en" {
		for scheme, b := range p.small {
			b.open(address)
			p.readme[scheme] = append(p.readme[scheme], b.window())
		}
	}
}

// here takes a picture of what a telephone shows, if it is wanted.
func (p *photographer) here(b *tab, name string) {
	p.t.Helper()
	if name += "." + p.lang; slices.Contains(pictures(), name) {
		save(p.t, name, b.window())
	}
}

func (p *photographer) pages() {
	p.t.Helper()
	s, b := p.start(), p.light
	access := s.register(p.t, p.lang, "amina")
	p.shoot("page-home", s.URL+"/?lang="+p.lang)
	p.shoot("page-not-found", s.URL+"/account/nowhere/?lang="+p.lang)
	p.shoot("page-forgot", s.URL+"/account/forgot-password/?lang="+p.lang)
	b.fill("email", firstAddress)
	b.press()
	p.here(b, "page-forgot-sent")
	b.load(chromedp.Click(chromedp.CSS(`main a[href*="/code/"]`)))
	p.here(b, "page-code")
	reset := s.URL + s.received(p.t, "reset_password", firstAddress).Path
	p.shoot("page-reset", reset)
	for b, name := range map[*tab]string{b: "page-reset-refused", p.dark: "page-reset-refused-dark"} {
		b.open(reset)
		b.fill("new_password", "123456")
		b.fill("repeat", "123456")
		b.press()
		p.here(b, name)
	}
	verify := s.received(p.t, "verify_email", firstAddress)
	p.shoot("page-verify", s.URL+verify.Path)
	b.press()
	p.here(b, "page-verify-done")
	p.shoot("page-verify-already", s.URL+verify.Path)
	const hers = "hind@example.ma" // somebody typed it who is not her
	if status, answer := s.call(p.t, http.MethodPost, "auth/register/", p.lang, "", "username", "hind", "password", firstPassword, "email", hers); status != http.StatusCreated {
		p.t.Fatalf("register: %d %v", status, answer)
	}
	b.open(s.URL + s.received(p.t, "verify_email", hers).Path)
	b.load(chromedp.Click(chromedp.CSS(`button[name="disown"]`)))
	p.here(b, "page-verify-disowned")
	s.changeEmail(p.t, p.lang, access, "amina.alaoui@example.ma")
	p.shoot("page-confirm", s.URL+s.received(p.t, "confirm_email", "amina.alaoui@example.ma").Path)
	b.open(reset)
	b.fill("new_password", nextPassword)
	b.fill("repeat", nextPassword)
	b.press()
	p.here(b, "page-reset-done")
	p.shoot("page-bad-link", reset)
}

// account is somebody who looks after theirs.
func (p *photographer) account() {
	p.t.Helper()
	s := p.start()
	s.register(p.t, p.lang, "amina")
	s.prove(p.t)
	small := tabOptions{language: p.lang, width: pictureWidth, height: pictureHeight}
	dark, wide := small, small
	dark.dark, wide.width = true, 1280
	phone := tabOptions{language: p.lang, width: pictureWidth, height: pictureHeight, scale: 2}
	b := openTab(p.t, phone)
	b.open(s.URL + "/account/login/")
	b.fill("username", "amina")
	b.fill("password", "amina")
	b.press()
	p.here(b, "page-login-refused")
	b.fill("password", firstPassword)
	b.press()
	p.registration(openTab(p.t, phone), s)
	b.open(s.URL + "/account/password/")
	p.here(b, "page-password")
	b.open(s.URL + "/account/confirm/")
	p.here(b, "page-prove")
	b.open(s.URL + "/account/factors/totp/")
	p.here(b, "page-totp")
	b.fill("name", map[string]string{"fr": "téléphone de Salma", "ar": "هاتف سلمى", "en": "Salma’s phone"}[p.lang])
	b.press()
	p.here(b, "page-totp-secret")
	seed := b.secret()
	b.fill("code", totp.Code(seed, totp.StepAt(time.Now())))
	b.press()
	p.here(b, "page-recovery-codes")
	codes := b.recoveryCodes()
	b.open(s.URL + "/account/")
	b.load(chromedp.Click(chromedp.CSS("a.small")))
	p.here(b, "page-factor")
	b = openTab(p.t, phone)
	b.logIn(s, "amina", firstPassword)
	p.here(b, "page-second")
	b.fill("code", "123456")
	b.press()
	p.here(b, "page-second-refused")
	b.load(chromedp.Click(chromedp.CSS(`main a[href*="with=recovery"]`)))
	p.here(b, "page-second-recovery")
	// Long pages are taken in fewer pixels.
	for i, look := range []struct {
		tabOptions
		ending string
	}{{small, ""}, {dark, "-dark"}, {wide, "-wide"}} {
		ending := look.ending
		if !slices.Contains(pictures(), "page-overview"+ending+"."+p.lang) {
			continue
		}
		b := openTab(p.t, look.tabOptions)
		b.logIn(s, "amina", firstPassword)
		b.open(s.URL + "/account/second/?with=recovery")
		b.fill("recovery_code", codes[i])
		b.press()
		p.here(b, "page-overview"+ending)
	}
}

// registration is of somebody who was here before and does not know it any more.
func (p *photographer) registration(b *tab, s *server) {
	p.t.Helper()
	b.open(s.URL + "/account/register/")
	p.here(b, "page-register")
	b.fill("first_name", firstNames[p.lang])
	b.fill("email", firstAddress)
	b.fill("password", firstPassword)
	b.fill("repeat", firstPassword)
	b.press()
	p.here(b, "page-register-refused")
}

// withPasskeys are the pages that have a passkey's form.
func (p *photographer) withPasskeys() {
	p.t.Helper()
	s := startForPasskeys(p.t, "YOOZAK_SHOP_URL=https://yoozak.example/", "YOOZAK_SUPPORT=aide@yoozak.example")
	s.register(p.t, p.lang, "amina")
	b := openTab(p.t, tabOptions{language: p.lang, width: pictureWidth, height: pictureHeight, scale: 2, scripts: true})
	b.noConditionalUI()
	b.open(s.URL + "/account/login/")
	p.here(b, "page-login")
	b.logIn(s, "amina", firstPassword)
	b.open(s.URL + "/account/passkeys/")
	p.here(b, "page-passkeys")
}

// byMail is who shows by a mailed code that it is them, which is offered where
// mails reach people: an account that was proved by a mail in a folder is served
// by a server that has an SMTP server.
func (p *photographer) byMail() {
	p.t.Helper()
	database := storetest.SQLite(p.t)
	s := start(p.t, database)
	s.register(p.t, p.lang, "amina")
	s.prove(p.t)
	s.Stop(p.t)
	mails := smtptest.Start(p.t, smtptest.Options{})
	env := append(slices.Clone(yoozaktest.CheapHashes), "YOOZAK_DATABASE_URL="+database, "YOOZAK_SMTP_URL="+mails.URL(), "YOOZAK_MAIL_FROM=Yoozak <aide@yoozak.example>",
		"YOOZAK_PUBLIC_URL=https://compte.yoozak.example", "YOOZAK_SHOP_URL=https://yoozak.example/", "YOOZAK_SUPPORT=aide@yoozak.example")
	s = &server{Server: yoozaktest.Start(p.t, env...)}
	b := openTab(p.t, tabOptions{language: p.lang, width: pictureWidth, height: pictureHeight, scale: 2})
	b.logIn(s, "amina", firstPassword)
	b.open(s.URL + "/account/confirm/")
	b.load(chromedp.Click(chromedp.CSS(`main a[href*="with=email"]`)))
	p.here(b, "page-prove-send")
	b.status(b.press(), http.StatusOK)
	p.here(b, "page-prove-code")
	b.fill("code", "123456")
	b.press()
	p.here(b, "page-prove-code-refused")
}

func (p *photographer) undo() {
	p.t.Helper()
	s := p.start()
	access := s.register(p.t, p.lang, "amina")
	s.prove(p.t)
	s.changeEmail(p.t, p.lang, access, "amina.alaoui@example.ma")
	token := s.received(p.t, "confirm_email", "amina.alaoui@example.ma").Token
	if status, _ := s.call(p.t, http.MethodPost, "auth/email/change/confirm/", p.lang, "", "token", token); status != http.StatusNoContent {
		p.t.Fatalf("confirm: %d", status)
	}
	p.shoot("page-undo", s.URL+s.received(p.t, "email_changed", firstAddress).Path)
}

// window is what the window shows, and all of a mail that is longer.
func (b *tab) window() image.Image {
	b.t.Helper()
	// The keyboard's caret blinks.
	height, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.documentElement.style.caretColor = 'transparent', document.documentElement.scrollHeight`))
	if err != nil {
		b.t.Fatal(err)
	}
	beyond := true
	res, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: float64(b.width), Height: max(height, pictureHeight), Scale: 1},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(res.Data))
	if err != nil {
		b.t.Fatal(err)
	}
	return img
}

// sideBySide cuts pictures to the window's height and joins them.
func sideBySide(images []image.Image) image.Image {
	const gap = 12
	out := image.NewRGBA(image.Rect(0, 0, len(images)*(pictureWidth+gap)-gap, pictureHeight))
	draw.Draw(out, out.Bounds(), image.NewUniform(images[0].At(0, 0)), image.Point{}, draw.Src)
	for i, img := range images {
		at := image.Rect(0, 0, pictureWidth, pictureHeight).Add(image.Pt(i*(pictureWidth+gap), 0))
		draw.Draw(out, at, img, img.Bounds().Min, draw.Src)
	}
	return out
}

func save(t *testing.T, name string, img image.Image) {
	t.Helper()
	var small bytes.Buffer
	for colours := 64; colours >= 8 && (small.Len() == 0 || small.Len() > pictureBytes); colours /= 2 { // long pages have many letters
		small.Reset()
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, paletted(img, colours)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(pictureFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictureFolder, name+".png"), small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// paletted draws with the colours that are there most: pages have a few, and
// the edges of their letters.
func paletted(img image.Image, colours int) *image.Paletted {
	count := map[color.RGBA]int{}
	size := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	var all []color.RGBA
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	palette := make(color.Palette, 0, colours)
	for _, c := range all[:min(len(all), colours)] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range all {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(size, palette)
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return out
}
