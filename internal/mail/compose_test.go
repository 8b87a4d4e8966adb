package mail_test

import (
	"html"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/smtptest"
)

// TestUsernameIsNoInvitation: these mails go to whatever address a stranger
// typed, with whatever username the stranger chose.
func TestUsernameIsNoInvitation(t *testing.T) {
	t.Parallel()
	for _, username := range []string{"www.evil.example", "a@evil.example", "evil.example"} {
		eachName := func(m account.Mail) (smtptest.Message, bool) {
			m.Details.Username = username
			got := written(t, m, link)
			return got, strings.Contains(got.Text, username) || strings.Contains(html.UnescapeString(got.HTML), username)
		}
		for _, language := range locale.Languages() {
			nameless := locale.Text(language, "mail.greeting_nameless", nil)
			for _, kind := range []account.MailKind{account.MailVerifyEmail, account.MailConfirmEmail} {
				got, linkable := eachName(example(kind, language))
				if linkable {
					t.Errorf("%s in %s: a mail program makes a link of %q:\n%s", kind, language, username, got.Text)
				}
				seen := strings.ReplaceAll(got.Text, "\u200b", "")
				if !strings.HasPrefix(got.Text, nameless+"\n") || strings.Count(seen, username) != 1 {
					t.Errorf("%s in %s: want %q, and the name once:\n%s", kind, language, nameless, got.Text)
				}
				if !strings.Contains(got.HTML, ">"+nameless+"<") {
					t.Errorf("%s in %s: HTML does not begin with %q", kind, language, nameless)
				}
			}
			// Whoever gets these has the account: the name as it is written.
			if got, as := eachName(example(account.MailResetPassword, language)); !as {
				t.Errorf("reset in %s lacks %q:\n%s", language, username, got.Text)
			}
		}
	}
}
