package mail

import (
	"bytes"
	"embed"
	html "html/template"
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
	Language, Direction                  string
	Brand, Subject, Greeting, Body, Note string
	Action, Link, LinkHint, Footer       string
	Facts                                []fact
}

type fact struct{ Name, Value string }

// compose writes a mail in the language of its reader.
func compose(m account.Mail, link, brand string) content {
	lang, d := m.Language, m.Details
	w := kinds[m.Kind]
	args := locale.Args{"brand": brand, "username": d.Username, "email": d.Email, "until": day(d.Until)}
	say := func(key string) string { return locale.Text(lang, key, args) }
	c := content{
		Language: lang, Direction: locale.Direction(lang), Brand: brand,
		Subject: say(w.subject), Greeting: say("mail.greeting"), Body: say(w.body), Note: say(w.note),
		Footer: say("mail.footer"),
	}
	if w.action != "" {
		c.Action, c.Link, c.LinkHint = say(w.action), link, say("mail.link_hint")
	}
	if m.Kind == account.MailPasswordChanged {
		c.Facts = []fact{
			{say("mail.fact.when"), m.CreatedAt.UTC().Format("2006-01-02 15:04 UTC")},
			{say("mail.fact.device"), device.Words(lang, d.Device)},
			{say("mail.fact.ip"), d.IP},
		}
	}
	if m.Kind == account.MailUnusualAttempts { // from many places: no device, no address
		c.Facts = []fact{{say("mail.fact.when"), m.CreatedAt.UTC().Format("2006-01-02 15:04 UTC")}}
	}
	return c
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
