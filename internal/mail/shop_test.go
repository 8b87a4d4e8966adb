package mail_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"html"
	"image"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/smtptest"
)

var update = flag.Bool("update", false, "rewrite testdata")

// furnished is a shop that has set everything but a logo.
func furnished(t *testing.T) mail.Options {
	t.Helper()
	support, err := shop.ParseSupport("aide@yoozak.ma")
	if err != nil {
		t.Fatal(err)
	}
	return mail.Options{
		Shop: shop.Shop{URL: "https://yoozak.ma/", Support: support, Zone: time.FixedZone("", 3600), Colours: shop.ColoursOf(shop.Colour{R: 0xc0, G: 0x39, B: 0x2b})},
		Forgot: func(language string) string {
			return "https://clients.yoozak.ma/account/forgot-password/?lang=" + language
		},
	}
}

// TestTextsOfAllMails holds each mail's text, as people read it, against
// testdata; -update rewrites that.
func TestTextsOfAllMails(t *testing.T) {
	t.Parallel()
	for _, language := range locale.Languages() {
		var b strings.Builder
		for _, kind := range mail.Kinds() {
			got := writtenWith(t, from, furnished(t), example(kind, language), link)
			fmt.Fprintf(&b, "=== %s: %s\n%s\n", kind, got.Decoded("Subject"), got.Text)
		}
		name := filepath.Join("testdata", "mails."+language+".txt")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestParagraphsOfTheTextStandApart: what belongs to different thoughts is
// not run together.
func TestParagraphsOfTheTextStandApart(t *testing.T) {
	t.Parallel()
	eachMail(t, func(t *testing.T, m account.Mail) {
		got := writtenWith(t, from, furnished(t), m, link).Text
		note, _, _ := strings.Cut(locale.Text(m.Language, "mail."+string(m.Kind)+".note", nil), "{") // what stands there is filled in
		if _, after, there := strings.Cut(got, "\n\n"+note); !there || !strings.Contains(after, "\n\n") {
			t.Errorf("the note does not stand by itself:\n%s", got)
		}
		if strings.Contains(got, "\n\n\n") || strings.HasPrefix(got, "\n") || !strings.Contains(got, "\n-- \n") {
			t.Errorf("the lines are not in order:\n%s", got)
		}
		if m.Details.IP != "" && strings.Contains(got, m.Details.IP) && !strings.Contains(got, m.Details.IP+"\n\n") {
			t.Errorf("the table runs into what follows:\n%s", got)
		}
	})
}

// TestMailsLeadSomewhere: back to the shop, to the support and, where people
// are told to choose another password, to the page for it.
func TestMailsLeadSomewhere(t *testing.T) {
	t.Parallel()
	o := furnished(t)
	asks := map[account.MailKind]bool{account.MailUnusualAttempts: true,
		account.MailFactorRemoved: true, account.MailFactorRefused: true, account.MailRecoveryUsed: true, account.MailRecoveryRenewed: true, account.MailConfirmCode: true, account.MailAddressProved: true,
	}
	eachMail(t, func(t *testing.T, m account.Mail) {
		got := writtenWith(t, from, o, m, link)
		if to, err := got.Header.AddressList("Reply-To"); err != nil || len(to) != 1 || to[0].Address != "aide@yoozak.ma" {
			t.Errorf("Reply-To %v, %v", to, err)
		}
		for _, want := range []string{`href="https://yoozak.ma/"`, `href="mailto:aide@yoozak.ma"`} {
			if !strings.Contains(got.HTML, want) {
				t.Errorf("the HTML lacks %s", want)
			}
		}
		for _, want := range []string{" https://yoozak.ma/\n", " aide@yoozak.ma\n"} {
			if !strings.Contains(got.Text, want) {
				t.Errorf("the text lacks %q:\n%s", want, got.Text)
			}
		}
		forgot := o.Forgot(m.Language)
		if strings.Contains(got.Text, forgot) != asks[m.Kind] || strings.Contains(html.UnescapeString(got.HTML), `href="`+forgot+`"`) != asks[m.Kind] {
			t.Errorf("leads to the page for another password: %v, want %v:\n%s", !asks[m.Kind], asks[m.Kind], got.Text)
		}
		// A shop that has set nothing: nothing is promised.
		bare := written(t, m, link)
		for _, lacks := range []string{"forgot-password", locale.Text(m.Language, "mail.shop", nil), locale.Text(m.Language, "mail.help", nil)} {
			if strings.Contains(bare.Text, lacks) || strings.Contains(bare.HTML, lacks) {
				t.Errorf("without settings it has %q:\n%s", lacks, bare.Text)
			}
		}
		if bare.Header.Get("Reply-To") != "" {
			t.Error("Reply-To without a support")
		}
	})
}

// TestNoSupportIsPromisedWhereNoneIsNamed: a mail that can send people to nobody
// by name sends them to the shop.
func TestNoSupportIsPromisedWhereNoneIsNamed(t *testing.T) {
	t.Parallel()
	for _, kind := range []account.MailKind{
		account.MailEmailRestored, account.MailEmailNotice, account.MailAccountClosed, account.MailAccountDisabled, account.MailAccountGiven,
		account.MailRecoveryStopped, account.MailRecoveryDone,
	} {
		for _, language := range locale.Languages() {
			ours := locale.Text(language, "mail.team", nil)
			note := func(m smtptest.Message) string { // the paragraph before the footer
				text, _, _ := strings.Cut(m.Text, "\n\n-- ")
				return text[strings.LastIndex(text, "\n\n"):]
			}
			if got := note(writtenWith(t, from, furnished(t), example(kind, language), link)); !strings.Contains(got, ours) {
				t.Errorf("%s in %s does not say %q: %s", kind, language, ours, got)
			}
			if got := note(written(t, example(kind, language), link)); strings.Contains(got, ours) || !strings.Contains(got, "Yoozak") {
				t.Errorf("%s in %s, of a shop without support: %s", kind, language, got)
			}
		}
	}
}

// TestSupportOfEachKindCanBePressed: html/template knows no tel:.
func TestSupportOfEachKindCanBePressed(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"+212 522 00 00 00": `href="tel:+212522000000"`, "https://yoozak.ma/aide": `href="https://yoozak.ma/aide"`} {
		support, err := shop.ParseSupport(given)
		if err != nil {
			t.Fatal(err)
		}
		got := writtenWith(t, from, mail.Options{Shop: shop.Shop{Support: support}}, example(account.MailPasswordChanged, "ar"), "")
		if !strings.Contains(html.UnescapeString(got.HTML), want) || !strings.Contains(got.Text, support.Text) || got.Header.Get("Reply-To") != "" {
			t.Errorf("%s: no %s in\n%s", given, want, got.HTML)
		}
	}
}

// TestInboxShowsWhatTheMailIsAbout: the first words of the HTML are its
// message, not its greeting.
func TestInboxShowsWhatTheMailIsAbout(t *testing.T) {
	t.Parallel()
	first := regexp.MustCompile(`(?s)<body[^>]*>\s*<div style="display:none[^"]*">([^<]+)</div>`)
	eachMail(t, func(t *testing.T, m account.Mail) {
		got := written(t, m, link)
		found := first.FindStringSubmatch(got.HTML)
		if found == nil || !strings.Contains(got.Text, "\n\n"+html.UnescapeString(found[1])+"\n") {
			t.Errorf("begins with %q", found)
		}
	})
}

// TestMailsHaveDarkColours that can be read, and the brand's.
func TestMailsHaveDarkColours(t *testing.T) {
	t.Parallel()
	o := furnished(t)
	for _, o := range []mail.Options{{}, o} {
		got := writtenWith(t, from, o, example(account.MailResetPassword, "fr"), link).HTML
		want := o.Shop.Colours
		if want == (shop.Colours{}) {
			want = shop.DefaultColours
		}
		_, dark, _ := strings.Cut(got, "@media (prefers-color-scheme: dark)")
		dark, body, _ := strings.Cut(dark, "</style>")
		for name, text := range map[string][2]string{
			"brand in the dark":  {dark, ".brand { color: " + want.Dark.Brand.String() + " !important"},
			"button in the dark": {dark, ".button { background: " + want.Dark.Brand.String() + " !important"},
			"card in the dark":   {dark, ".card { background: " + shop.Card.String()},
			"button":             {body, "background:" + want.Light.Brand.String() + ";color:" + want.Light.OnBrand.String()},
		} {
			if !strings.Contains(text[0], text[1]) {
				t.Errorf("%s: no %q in\n%s", name, text[1], text[0])
			}
		}
	}
}

// TestLogoComesWithTheMail: as a part of it, so that nothing is loaded from
// elsewhere, with the shop's name for who sees no images.
func TestLogoComesWithTheMail(t *testing.T) {
	t.Parallel()
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 400, 80))); err != nil {
		t.Fatal(err)
	}
	logo, err := shop.NewLogo(drawn.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := mail.NewFolder(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	path := ""
	s = s.With(mail.Options{Shop: shop.Shop{Logo: logo}, Written: func(p string) { path = p }})
	if err := s.Send(t.Context(), example(account.MailResetPassword, "fr"), link); err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(path) != dir {
		t.Errorf("written to %q, in %s", path, dir)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		t.Fatalf("%s, %v", kind, err)
	}
	related := multipart.NewReader(msg.Body, params["boundary"])
	alternative, err := related.NextRawPart()
	if err != nil || !strings.HasPrefix(alternative.Header.Get("Content-Type"), "multipart/alternative") {
		t.Fatalf("first %v, %v", alternative.Header, err)
	}
	unbroken := regexp.MustCompile(`=\r?\n`).ReplaceAll(raw, nil) // quoted-printable cuts lines
	if !bytes.Contains(unbroken, []byte(`src=3D"cid:logo" width=3D"200" height=3D"40" alt=3D"Yoozak"`)) {
		t.Errorf("the HTML does not show it:\n%.4000s", raw)
	}
	img, err := related.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, img))
	if err != nil || !bytes.Equal(data, drawn.Bytes()) || img.Header.Get("Content-Id") != "<logo>" || !strings.HasPrefix(img.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("image %v, %d bytes, %v", img.Header, len(data), err)
	}
	if _, err := related.NextRawPart(); !errors.Is(err, io.EOF) {
		t.Errorf("after the image: %v", err)
	}
}
