package mail

import (
	"bytes"
	"embed"
	html "html/template"
	"strings"
	text "text/template"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/device"
	"github.com/yoozak/clients/internal/locale"
)

//go:embed layout.html layout.txt
var files embed.FS

var (
	htmlLayout = html.Must(html.ParseFS(files, "layout.html"))
	textLayout = text.Must(text.ParseFS(files, "layout.txt"))
)

// words are the keys of a mail's texts; action is empty where there is
// nothing to do.
type words struct{ subject, body, action, note string }

var kinds = map[account.MailKind]words{
	account.MailResetPassword:   {"mail.reset_password.subject", "mail.reset_password.body", "mail.reset_password.action", "mail.reset_password.note"},
	account.MailVerifyEmail:     {"mail.verify_email.subject", "mail.verify_email.body", "mail.verify_email.action", "mail.verify_email.note"},
	account.MailConfirmEmail:    {"mail.confirm_email.subject", "mail.confirm_email.body", "mail.confirm_email.action", "mail.confirm_email.note"},
	account.MailEmailChanged:    {"mail.email_changed.subject", "mail.email_changed.body", "mail.email_changed.action", "mail.email_changed.note"},
	account.MailPasswordChanged: {"mail.password_changed.subject", "mail.password_changed.body", "", "mail.password_changed.note"},
	account.MailAccountClosed:   {"mail.account_closed.subject", "mail.account_closed.body", "", "mail.account_closed.note"},
	account.MailUnusualAttempts: {"mail.unusual_attempts.subject", "mail.unusual_attempts.body", "", "mail.unusual_attempts.note"},
}

// content is a mail in words.
type content struct {
	Language, Direction                   string
	Brand, Subject, Greeting, Body, Note  string
	Action, Link, LinkHint, Footer, Colon string
	Facts                                 []fact
}

// fact is a line of a notice. Direction is that of the value, which may be
// words of ours about foreign names, or a number.
type fact struct{ Name, Value, Direction string }

// compose writes a mail in the language of its reader.
func compose(m account.Mail, link, brand string) content {
	lang, d := m.Language, m.Details
	w := kinds[m.Kind]
	greeting, username := "mail.greeting", d.Username
	if toStrangers[m.Kind] {
		greeting, username = "mail.greeting_nameless", unlinked(username)
	}
	args := locale.Args{"brand": brand, "username": username, "email": d.Email, "until": day(d.Until)}
	say := func(key string) string { return locale.Text(lang, key, args) }
	isolate(args, locale.Direction(lang))
	c := content{
		Language: lang, Direction: locale.Direction(lang), Brand: brand,
		Subject: say(w.subject), Greeting: say(greeting), Body: say(w.body), Note: say(w.note),
		Footer: say("mail.footer"), Colon: say("mail.colon"),
	}
	if w.action != "" {
		c.Action, c.Link, c.LinkHint = say(w.action), link, say("mail.link_hint")
	}
	if m.Kind == account.MailPasswordChanged {
		c.Facts = []fact{
			{say("mail.fact.when"), m.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"), "ltr"},
			{say("mail.fact.device"), device.Words(lang, d.Device), c.Direction},
			{say("mail.fact.ip"), d.IP, "ltr"},
		}
	}
	if m.Kind == account.MailUnusualAttempts { // from many places: no device, no address
		c.Facts = []fact{{say("mail.fact.when"), m.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"), "ltr"}}
	}
	return c
}

// isolate keeps names in other letters from turning round what stands beside
// them in a line from the right: quotation marks, or the name before.
// U+2068 and U+2069 are not seen.
func isolate(args locale.Args, direction string) {
	if direction != "rtl" {
		return
	}
	for name, value := range args {
		if text, _ := value.(string); text != "" {
			args[name] = "\u2068" + text + "\u2069"
		}
	}
}

// toStrangers are the mails to an address that may not be that of whoever
// chose the username: anybody can have them sent to anybody.
var toStrangers = map[account.MailKind]bool{account.MailVerifyEmail: true, account.MailConfirmEmail: true}

// unlinked keeps mail programs from making a link of a username such as
// "www.evil.example", which would be an invitation from us. A space without
// width after each dot and at sign is seen by nobody.
func unlinked(username string) string {
	return strings.NewReplacer(".", ".\u200b", "@", "@\u200b").Replace(username)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02")
}

func (c content) render() (asHTML, asText string, err error) {
	var h, t bytes.Buffer
	if err := htmlLayout.Execute(&h, c); err != nil {
		return "", "", err
	}
	if err := textLayout.Execute(&t, c); err != nil {
		return "", "", err
	}
	return h.String(), t.String(), nil
}
