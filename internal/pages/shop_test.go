package pages_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/store/storetest"
)

const (
	shopURL = "https://yoozak.example/fr/"
	browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
)

// furnish gives the server a shop that has set everything.
func (s *server) furnish(t *testing.T) {
	t.Helper()
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 400, 80))); err != nil {
		t.Fatal(err)
	}
	logo, err := shop.NewLogo(drawn.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	support, err := shop.ParseSupport("+212 522 00 00 00")
	if err != nil {
		t.Fatal(err)
	}
	s.shop = shop.Shop{URL: shopURL, Support: support, Logo: logo}
	s.serve(t, s.app)
}

// TestNoPageEndsInTheVoid: each has the way back to the shop and to a person,
// once; where there is nothing else to press, as its button.
func TestNoPageEndsInTheVoid(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	s.furnish(t)
	m := s.link(t, account.ResetPassword, "amina")
	button := `<a class="button" href="` + shopURL + `">`
	for name, page := range map[string]struct {
		a        answer
		asButton bool
	}{
		"home":         {s.call(t, http.MethodGet, "/", "", "Accept", browser), true},
		"forgot":       {s.get(t, "/account/forgot-password/"), false},
		"forgot, sent": {s.post(t, "/account/forgot-password/", "email", "amina@example.ma"), false},
		"no address":   {s.post(t, "/account/forgot-password/", "email", "amina"), false},
		"form":         {s.get(t, m.Path), false},
		"refused":      {s.post(t, m.Path, "new_password", "a", "repeat", "a"), false},
		"done":         {s.press(t, m.Path), true},
		"used":         {s.get(t, m.Path), false}, // its button asks for another link
		"bad undo":     {s.get(t, "/account/undo-email/x"), true},
		"not found":    {s.get(t, "/account/x"), true},
		"method":       {s.call(t, http.MethodPut, "/account/undo-email/x", ""), true},
	} {
		if n := strings.Count(page.a.body, `href="`+shopURL+`"`); n != 1 || strings.Contains(page.a.body, button) != page.asButton {
			t.Errorf("%s: %d ways back, as a button %v, want %v:\n%s", name, n, !page.asButton, page.asButton, page.a.body)
		}
		if !strings.Contains(page.a.body, `href="tel:&#43;212522000000"`) && !strings.Contains(page.a.body, `href="tel:+212522000000"`) {
			t.Errorf("%s names no support:\n%s", name, page.a.body)
		}
		page.a.shows(t, page.a.status, fr("page.shop"), "+212 522 00 00 00")
		if name == "bad undo" {
			page.a.shows(t, page.a.status, locale.Text("fr", "page.undo.another", locale.Args{"team": fr("mail.team")}))
		}
		page.a.lacks(t, "ZgotmplZ")
	}
}

// TestPagesOfABareShop promise nothing.
func TestPagesOfABareShop(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	for _, page := range []string{"/account/forgot-password/", "/account/x", "/account/undo-email/x"} {
		s.get(t, page).lacks(t, fr("page.shop"), "<footer", fr("mail.help"))
	}
}

// TestImagesAreFoundFromEveryPage follows them as a browser would.
func TestImagesAreFoundFromEveryPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	s.furnish(t)
	for _, page := range []string{"/", "/account/forgot-password", "/account/forgot-password/", "/account/reset-password/a%2Fb", "/account/a/b/c/d"} {
		a := s.call(t, http.MethodGet, page, "", "Accept", browser)
		for what, test := range map[string]struct{ link, file, contentType string }{
			"icon":  {`<link rel="icon" type="image/svg\+xml" href="(\.[./]*[a-z./]+)\?([0-9a-f]{12})">`, "/account/favicon.svg", "image/svg+xml"},
			"logo":  {`<img class="logo" src="(\.[./]*[a-z./]+)\?([0-9a-f]{12})" width="200" height="40" alt="Yoozak">`, "/account/logo", "image/png"},
			"style": {`<link rel="stylesheet" href="(\.[./]*[a-z./]+)\?([0-9a-f]{12})">`, "/account/style.css", "text/css; charset=utf-8"},
		} {
			m := regexp.MustCompile(test.link).FindStringSubmatch(a.body)
			if m == nil {
				t.Errorf("%s has no %s:\n%s", page, what, a.body)
				continue
			}
			if got := path.Join(folderOf(page), m[1]); got != test.file {
				t.Errorf("%s has its %s from %s", page, what, got)
			}
			f := s.get(t, test.file+"?"+m[2])
			if f.status != http.StatusOK || f.header.Get("Content-Type") != test.contentType || f.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
				t.Errorf("%s: %d %v", what, f.status, f.header)
			}
		}
	}
	// Without one there is none.
	s.shop = shop.Shop{}
	s.serve(t, s.app)
	s.get(t, "/account/logo").shows(t, http.StatusNotFound, fr("page.not_found"))
}

// TestIconIsAnImageWhateverTheShopIsCalled.
func TestIconIsAnImageWhateverTheShopIsCalled(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	for brand, letter := range map[string]string{"yoozak": "Y", "<script>": "<", "متجر": "م", "élan": "É", "&co": "&", " x": "X"} {
		s.brand = brand
		s.serve(t, s.app)
		icon := s.get(t, "/account/favicon.svg").body
		text := ""
		for d := xml.NewDecoder(strings.NewReader(icon)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v:\n%s", brand, err, icon)
			}
			if data, is := token.(xml.CharData); is {
				text += string(data)
			}
		}
		if text != letter {
			t.Errorf("%s: %q, want %q", brand, text, letter)
		}
	}
}

// TestHomeSaysThatItWorks to browsers, in their language.
func TestHomeSaysThatItWorks(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	for _, lang := range locale.Languages() {
		a := s.call(t, http.MethodGet, "/", "", "Accept", browser, "Accept-Language", lang)
		a.shows(t, http.StatusOK, locale.Text(lang, "page.home.title", nil), locale.Text(lang, "page.home.api", nil))
		if a.header.Get("Content-Language") != lang || !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'; ") {
			t.Errorf("%s: %v", lang, a.header)
		}
		document := map[string]string{"fr": "docs/README.fr.md", "en": "docs/README.md", "ar": "docs/README.fr.md"}[lang]
		if !strings.Contains(a.body, `href="https://github.com/yoozak/clients/blob/main/`+document+`"`) {
			t.Errorf("%s does not lead to %s:\n%s", lang, document, a.body)
		}
	}
	s.call(t, http.MethodGet, "/?lang=ar", "", "Accept", browser).shows(t, http.StatusOK, locale.Text("ar", "page.home.title", nil))
	if a := s.call(t, http.MethodPost, "/", "", "Accept", browser); a.status != http.StatusNotFound || !strings.HasPrefix(a.body, "{") {
		t.Errorf("POST: %d %s", a.status, a.body)
	}
}

// TestLongNamesGoOnInTheNextLine, behind an at sign or a dot; the name that a
// password manager saves is whole.
func TestLongNamesGoOnInTheNextLine(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	m := s.link(t, account.ResetPassword, "khadija.bennani")
	a := s.get(t, m.Path)
	for _, want := range []string{`<dd><bdi>khadija.<wbr>bennani</bdi></dd>`, `autocomplete="username" value="khadija.bennani" readonly hidden>`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in\n%s", want, a.body)
		}
	}
	v := s.received(t, account.MailVerifyEmail, address("khadija.bennani"))
	if a := s.get(t, v.Path); !strings.Contains(a.body, `<bdi>khadija.<wbr>bennani@<wbr>example.<wbr>ma</bdi>`) {
		t.Errorf("the address breaks elsewhere:\n%s", a.body)
	}
}

// TestVerifiedAddressIsNoError: a link that was pressed twice, opened again,
// or is too old says so only as long as there is something to verify.
func TestVerifiedAddressIsNoError(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		m := s.link(t, account.VerifyEmail, "amina")
		s.press(t, m.Path).shows(t, http.StatusOK, fr("page.verify.done"))
		for _, a := range []answer{s.press(t, m.Path), s.get(t, m.Path)} {
			a.shows(t, http.StatusOK, fr("page.verify.title"), fr("page.verify.already"))
			a.lacks(t, "<form", fr("page.bad_link"))
		}
		s.clock.Advance(25 * time.Hour)
		s.get(t, m.Path).shows(t, http.StatusOK, fr("page.verify.already"))

		// Another link than this one proves nothing here.
		s.get(t, "/account/confirm-email/"+m.Token).shows(t, http.StatusGone, fr("challenge_invalid"))
		s.get(t, "/account/verify-email/"+m.Token+"x").shows(t, http.StatusGone, fr("challenge_invalid"))
		if err := s.app.Staff.Disable(t.Context(), s.user(t, "amina").ID, ""); err != nil {
			t.Fatal(err)
		}
		s.get(t, m.Path).shows(t, http.StatusGone, fr("page.bad_link"))

		// The address of the account is another one now.
		badr := s.register(t, "badr")
		old := s.received(t, account.MailVerifyEmail, address("badr"))
		s.press(t, old.Path).shows(t, http.StatusOK, fr("page.verify.done"))
		err := s.app.Auth.ChangeEmail(t.Context(), badr, auth.EmailChange{Password: account.TextInput(firstPassword), Email: account.TextInput("new@example.ma")})
		if err != nil {
			t.Fatal(err)
		}
		s.press(t, s.received(t, account.MailConfirmEmail, "new@example.ma").Path).shows(t, http.StatusOK, fr("page.confirm.done"))
		s.get(t, old.Path).shows(t, http.StatusGone, fr("page.bad_link"), fr("challenge_used"))
	})
}

// TestPageSaysThatTheAccountIsNotMine takes the address out of an account
// that somebody else made with it, by the same link, once.
func TestPageSaysThatTheAccountIsNotMine(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		m := s.link(t, account.VerifyEmail, "thief")
		s.get(t, m.Path).shows(t, http.StatusOK, "thief", fr("page.verify.submit"), fr("page.verify.disown"))
		if u := s.user(t, "thief"); u.Email == "" {
			t.Fatal("looking took the address away")
		}
		a := s.post(t, m.Path, "disown", "1")
		a.shows(t, http.StatusOK, fr("page.verify.disown"), fr("page.verify.disowned"))
		a.lacks(t, "<form")
		if u := s.user(t, "thief"); u.Email != "" || !u.EmailVerifiedAt.IsZero() {
			t.Errorf("the account still has %q", u.Email)
		}
		for _, again := range []answer{s.get(t, m.Path), s.press(t, m.Path), s.post(t, m.Path, "disown", "1")} {
			again.shows(t, http.StatusGone, fr("page.bad_link"))
		}
		// No other page has that button, nor heeds it.
		reset := s.link(t, account.ResetPassword, "amina")
		s.get(t, reset.Path).lacks(t, fr("page.verify.disown"))
		s.post(t, reset.Path, "disown", "1").shows(t, http.StatusBadRequest, fr("page.field.blank"))
		if u := s.user(t, "amina"); u.Email == "" {
			t.Error("another page took the address away")
		}
	})
}

// TestSecondProofOfAnAddressLeadsToTheFirst: the page says whose the address
// is and how to get into that account, and the link is not used up.
func TestSecondProofOfAnAddressLeadsToTheFirst(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		register := func(username string, n int) string {
			t.Helper()
			_, err := s.app.Auth.Register(t.Context(), req, auth.Registration{
				Username: account.TextInput(username), Password: account.TextInput(firstPassword), Email: account.TextInput("one@example.ma"),
			})
			if err != nil {
				t.Fatal(err)
			}
			return mailtest.Wait(t, s.folder, string(account.MailVerifyEmail), "one@example.ma", n).Path
		}
		first, second := register("amina", 1), register("badr", 2)
		s.press(t, first).shows(t, http.StatusOK, fr("page.verify.done"))
		for range 2 {
			a := s.press(t, second)
			a.shows(t, http.StatusConflict, fr("page.verify.elsewhere"), fr("email.proved_elsewhere"))
			a.lacks(t, "<form", fr("page.verify.another"))
			if !strings.Contains(a.body, `forgot-password/?lang=fr"`) {
				t.Errorf("no way into the other account:\n%s", a.body)
			}
		}
		s.post(t, second, "disown", "1").shows(t, http.StatusOK, fr("page.verify.disowned"))
	})
}
