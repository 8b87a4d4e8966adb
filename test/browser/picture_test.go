package browser

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/store/storetest"
)

var update = flag.Bool("update", false, "take the pictures of docs/images anew")

// The pictures are those of a telephone; each stays small, because they are
// kept for as long as the repository.
const (
	pictureWidth, pictureHeight = 390, 760
	pictureBytes                = 60 << 10
	pictureFolder               = "../../docs/images"
)

// shots are what is photographed, in this order: a page is reached through
// the ones before it.
var pageShots = []string{"forgot", "forgot-sent", "reset", "reset-refused", "reset-done", "bad-link", "verify", "verify-done", "confirm", "undo"}

// pictures are the names of the files that docs/pages.md shows.
func pictures() []string {
	var names []string
	for _, lang := range []string{"fr", "ar"} {
		for _, shot := range pageShots {
			names = append(names, "page-"+shot+"."+lang)
		}
	}
	names = append(names, "page-reset.en", "page-reset-dark.fr", "page-reset-refused-dark.fr")
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
	for _, name := range []string{"../../docs/pages.md", "../../docs/pages.fr.md"} {
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
	if err != nil || len(there) != len(pictures()) {
		t.Errorf("%d pictures, want %d; %v", len(there), len(pictures()), err)
	}
}

func takePictures(t *testing.T) {
	t.Helper()
	wanted := pictures()
	phone := tabOptions{width: pictureWidth, height: pictureHeight, scale: 2}
	for _, lang := range []string{"fr", "ar", "en"} {
		phone.language = lang
		s := start(t, storetest.SQLite(t), "YOOZAK_PUBLIC_URL=https://compte.yoozak.example")
		b := openTab(t, phone)
		dark := phone
		dark.dark = true
		d := openTab(t, dark)
		shoot := func(b *tab, name string) {
			t.Helper()
			if slices.Contains(wanted, name+"."+lang) {
				b.picture(name + "." + lang)
			}
		}
		access := s.register(t, lang, "amina")
		b.open(s.url + "/account/forgot-password/?lang=" + lang)
		shoot(b, "page-forgot")
		b.fill("email", "amina@example.ma")
		b.press()
		shoot(b, "page-forgot-sent")
		reset := s.url + s.received(t, "reset_password", "amina@example.ma").Path
		d.open(reset)
		shoot(d, "page-reset-dark")
		d.fill("new_password", "amina")
		d.fill("repeat", "amina")
		d.press()
		shoot(d, "page-reset-refused-dark")
		b.open(reset)
		shoot(b, "page-reset")
		b.fill("new_password", "amina")
		b.fill("repeat", "amina")
		b.press()
		shoot(b, "page-reset-refused")
		verify := s.received(t, "verify_email", "amina@example.ma")
		s.changeEmail(t, lang, access, "amina.alaoui@example.ma")
		confirm := s.received(t, "confirm_email", "amina.alaoui@example.ma")
		b.open(s.url + verify.Path)
		shoot(b, "page-verify")
		b.press()
		shoot(b, "page-verify-done")
		b.open(s.url + confirm.Path)
		shoot(b, "page-confirm")
		b.open(reset)
		b.fill("new_password", nextPassword)
		b.fill("repeat", nextPassword)
		b.press()
		shoot(b, "page-reset-done")
		b.open(reset)
		shoot(b, "page-bad-link")

		other := start(t, storetest.SQLite(t), "YOOZAK_PUBLIC_URL=https://compte.yoozak.example")
		access = other.register(t, lang, "amina")
		other.changeEmail(t, lang, access, "amina.alaoui@example.ma")
		token := other.received(t, "confirm_email", "amina.alaoui@example.ma").Token
		if status, _ := other.call(t, http.MethodPost, "auth/email/change/confirm/", lang, "", "token", token); status != http.StatusNoContent {
			t.Fatalf("confirm: %d", status)
		}
		b.open(other.url + other.received(t, "email_changed", "amina@example.ma").Path)
		shoot(b, "page-undo")

		mails := life(t, start(t, storetest.SQLite(t), "YOOZAK_PUBLIC_URL=https://compte.yoozak.example"), lang)
		for _, kind := range mailKinds {
			b.open(reader(t, mails[kind]))
			shoot(b, mailShot(kind))
		}
	}
}

// picture writes what the window shows, and all of a mail that is longer.
func (b *tab) picture(name string) {
	b.t.Helper()
	// The keyboard's caret blinks.
	height, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.documentElement.style.caretColor = 'transparent', document.documentElement.scrollHeight`))
	if err != nil {
		b.t.Fatal(err)
	}
	beyond := true
	res, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: pictureWidth, Height: max(height, pictureHeight), Scale: 1},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(res.Data))
	if err != nil {
		b.t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, paletted(img)); err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(pictureFolder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictureFolder, name+".png"), small.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// paletted draws with the colours that are there most: pages have a few, and
// the edges of their letters.
func paletted(img image.Image) *image.Paletted {
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
	const colours = 64
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
