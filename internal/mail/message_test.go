package mail_test

import (
	"errors"
	"html"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/smtptest"
)

const (
	from = "Yoozak <bonjour@yoozak.ma>"
	link = "https://clients.yoozak.ma/account/verify-email/abc-DEF_123?lang=fr&x=1"
)

// hasLink are the mails with a link of their own.
var hasLink = map[account.MailKind]bool{
	account.MailResetPassword: true, account.MailVerifyEmail: true, account.MailConfirmEmail: true, account.MailEmailChanged: true,
	account.MailFactorAdded:     true,
	account.MailUsernameChanged: true, account.MailPasswordChanged: true, account.MailNewDevice: true, account.MailNotices: true,
	account.MailRecoveryStarted: true, account.MailRecoveryReady: true, account.MailInvited: true, account.MailRoleOffered: true,
}

// toOperator are the mails that name no customer.
var toOperator = map[account.MailKind]bool{
	account.MailOperatorMails: true, account.MailOperatorEvents: true, account.MailOperatorWebhook: true, account.MailOperatorRefused: true,
}

// hasCode are the mails that carry a code and no link.
var hasCode = map[account.MailKind]bool{account.MailLoginCode: true, account.MailConfirmCode: true}

func example(kind account.MailKind, language string) account.Mail {
	code := ""
	if hasCode[kind] {
		code = "012345"
	}
	return account.Mail{
		Code: code,
		ID:   7, Kind: kind, UserID: 3, Email: "amina@example.ma", Language: language, IP: "203.0.113.7",
		Details: account.MailDetails{
			Verified: true, Username: "amina", FirstName: "Amina", OldUsername: "amina92", Email: "b***@example.ma", IP: "203.0.113.7",
			Device: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			Until:  time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC),
			Factor: "0123456789abcdef0123456789abcdef", FactorKind: account.TOTP,
			Count: 3, Problem: "the SMTP server answered 550 5.1.1",
		},
		CreatedAt: time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC),
	}
}

// written is a mail as the folder gets it.
func written(t *testing.T, m account.Mail, link string) smtptest.Message {
	t.Helper()
	return writtenFrom(t, from, m, link)
}

func writtenFrom(t *testing.T, from string, m account.Mail, link string) smtptest.Message {
	t.Helper()
	return writtenWith(t, from, mail.Options{}, m, link)
}

func writtenWith(t *testing.T, from string, o mail.Options, m account.Mail, link string) smtptest.Message {
	t.Helper()
	dir := t.TempDir()
	s, err := mail.NewFolder(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.With(o).Send(t.Context(), m, link); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v; want one", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	got, err := smtptest.Parse(raw)
	if err != nil {
		t.Fatalf("%v:\n%s", err, raw)
	}
	return got
}

// eachMail runs a test for every kind in every language.
func eachMail(t *testing.T, test func(t *testing.T, m account.Mail)) {
	t.Helper()
	for _, kind := range mail.Kinds() {
		for _, language := range locale.Languages() {
			t.Run(string(kind)+"/"+language, func(t *testing.T) {
				t.Parallel()
				test(t, example(kind, language))
			})
		}
	}
}

func TestEveryMailInEveryLanguageCanBeRead(t *testing.T) {
	t.Parallel()
	placeholder := regexp.MustCompile(`\{\w*\}|%!|<no value>|ZgotmplZ`)
	eachMail(t, func(t *testing.T, m account.Mail) {
		got := written(t, m, link)
		subject := locale.Text(m.Language, "mail."+string(m.Kind)+".subject", locale.Args{"brand": "Yoozak"})
		if m.Language == "ar" && toOperator[m.Kind] {
			subject = locale.Text(m.Language, "mail."+string(m.Kind)+".subject", locale.Args{"brand": "\u2068Yoozak\u2069"})
		}
		for name, want := range map[string]string{
			"From": `"Yoozak" <bonjour@yoozak.ma>`, "To": "<amina@example.ma>", "Subject": subject,
			"Date": "Fri, 05 Jun 2026 12:56:56 +0000", "Message-Id": "<7.1780664216789000@yoozak.ma>",
			"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Content-Language": m.Language, "Mime-Version": "1.0",
		} {
			if got := got.Decoded(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		for part, body := range map[string]string{"text": got.Text, "HTML": html.UnescapeString(got.HTML)} {
			if found := placeholder.FindString(body); found != "" {
				t.Errorf("the %s has %q in it:\n%s", part, found, body)
			}
			if strings.Contains(body, "mail.") {
				t.Errorf("the %s has the key of a text in it:\n%s", part, body)
			}
			if !strings.Contains(body, "Yoozak") || strings.Contains(body, "amina") == toOperator[m.Kind] {
				t.Errorf("the %s has other names:\n%s", part, body)
			}
			if strings.Contains(body, link) != hasLink[m.Kind] {
				t.Errorf("the %s has a link: %v, want %v", part, !hasLink[m.Kind], hasLink[m.Kind])
			}
		}
		direction := map[string]string{"fr": "ltr", "en": "ltr", "ar": "rtl"}[m.Language]
		if want := `<html lang="` + m.Language + `" dir="` + direction + `">`; !strings.Contains(got.HTML, want) {
			t.Errorf("HTML without %s", want)
		}
	})
}

func TestMailTellsWhatItIsAbout(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	moment := map[string]string{"fr": "5\u00a0juin\u00a02026 à\u00a013:56", "en": "5\u00a0June\u00a02026 at\u00a013:56", "ar": "5\u00a0يونيو\u00a02026 على الساعة\u00a013:56"}
	until := map[string]string{"fr": "le 6\u00a0juillet\u00a02026", "en": "on 6\u00a0July\u00a02026", "ar": "6\u00a0يوليوز\u00a02026"}
	for _, language := range locale.Languages() {
		for kind, wants := range map[account.MailKind][]string{
			account.MailEmailChanged:    {"b***@\u200bexample.\u200bma"},
			account.MailEmailRestored:   {"b***@\u200bexample.\u200bma"},
			account.MailAccountGiven:    {"b***@\u200bexample.\u200bma"},
			account.MailUsernameChanged: {"amina92", "203.0.113.7", moment[language], "Firefox"},
			account.MailPasswordChanged: {"203.0.113.7", moment[language], "Firefox"},
			account.MailUnusualAttempts: {moment[language]},
			account.MailLoginCode:       {"203.0.113.7", moment[language], "Firefox"},
			account.MailConfirmCode:     {"203.0.113.7", moment[language], "Firefox"},
			account.MailAddressProved:   {"203.0.113.7", moment[language], "Firefox"},
			account.MailAccountClosed:   {until[language]},
			account.MailFactorAdded:     {locale.Text(language, "mail.factor.totp", nil), moment[language], "Firefox"},
			account.MailFactorRemoved:   {locale.Text(language, "mail.factor.totp", nil), moment[language], "Firefox"},
			account.MailFactorRefused:   {"203.0.113.7", moment[language]},
			account.MailRecoveryUsed:    {"3", "203.0.113.7"},
			account.MailOperatorMails:   {"3", "the SMTP server answered 550 5.1.1"},
			account.MailOperatorEvents:  {"the SMTP server answered 550 5.1.1"},
			account.MailOperatorWebhook: {"the SMTP server answered 550 5.1.1"},
			account.MailOperatorRefused: {"the SMTP server answered 550 5.1.1"},
		} {
			m := example(kind, language)
			m.Details.Until = time.Date(2026, 7, 5, 23, 30, 0, 0, time.UTC) // the next day in the shop
			got := writtenWith(t, from, mail.Options{Shop: shop.Shop{Zone: zone}}, m, "")
			for _, want := range wants {
				if !strings.Contains(got.Text, want) || !strings.Contains(got.HTML, want) {
					t.Errorf("%s in %s lacks %q:\n%s", kind, language, want, got.Text)
				}
			}
			if strings.Contains(got.Text, "UTC") {
				t.Errorf("%s in %s has a machine's time:\n%s", kind, language, got.Text)
			}
		}
	}
}

// TestMailSaysNothingOfItsMaker: which library wrote a mail, and which
// version, helps only those who know its weaknesses.
func TestMailSaysNothingOfItsMaker(t *testing.T) {
	t.Parallel()
	got := written(t, example(account.MailVerifyEmail, "fr"), link)
	for _, name := range []string{"User-Agent", "X-Mailer"} {
		if v := got.Header.Get(name); v != "" {
			t.Errorf("%s: %s", name, v)
		}
	}
	if strings.Contains(string(got.Raw), "go-mail") {
		t.Errorf("the library is named:\n%s", got.Raw)
	}
}

// TestMailThatIsSentTwiceIsOneMail: receivers drop the second by its id.
func TestMailThatIsSentTwiceIsOneMail(t *testing.T) {
	t.Parallel()
	m := example(account.MailResetPassword, "en")
	first, second := written(t, m, link), written(t, m, link+"other")
	if a, b := first.Header.Get("Message-Id"), second.Header.Get("Message-Id"); a == "" || a != b {
		t.Errorf("ids %q and %q, want the same", a, b)
	}
	m.ID++
	if a, b := first.Header.Get("Message-Id"), written(t, m, link).Header.Get("Message-Id"); a == b {
		t.Errorf("two mails have the id %q", a)
	}
}

func TestUsernameIsNoHTML(t *testing.T) {
	t.Parallel()
	m := example(account.MailResetPassword, "fr")
	m.Details.Username = `<img src=x onerror="alert(1)">{brand}`
	got := written(t, m, `https://x.example/"onmouseover="alert(1)`)
	if strings.Contains(got.HTML, "<img") || strings.Contains(got.HTML, `"onmouseover`) {
		t.Errorf("HTML was let through:\n%s", got.HTML)
	}
	if !strings.Contains(got.Text, m.Details.Username) {
		t.Errorf("the text has another name:\n%s", got.Text)
	}
}

func TestLineBreaksMakeNoHeaders(t *testing.T) {
	t.Parallel()
	for _, injection := range []string{"\r\nBcc: victim@example.com", "\nBcc: victim@example.com", "\r\n\r\nBcc: body", "\rBcc: x@y.ma"} {
		m := example(account.MailPasswordChanged, "fr")
		m.Details.Username, m.Details.Device, m.Details.IP = "amina"+injection, "Phone"+injection, "::1"+injection
		m.Details.Email = "b@c.ma" + injection
		got := written(t, m, "")
		if len(got.Header["Bcc"]) > 0 || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/alternative") {
			t.Errorf("%q became a header: %v", injection, got.Header)
		}
		if got.Decoded("To") != "<amina@example.ma>" {
			t.Errorf("to %q", got.Decoded("To"))
		}
	}
}

func TestAddressesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, err := mail.NewFolder(t.TempDir(), from)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"", "amina", "amina@", "@example.ma", "a b@example.ma", "amina@example.ma\r\nBcc: victim@example.com", "a\r\nBcc: v@example.ma",
		"amina@example.ma, victim@example.com", "amina@example.ma>\r\nRCPT TO:<victim@example.com", "<amina@example.ma>", "Amina <amina@example.ma>",
		"amina@example.ma (hello)", "amina@exa\x00mple.ma", "am\x00ina@example.ma", "\"\x1b[2J\"@example.ma", "\"a\x7fb\"@example.ma", "amina@-é.ma",
	} {
		m := example(account.MailVerifyEmail, "fr")
		m.Email = address
		err := s.Send(t.Context(), m, link)
		if err == nil || !mail.Permanent(err) {
			t.Errorf("%q: %v, want a refusal for good", address, err)
			continue
		}
		if reason := mail.Reason(err); strings.Contains(reason, "@") || strings.Contains(reason, "victim") {
			t.Errorf("the reason names an address: %q", reason)
		}
	}
}

func TestAddressesThatAreUnusual(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"amina@éxample.ma":         "amina@xn--xample-9ua.ma",
		"amina@مثال.المغرب":        "amina@xn--mgbh0fb.xn--mgbc0a9azcg",
		"Amina.B+shop@EXAMPLE.ma":  "Amina.B+shop@example.ma",
		`"amina b"@example.ma`:     `"amina b"@example.ma`,
		`"amina@home"@example.ma`:  `"amina@home"@example.ma`,
		"!#$%&'*+/=?^_`{}|~@b.ma":  "!#$%&'*+/=?^_`{}|~@b.ma",
		"amina@localhost":          "amina@localhost",
		"amina@[127.0.0.1]":        "amina@[127.0.0.1]",
		"o'hara@xn--xample-9ua.ma": "o'hara@xn--xample-9ua.ma",
	} {
		m := example(account.MailVerifyEmail, "fr")
		m.Email = address
		got := written(t, m, link)
		if to := got.Header.Get("To"); to != "<"+want+">" {
			t.Errorf("%s: to %s, want <%s>", address, to, want)
		}
	}
}

func TestSenderOfAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Yoozak", "Yoozak, Maroc", `Yoozak "Maroc"`, "Yoozak — متجر", `back\slash`, ""} {
		address := netmail.Address{Name: name, Address: "bonjour@yoozak.ma"}
		got := writtenFrom(t, address.String(), example(account.MailVerifyEmail, "ar"), link)
		parsed, err := got.Header.AddressList("From")
		if err != nil || len(parsed) != 1 || *parsed[0] != address {
			t.Errorf("from %q, %v; want %q", got.Header.Get("From"), err, name)
		}
	}
}

// TestMailOfANewerReleaseIsNotSent: this one has no words for it.
func TestMailOfANewerReleaseIsNotSent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := mail.NewFolder(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), example("of_tomorrow", "fr"), link); !errors.Is(err, mail.ErrUnknownKind) || mail.Permanent(err) {
		t.Errorf("got %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%d files were written, %v", len(files), err)
	}
}
