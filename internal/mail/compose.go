package mail

import (
	"bytes"
	"embed"
	html "html/template"
	"regexp"
	text "text/template"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/shop"
)

//go:embed layout.html layout.txt
var files embed.FS

var (
	htmlLayout = html.Must(html.New("layout.html").Funcs(html.FuncMap{"unbroken": unbroken}).ParseFS(files, "layout.html"))
	textLayout = text.Must(text.ParseFS(files, "layout.txt"))
)

// words are the keys of a mail's texts, and what stands beside them. Who is
// named, and how, is not among them: names treats every kind alike.
type words struct {
	subject, body, note string
	action              string // of the mail's own link; empty: there is nothing to do
	facts               []string
	forgot              bool // it tells people to choose another password: with the page for it

	code     string // what the mail's code is for; empty: there is none
	withCode string // the subject, where the code stands in it; empty: in none, for anybody sees those on a locked screen
	noCode   string // the body of a mail that has nothing but a code, where none is sent
	shared   string // that body, where several have asked and a code would be right for one
	noneHere string // the subject of both, where the other promises a code
}

// The facts of an act, and of many that share no device and no address.
var (
	ofAnAct = []string{"mail.fact.when", "mail.fact.device", "mail.fact.ip"}
	ofMany  = []string{"mail.fact.when"}
)

var kinds = map[account.MailKind]words{
	account.MailResetPassword: {
		subject: "mail.reset_password.subject", body: "mail.reset_password.body", action: "mail.reset_password.action", note: "mail.reset_password.note",
		code: "mail.reset_password.code",
	},
	account.MailVerifyEmail: {
		subject: "mail.verify_email.subject", body: "mail.verify_email.body", action: "mail.verify_email.action", note: "mail.verify_email.note",
		code: "mail.verify_email.code", withCode: "mail.verify_email.subject_code",
	},
	account.MailConfirmEmail: {
		subject: "mail.confirm_email.subject", body: "mail.confirm_email.body", action: "mail.confirm_email.action", note: "mail.confirm_email.note",
	},
	account.MailEmailChanged: {
		subject: "mail.email_changed.subject", body: "mail.email_changed.body", action: "mail.email_changed.action", note: "mail.email_changed.note", facts: ofAnAct,
	},
	account.MailEmailRestored: {subject: "mail.email_restored.subject", body: "mail.email_restored.body", note: "mail.email_restored.note"},
	account.MailEmailNotice:   {subject: "mail.email_notice.subject", body: "mail.email_notice.body", note: "mail.email_notice.note", facts: ofAnAct},
	account.MailUsernameChanged: {
		subject: "mail.username_changed.subject", body: "mail.username_changed.body", note: "mail.username_changed.note", facts: ofAnAct, action: "mail.not_me.action",
	},
	account.MailPasswordChanged: {
		subject: "mail.password_changed.subject", body: "mail.password_changed.body", note: "mail.password_changed.note", facts: ofAnAct, action: "mail.not_me.action",
	},
	account.MailNewDevice: {
		subject: "mail.new_device.subject", body: "mail.new_device.body", note: "mail.new_device.note", facts: ofAnAct, action: "mail.not_me.action",
	},
	account.MailNotices: {
		subject: "mail.notices.subject", body: "mail.notices.body", note: "mail.notices.note", action: "mail.not_me.action",
	},
	account.MailRecoveryStarted: {
		subject: "mail.recovery_started.subject", body: "mail.recovery_started.body", action: "mail.recovery_started.action", note: "mail.recovery_started.note",
	},
	account.MailRecoveryStopped: {subject: "mail.recovery_stopped.subject", body: "mail.recovery_stopped.body", note: "mail.recovery_stopped.note"},
	account.MailRecoveryDone:    {subject: "mail.recovery_done.subject", body: "mail.recovery_done.body", note: "mail.recovery_done.note"},
	account.MailRecoveryReady: {
		subject: "mail.recovery_ready.subject", body: "mail.recovery_ready.body", action: "mail.recovery_ready.action", note: "mail.recovery_ready.note",
	},
	account.MailAccountClosed: {subject: "mail.account_closed.subject", body: "mail.account_closed.body", note: "mail.account_closed.note"},
	account.MailUnusualAttempts: {
		subject: "mail.unusual_attempts.subject", body: "mail.unusual_attempts.body", note: "mail.unusual_attempts.note", facts: ofMany, forgot: true,
	},
	account.MailFactorAdded: {
		subject: "mail.factor_added.subject", body: "mail.factor_added.body", action: "mail.factor_added.action", note: "mail.factor_added.note", facts: ofAnAct,
	},
	account.MailFactorRemoved: {
		subject: "mail.factor_removed.subject", body: "mail.factor_removed.body", note: "mail.factor_removed.note", facts: ofAnAct, forgot: true,
	},
	account.MailFactorRefused: {
		subject: "mail.factor_refused.subject", body: "mail.factor_refused.body", note: "mail.factor_refused.note", facts: ofAnAct, forgot: true,
	},
	account.MailFactorLocked: {
		subject: "mail.factor_locked.subject", body: "mail.factor_locked.body", note: "mail.factor_locked.note", facts: ofMany,
	},
	account.MailRecoveryUsed: {
		subject: "mail.recovery_used.subject", body: "mail.recovery_used.body", note: "mail.recovery_used.note", facts: ofAnAct, forgot: true,
	},
	account.MailRecoveryRenewed: {
		subject: "mail.recovery_renewed.subject", body: "mail.recovery_renewed.body", note: "mail.recovery_renewed.note", facts: ofAnAct, forgot: true,
	},
	account.MailPasskeyCloned: {
		subject: "mail.passkey_cloned.subject", body: "mail.passkey_cloned.body", note: "mail.passkey_cloned.note", facts: ofAnAct,
	},
	account.MailLoginCode: {
		subject: "mail.login_code.subject", body: "mail.login_code.body", note: "mail.login_code.note",
		code: "mail.login_code.code", noCode: "mail.login_code.body_none", shared: "mail.login_code.body_shared", noneHere: "mail.login_code.subject_none",
	},
	account.MailConfirmCode: {
		subject: "mail.confirm_code.subject", body: "mail.confirm_code.body", note: "mail.confirm_code.note", forgot: true,
		code: "mail.confirm_code.code", noCode: "mail.confirm_code.body_none",
	},
	account.MailAddressProved: {
		subject: "mail.address_proved.subject", body: "mail.address_proved.body", note: "mail.address_proved.note", facts: ofAnAct, forgot: true,
	},
	account.MailInvited: {
		subject: "mail.invited.subject", body: "mail.invited.body", action: "mail.invited.action", note: "mail.invited.note",
	},
	account.MailAccountDisabled: {subject: "mail.account_disabled.subject", body: "mail.account_disabled.body", note: "mail.account_disabled.note"},
	account.MailAccountGiven:    {subject: "mail.account_given.subject", body: "mail.account_given.body", note: "mail.account_given.note"},
	account.MailRoleOffered: {
		subject: "mail.role_offered.subject", body: "mail.role_offered.body", action: "mail.role_offered.action", note: "mail.role_offered.note",
	},
	account.MailStaffLooks:      {subject: "mail.staff_looks.subject", body: "mail.staff_looks.body", note: "mail.staff_looks.note"},
	account.MailOperatorMails:   {subject: "mail.operator_mails.subject", body: "mail.operator_mails.body", note: "mail.operator_mails.note"},
	account.MailOperatorEvents:  {subject: "mail.operator_events.subject", body: "mail.operator_events.body", note: "mail.operator_events.note"},
	account.MailOperatorWebhook: {subject: "mail.operator_webhook.subject", body: "mail.operator_webhook.body", note: "mail.operator_webhook.note"},
	account.MailOperatorRefused: {subject: "mail.operator_refused.subject", body: "mail.operator_refused.body", note: "mail.operator_refused.note"},
}

// addressAlone are the words of a recovery that gives an account another address
// and nothing else: nobody gets in by it.
var addressAlone = map[account.MailKind]words{
	account.MailRecoveryStarted: {
		subject: "mail.address_started.subject", body: "mail.address_started.body", action: "mail.address_started.action", note: "mail.address_started.note",
	},
	account.MailRecoveryReady: {
		subject: "mail.address_ready.subject", body: "mail.address_ready.body", action: "mail.confirm_email.action", note: "mail.recovery_ready.note",
	},
	account.MailRecoveryStopped: {subject: "mail.address_stopped.subject", body: "mail.address_stopped.body", note: "mail.address_stopped.note"},
	account.MailRecoveryDone:    {subject: "mail.address_done.subject", body: "mail.address_done.body", note: "mail.recovery_done.note"},
}

// factors are what kinds of factors are called. The name that somebody gave one
// is in no mail: it may be a stranger's invitation.
var factors = map[account.FactorKind]string{account.TOTP: "mail.factor.totp", account.Passkey: "mail.factor.passkey"}

// commands are what the operator types and reads, in whatever language.
var commands = map[string]string{
	"list": "yoozak mail list", "retry": "yoozak mail retry --all", "verify": "yoozak events verify",
	"document": "docs/events.md", "setting": "YOOZAK_OPERATOR_MAIL",
	"log": "yoozak webhook log", "enable": "yoozak webhook enable", "replay": "yoozak webhook replay",
}

// content is a mail in words.
type content struct {
	Language, Direction         string
	Brand, Subject, Greeting    string
	Heading                     string // the subject without a code
	Body, Note, Footer, Colon   string
	Action, Link, LinkHint      string
	Choices                     []account.MailChoice // instead of Link: an account each
	Facts                       []fact
	Code, CodeText, CodeHint    string    // of a mail that carries one; Code is as it is shown
	CodeParts                   [2]string // of three digits each: what stands between them is not copied
	Forgot, ForgotText          string    // the page for another password
	ShopURL, ShopText, HelpText string
	Support                     shop.Support
	SupportURL                  html.URL // of a scheme that the package shop chose
	Logo                        *logo
	Light, Dark                 shades
}

// fact is a line of a notice. Direction is that of the value, which may be
// words of ours about foreign names, or a number.
type fact struct{ Name, Value, Direction string }

type logo struct {
	URL           html.URL
	Width, Height int
}

type shades struct{ Brand, OnBrand html.CSS }

// joined is what a mail program may break in the middle: after a hyphen,
// "e-mail", "arrêtez-la", or in a masked address, at what [breakAutolinks] puts
// there. What is longer keeps some places to break, for a telephone.
var joined = regexp.MustCompile(`\p{L}{1,12}-\p{L}{1,6}|\w?\*+@\x{200b}[\w.\x{200b}-]{1,24}\w`)

// unbroken keeps a text from going on in the next line within such a word.
func unbroken(text string) html.HTML {
	return html.HTML(joined.ReplaceAllString(html.HTMLEscapeString(text), `<span style="white-space:nowrap">$0</span>`)) //nolint:gosec // escaped
}

func inCSS(s shop.Shades) shades {
	return shades{html.CSS(s.Brand.String()), html.CSS(s.OnBrand.String())} //nolint:gosec // # and six digits
}

// compose writes a mail in the language of its reader.
func compose(m account.Mail, link, brand string, o Options) content {
	lang, direction, w, look := m.Language, locale.Direction(m.Language), kinds[m.Kind], o.Shop
	if m.Details.Keeps {
		w = addressAlone[m.Kind]
	}
	if m.Details.Locked { // what nobody asked for must not be ignored
		w.body, w.note = "mail.reset_password.body_locked", "mail.reset_password.note_locked"
	}
	if look.Colours == (shop.Colours{}) {
		look.Colours = shop.DefaultColours
	}
	args := locale.Args{"brand": brand, "n": m.Details.Count, "problem": m.Details.Problem, "agent": m.Details.Agent}
	if kind, known := factors[m.Details.FactorKind]; known {
		args["factor"] = locale.Text(lang, kind, nil)
	}
	if !m.Details.Until.IsZero() {
		args["until"], args["moment"] = locale.Day(lang, look.In(m.Details.Until)), locale.Moment(lang, look.In(m.Details.Until))
	}
	for name, text := range commands {
		args[name] = text
	}
	args["team"] = brand // whom people write to where no address is set that the footer could name
	if look.Support.Text != "" {
		args["team"] = locale.Text(lang, "mail.team", nil)
	}
	greeting := names(m, args)
	isolate(args, direction)
	args["code"] = shownCode(m.Code, direction)
	say := func(key string) string { return locale.Text(lang, key, args) }
	c := content{
		Language: lang, Direction: direction, Brand: brand,
		Subject: say(w.subject), Heading: say(w.subject), Greeting: say(greeting), Body: say(w.body), Note: say(w.note), Footer: say(footer(m)), Colon: say("mail.colon"),
		ShopURL: look.URL, ShopText: say("mail.shop"), HelpText: say("mail.help"),
		Support: look.Support, SupportURL: html.URL(look.Support.URL), //nolint:gosec // mailto:, tel: or https:
		Light: inCSS(look.Colours.Light), Dark: inCSS(look.Colours.Dark),
	}
	if look.Logo != nil {
		c.Logo = &logo{"cid:" + logoID, look.Logo.Width, look.Logo.Height}
	}
	switch {
	case len(m.Choices) > 0:
		c.Body, c.Action = say("mail.reset_password.body_several"), say(w.action)
		for _, choice := range m.Choices {
			c.Choices = append(c.Choices, account.MailChoice{Username: breakAutolinks(choice.Username), Link: choice.Link})
		}
	case w.action != "":
		c.Action, c.Link, c.LinkHint = say(w.action), link, say("mail.link_hint")
	}
	if w.forgot && o.Forgot != nil {
		c.Forgot, c.ForgotText = o.Forgot(lang), say("mail.forgot")
	}
	facts := w.facts
	switch {
	case m.Code != "" && w.code != "":
		c.Code, c.CodeText, c.CodeHint = shownCode(m.Code, direction), say(w.code), say("mail.code_hint")
		c.CodeParts = [2]string{m.Code[:len(m.Code)/2], m.Code[len(m.Code)/2:]}
		facts = ofAnAct // where it was asked for, so that nobody reads it out to a stranger
		if w.withCode != "" {
			c.Subject = say(w.withCode)
		}
	case w.noCode != "":
		c.Body = say(w.noCode)
		if m.Details.CodeHash == "" && w.shared != "" {
			c.Body = say(w.shared)
		}
		if w.noneHere != "" {
			c.Subject, c.Heading = say(w.noneHere), say(w.noneHere)
		}
		if o.Forgot != nil {
			c.Forgot, c.ForgotText = o.Forgot(lang), say("mail.forgot")
		}
	}
	for _, name := range facts {
		if m.Details.IP == "" && name != "mail.fact.when" { // the staff did it
			continue
		}
		c.Facts = append(c.Facts, factOf(name, m, look, say(name), direction))
	}
	return c
}

// shownCode is a code as people read it, in two groups, and from the left in
// any text. U+2066 and U+2069 are not seen.
func shownCode(code, direction string) string {
	if code == "" {
		return ""
	}
	shown := code[:len(code)/2] + " " + code[len(code)/2:]
	if direction == "rtl" {
		return "\u2066" + shown + "\u2069"
	}
	return shown
}

func factOf(key string, m account.Mail, look shop.Shop, name, direction string) fact {
	switch key {
	case "mail.fact.when":
		return fact{name, locale.Moment(m.Language, look.In(m.CreatedAt)), direction}
	case "mail.fact.device":
		return fact{name, locale.Device(m.Language, m.Details.Device), direction}
	default:
		return fact{name, m.Details.IP, "ltr"}
	}
}

// footer says why the mail came: what is known of its reader.
func footer(m account.Mail) string {
	switch {
	case m.Kind.ToOperator():
		return "mail.footer_operator"
	case ownerReads(m):
		return "mail.footer"
	}
	return "mail.footer_unverified"
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
