package mail_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// codeKinds are the mails that may carry a code.
var codeKinds = []account.MailKind{account.MailResetPassword, account.MailVerifyEmail, account.MailLoginCode, account.MailConfirmCode}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	digits = regexp.MustCompile(`0.?1.?2.?3.?4.?5`)
)

// eachCode runs a test for each mail with a code in each language.
func eachCode(t *testing.T, test func(t *testing.T, m account.Mail)) {
	t.Helper()
	for _, kind := range codeKinds {
		for _, language := range locale.Languages() {
			t.Run(string(kind)+"/"+language, func(t *testing.T) {
				t.Parallel()
				m := example(kind, language)
				m.Code = "012345"
				test(t, m)
			})
		}
	}
}

// TestCodeIsNotSeenOnALockedScreen: that shows the subject and the first words.
// Only the code that verifies an address, which opens nothing, may stand there.
func TestCodeIsNotSeenOnALockedScreen(t *testing.T) {
	t.Parallel()
	eachCode(t, func(t *testing.T, m account.Mail) {
		got := written(t, m, link)
		inSubject := m.Kind == account.MailVerifyEmail
		if digits.MatchString(got.Decoded("Subject")) != inSubject {
			t.Errorf("the code is in the subject: %v, want %v: %s", !inSubject, inSubject, got.Decoded("Subject"))
		}
		_, body, _ := strings.Cut(got.HTML, "<body")
		for part, text := range map[string]string{"text": got.Text, "HTML": strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString("<body"+body, " "))), " ")} {
			first := []rune(text)[:120]
			if digits.MatchString(string(first)) {
				t.Errorf("the code is in the first words of the %s: %s", part, string(first))
			}
			if n := len(digits.FindAllString(text, -1)); n != 1 {
				t.Errorf("the code is %d times in the %s", n, part)
			}
		}
	})
}

// TestCodeIsReadFromTheLeftAndCopiedWhole, in Arabic, too.
func TestCodeIsReadFromTheLeftAndCopiedWhole(t *testing.T) {
	t.Parallel()
	eachCode(t, func(t *testing.T, m account.Mail) {
		got := written(t, m, link)
		if want := `<bdi dir="ltr"><span>012</span><span style="padding-left:10px">345</span></bdi>`; !strings.Contains(got.HTML, want) {
			t.Errorf("the HTML lacks %s", want)
		}
		want := "012 345\n"
		if m.Language == "ar" {
			want = "\u2066012 345\u2069\n"
		}
		if !strings.Contains(got.Text, want) {
			t.Errorf("the text lacks %q:\n%s", want, got.Text)
		}
		if !utf8.ValidString(got.Text) || strings.Contains(got.Text, "\n\n\n") {
			t.Errorf("the lines are not in order:\n%s", got.Text)
		}
	})
}

// TestMailSaysWhatItsCodeIsFor, where and when it was asked for, how long it is
// good, and that nobody of the shop asks for it.
func TestMailSaysWhatItsCodeIsFor(t *testing.T) {
	t.Parallel()
	eachCode(t, func(t *testing.T, m account.Mail) {
		got := written(t, m, link)
		never := map[string]string{"fr": "ne vous le demandera jamais", "en": "will never ask you for it", "ar": "لن يطلبه منك"}
		for _, want := range []string{
			locale.Text(m.Language, "mail."+string(m.Kind)+".code", nil), never[m.Language], "10 ", "Firefox", "203.0.113.7", "2026",
		} {
			if !strings.Contains(got.Text, want) || !strings.Contains(html.UnescapeString(got.HTML), want) {
				t.Errorf("the mail lacks %q:\n%s", want, got.Text)
			}
		}
	})
}

// TestMailWithoutItsCode: one that has a link goes on without a word of a code,
// one that has none says why.
func TestMailWithoutItsCode(t *testing.T) {
	t.Parallel()
	for _, kind := range codeKinds {
		for _, language := range locale.Languages() {
			m := example(kind, language)
			m.Code, m.Details.CodeHash = "", "x" // there was a request, and too many wrong codes
			got := writtenWith(t, from, furnished(t), m, link)
			if digits.MatchString(got.Text) || strings.Contains(got.HTML, "<bdi dir=\"ltr\"><span>") {
				t.Errorf("%s in %s has a code:\n%s", kind, language, got.Text)
			}
			none := locale.Text(language, "mail."+string(kind)+".body_none", nil)
			if kind == account.MailLoginCode {
				want := locale.Text(language, "mail.login_code.subject_none", nil) // "your code" would be none
				if subject := got.Decoded("Subject"); subject != want || !strings.Contains(got.HTML, want+"</h1>") {
					t.Errorf("subject %q, want %q there and as the heading", subject, want)
				}
				m.Details.CodeHash = ""
				if asked := writtenWith(t, from, furnished(t), m, link); strings.Contains(asked.Text, "mail.") || asked.Text == got.Text {
					t.Errorf("%s in %s does not say that several asked:\n%s", kind, language, asked.Text)
				}
			}
			if hasCode[kind] && (strings.Contains(got.Text, "mail.") || strings.HasPrefix(none, "mail.") || !strings.Contains(got.Text, "forgot-password")) {
				t.Errorf("%s in %s:\n%s", kind, language, got.Text)
			}
		}
	}
}
