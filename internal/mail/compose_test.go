package mail_test

import (
	"html"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mail"
)

// strangers are names that somebody chooses who wants others to read an
// invitation from us.
var strangers = []string{"www.evil.example", "a@evil.example", "evil.example", "http://evil.example/x", "Win 1000 DH: evil.example"}

// TestNamesAreNoInvitation: to an address that its account has not verified
// any mail may come because of a stranger, with names of the stranger's
// choice. It goes through all kinds, those of later releases too.
func TestNamesAreNoInvitation(t *testing.T) {
	t.Parallel()
	for _, kind := range mail.Kinds() {
		for _, language := range locale.Languages() {
			for _, name := range strangers {
				m := example(kind, language)
				m.Details.Verified = false
				m.Details.Username, m.Details.OldUsername, m.Details.FirstName, m.Details.Email = name, name, name, "a***@"+name
				got := written(t, m, link)
				for part, body := range map[string]string{"text": got.Text, "HTML": html.UnescapeString(got.HTML)} {
					if strings.Contains(body, name) || strings.Contains(body, "evil.example") {
						t.Errorf("%s in %s: a mail program makes a link of %q in the %s:\n%s", kind, language, name, part, got.Text)
					}
				}
				if nameless := locale.Text(language, "mail.greeting_nameless", nil); !strings.HasPrefix(got.Text, nameless+"\n") || !strings.Contains(got.HTML, ">"+nameless+"<") {
					t.Errorf("%s in %s greets a stranger's name:\n%s", kind, language, got.Text)
				}
			}
		}
	}
}

// TestVerifiedNamesAreAsTheyAreWritten, for people copy them; but for one
// that was chosen a moment ago, perhaps by somebody else.
func TestVerifiedNamesAreAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, kind := range []account.MailKind{account.MailResetPassword, account.MailPasswordChanged, account.MailAccountClosed} {
		m := example(kind, "fr")
		m.Details.Username = "www.amina.example"
		if got := written(t, m, link); !strings.Contains(got.Text, "«\u00a0www.amina.example\u00a0»") || !strings.Contains(got.HTML, "www.amina.example") {
			t.Errorf("%s lacks the name:\n%s", kind, got.Text)
		}
	}
	m := example(account.MailUsernameChanged, "fr")
	m.Details.Username, m.Details.OldUsername = "www.evil.example", "amina.b"
	if got := written(t, m, ""); strings.Contains(got.Text, "evil.example") || !strings.Contains(got.Text, "amina.b") {
		t.Errorf("a change of the username:\n%s", got.Text)
	}
}

// TestLockedAccountIsNotToldToWait: nobody who was locked out is told that the
// password is the same and the mail may be ignored.
func TestLockedAccountIsNotToldToWait(t *testing.T) {
	t.Parallel()
	for _, language := range locale.Languages() {
		m := example(account.MailResetPassword, language)
		same := locale.Text(language, "mail.reset_password.note", nil)
		locked, _, _ := strings.Cut(locale.Text(language, "mail.reset_password.note_locked", locale.Args{"team": "|"}), "|")
		if got := written(t, m, link); !strings.Contains(got.Text, same) || strings.Contains(got.Text, locked) {
			t.Errorf("in %s, asked for:\n%s", language, got.Text)
		}
		m.Details.Locked = true
		if got := written(t, m, link); strings.Contains(got.Text, same) || !strings.Contains(got.Text, locked) || !strings.Contains(got.Text, link) {
			t.Errorf("in %s, locked:\n%s\nwant %s", language, got.Text, locked)
		}
	}
}

// TestGreeting is by first name, else by a username that is a name.
func TestGreeting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ first, username, want string }{
		{"Fatima Zahra", "fatima_zahra92", "Bonjour Fatima Zahra,"},
		{"  Fatima\tZahra ", "fz", "Bonjour Fatima Zahra,"},
		{"Jean-Noël", "x", "Bonjour Jean-Noël,"},
		{"N’Golo", "x", "Bonjour N’Golo,"},
		{"أمينة", "x", "Bonjour أمينة,"},
		{"", "fatima_zahra92", "Bonjour fatima_zahra92,"},
		{"", "amina.b", "Bonjour amina.\u200bb,"},
		{"", "+212612345678", "Bonjour,"},
		{"", "0612345678", "Bonjour,"},
		{"", "06-12-34-56-78", "Bonjour,"},
		{"", "٠٦١٢٣٤٥٦٧٨", "Bonjour,"},
		{"", "amina@example.ma", "Bonjour,"},
		{"Amina", "+212612345678", "Bonjour Amina,"},
		{"www.evil.example", "amina", "Bonjour amina,"},
		{"Win 1000 DH: evil.example", "0612345678", "Bonjour,"},
		{strings.Repeat("Amina ", 7), "amina", "Bonjour amina,"},
		{"Amina\u202eanimA", "amina", "Bonjour amina,"},
		{"\u200b", "amina", "Bonjour amina,"},
		{"", "", "Bonjour,"},
	} {
		m := example(account.MailPasswordChanged, "fr")
		m.Details.FirstName, m.Details.Username = test.first, test.username
		if got, _, _ := strings.Cut(written(t, m, "").Text, "\n"); got != test.want {
			t.Errorf("%q, %q: %q, want %q", test.first, test.username, got, test.want)
		}
	}
}

// TestAddressThatIsLeftIsNobodys: an address that an account uses no more may be
// a stranger's, or a thief's.
func TestAddressThatIsLeftIsNobodys(t *testing.T) {
	t.Parallel()
	m := example(account.MailEmailRestored, "fr")
	m.Details.Verified, m.Details.FirstName, m.Details.Username = true, "Amina", "www.evil.example"
	text := written(t, m, "").Text
	if strings.Contains(text, m.Details.Username) {
		t.Errorf("mail programs make a link of the name:\n%s", text)
	}
	if strings.Contains(text, "Amina") || !strings.Contains(text, locale.Text("fr", "mail.footer_unverified", locale.Args{"brand": "Yoozak"})) {
		t.Errorf("it says:\n%s", text)
	}
}

// TestMaskedAddressesStayInOneLine, although places to break stand in them.
func TestMaskedAddressesStayInOneLine(t *testing.T) {
	t.Parallel()
	const address = "b***@\u200bexample.\u200bma"
	m := example(account.MailEmailChanged, "fr")
	m.Details.Email = "b***@example.ma"
	if got := written(t, m, "").HTML; !strings.Contains(got, `<span style="white-space:nowrap">`+address+`</span>.`) {
		t.Errorf("it says:\n%s", got)
	}
}
