package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// The overview shows this much, and links to the rest.
const (
	fewSessions = 5
	fewEvents   = 10
)

// What a button of the overview does: the field and its value.
const (
	actField  = "act"
	endField  = "end" // its value is the session's id
	actLogout = "logout"
	actAll    = "logout-all"
	actVerify = "verify"
	actStop   = "stop-recovery"

	untrustField = "untrust" // its value is the device's id
	allOfQuery   = "all"
)

// overview shows people how safe their account is: who they are here, the
// password, where they are logged in, what happened last.
func (p *page) overview() {
	if p.r.Method == http.MethodPost {
		form, ok := p.readForm()
		if !ok {
			return
		}
		p.overviewAct(form)
		return
	}
	v := p.view
	v.Title, v.Wide = v.say("page.overview.title"), true
	v.ShopButton = false
	switch p.r.URL.Query().Get(allOfQuery) {
	case "sessions":
		p.toAccount()
		p.showSections(p.sessionSection)
	case "events":
		p.toAccount()
		p.showSections(p.eventSection)
	default:
		if err := p.signalKnown(); err != nil {
			p.failAct(err, nil)
			return
		}
		p.showSections(p.recoverySection, p.personSection, p.factorSection, p.trustedSection, p.sessionSection, p.eventSection, p.leaveSection)
	}
}

// showSections shows the page with these parts, or why one cannot be made.
func (p *page) showSections(parts ...func() (section, error)) {
	for _, part := range parts {
		sec, err := part()
		if err != nil {
			p.failAct(err, nil)
			return
		}
		if sec.Title != "" || len(sec.Rows) > 0 || len(sec.Acts) > 0 {
			p.view.Sections = append(p.view.Sections, sec)
		}
	}
	p.show(http.StatusOK)
}

func (p *page) moment(t time.Time) string {
	return locale.Moment(p.view.Language, p.o.Shop.In(t))
}

func (p *page) personSection() (section, error) {
	v := p.view
	security, err := p.o.Auth.Security(p.r.Context(), p.caller)
	if err != nil {
		return section{}, err
	}
	u := security.User
	sec := section{Title: v.say("page.overview.person"), Facts: []fact{{v.say("page.overview.username"), u.Username}}}
	if name := strings.TrimSpace(u.FirstName + " " + u.LastName); name != "" {
		sec.Facts = append(sec.Facts, fact{v.say("page.overview.name"), name})
	}
	sec.Links = []link{{v.say("page.password.title"), p.link("password")}}
	switch {
	case u.Email == "":
		sec.Facts = append(sec.Facts, fact{v.say("page.forgot.email"), v.say("page.overview.no_email")})
	case u.EmailVerifiedAt.IsZero():
		sec.Facts = append(sec.Facts, fact{v.say("page.forgot.email"), u.Email}, fact{v.say("page.overview.verified"), v.say("page.overview.not_verified")})
		sec.Acts = []button{{Name: actField, Value: actVerify, Text: v.say("page.overview.verify")}}
		if p.cookie(codeCookie) != "" {
			sec.Links = append(sec.Links, link{v.say("page.code.enter"), p.link("code")}) // beside its button
		}
	default:
		sec.Facts = append(sec.Facts, fact{v.say("page.forgot.email"), u.Email}, fact{v.say("page.overview.verified"), p.moment(u.EmailVerifiedAt)})
	}
	sec.Facts = append(sec.Facts, fact{v.say("page.overview.password_at"), p.moment(u.PasswordAt)})
	return sec, nil
}

func (p *page) sessionSection() (section, error) {
	v := p.view
	sessions, err := p.o.Auth.Sessions(p.r.Context(), p.caller)
	if err != nil {
		return section{}, err
	}
	sec := section{Title: v.say("page.overview.sessions"), Text: v.say("page.overview.sessions_why")}
	all := p.r.URL.Query().Get(allOfQuery) == "sessions"
	if all { // it is the page
		v.Title, sec.Title = sec.Title, ""
	}
	for i, sess := range sessions {
		if i == fewSessions && !all {
			sec.Links = []link{{locale.Text(v.Language, "page.overview.sessions_all", locale.Args{"n": len(sessions)}), p.link("", allOfQuery, "sessions")}}
			break
		}
		device := locale.Device(v.Language, sess.UserAgent)
		r := row{Title: v.device(sess.UserAgent), Details: []detail{
			{v.say("page.overview.last_used"), v.ours(p.moment(sess.LastUsedAt))}, {v.say("mail.fact.ip"), number(sess.IP)},
		}}
		if sess.ID == p.caller.SessionID {
			r.Badge = v.say("page.overview.current")
		} else {
			r.Act = &button{
				Name: endField, Value: sess.ID, Text: v.say("page.overview.end"),
				Label: locale.Text(v.Language, "page.overview.end_label", locale.Args{"device": device, "time": p.moment(sess.LastUsedAt)}),
			}
		}
		sec.Rows = append(sec.Rows, r)
	}
	return sec, nil
}

func (p *page) eventSection() (section, error) {
	v := p.view
	events, err := p.o.Auth.Events(p.r.Context(), p.caller, account.Input{})
	if err != nil {
		return section{}, err
	}
	sec := section{Title: v.say("page.overview.events"), Text: v.say("page.overview.events_why")}
	all := p.r.URL.Query().Get(allOfQuery) == "events"
	if all {
		v.Title, sec.Title = sec.Title, ""
	}
	for i, e := range events {
		if i == fewEvents && !all {
			sec.Links = []link{{v.say("page.overview.events_all"), p.link("", allOfQuery, "events")}}
			break
		}
		m := e.Message()
		r := row{Title: v.ours(locale.Text(v.Language, m.Key, m.Args)), Details: []detail{{text: v.ours(p.moment(e.At))}}}
		if e.UserAgent != "" {
			r.Details = append(r.Details, detail{text: v.device(e.UserAgent)})
		}
		if e.IP != "" {
			r.Details = append(r.Details, detail{text: number(e.IP)})
		}
		sec.Rows = append(sec.Rows, r)
	}
	return sec, nil
}

// trustedSection lists the devices on which the second factor is not asked
// for, where there is one.
func (p *page) trustedSection() (section, error) {
	v := p.view
	devices, err := p.o.Auth.TrustedDevices(p.r.Context(), p.caller)
	if err != nil || len(devices) == 0 {
		return section{}, err
	}
	sec := section{Title: v.say("page.trusted.title"), Text: v.say("page.trusted.why")}
	for _, d := range devices {
		name := locale.Device(v.Language, d.UserAgent)
		r := row{Title: v.device(d.UserAgent), Details: []detail{
			{v.say("page.trusted.until"), v.ours(p.moment(d.ExpiresAt))}, {v.say("mail.fact.ip"), number(d.IP)},
		}, Act: &button{
			Name: untrustField, Value: d.ID, Text: v.say("page.trusted.end"),
			Label: locale.Text(v.Language, "page.trusted.end_label", locale.Args{"device": name}),
		}}
		if d.Current {
			r.Badge = v.say("page.overview.current")
		}
		sec.Rows = append(sec.Rows, r)
	}
	return sec, nil
}

// recoverySection warns of a recovery that waits.
func (p *page) recoverySection() (section, error) {
	v := p.view
	r, err := p.o.Auth.Recovery(p.r.Context(), p.caller)
	if errors.Is(err, account.ErrNotFound) {
		return section{}, nil
	}
	if err != nil {
		return section{}, err
	}
	running := "page.recovery.running"
	if r.Keeps {
		running = "page.recovery.running_address"
	}
	v.Alert = locale.Text(v.Language, running, locale.Args{"time": p.moment(r.ReadyAt)})
	return section{Acts: []button{{Name: actField, Value: actStop, Text: v.say("page.recovery.stop"), First: true}}}, nil
}

func (p *page) leaveSection() (section, error) {
	v := p.view
	return section{Title: v.say("page.overview.leave"), Acts: []button{
		{Name: actField, Value: actLogout, Text: v.say("page.overview.logout")},
		{Name: actField, Value: actAll, Text: v.say("page.overview.logout_all")},
	}}, nil
}

// overviewAct does what a button says.
func (p *page) overviewAct(form url.Values) {
	ctx := p.r.Context()
	var err error
	switch {
	case form.Has(endField):
		if err = p.o.Auth.EndSession(ctx, p.caller, form.Get(endField)); err == nil || errors.Is(err, account.ErrNotFound) {
			p.note("", "page.overview.session_ended", nil) // by somebody else, perhaps
			err = nil
		}
	case form.Has(untrustField):
		if err = p.o.Auth.EndTrust(ctx, p.caller, form.Get(untrustField)); err == nil || errors.Is(err, account.ErrNotFound) {
			p.note("", "page.trusted.ended", nil)
			err = nil
		}
	case form.Get(actField) == actStop:
		if err = p.o.Auth.StopRecovery(ctx, p.caller); err == nil || errors.Is(err, account.ErrNotFound) {
			p.note("", "page.recovery.stopped", nil)
			err = nil
		}
	case form.Get(actField) == actVerify:
		var id string
		if id, err = p.o.Auth.ResendVerification(ctx, p.caller, p.codeOfBefore(codeCookie)); err == nil {
			p.askedForCode(id)
			p.note("", "page.overview.verify_sent", nil)
		}
	case form.Get(actField) == actLogout:
		err = p.o.Auth.Logout(ctx, p.request, account.TextInput(p.cookie(sessionCookie)))
		p.afterLogout(err)
		return
	case form.Get(actField) == actAll:
		err = p.o.Auth.LogoutAll(ctx, p.caller)
		p.afterLogout(err)
		return
	}
	if err != nil {
		p.failAct(err, nil)
		return
	}
	p.goTo("", "")
}

// afterLogout shows that the session is over. What the browser kept of the
// pages is of no use: none of them may be stored.
func (p *page) afterLogout(err error) {
	if err != nil && !unauthorized(err) {
		p.fail(err)
		return
	}
	v := p.view
	p.dropCookie(sessionCookie)
	p.dropCookie(challengeCookie)
	p.dropCookie(noteCookie)
	v.Title = v.say("page.overview.leave")
	v.finish(v.say("page.logout.done"))
	v.Languages, v.Links = nil, []link{{v.say("page.login.title"), p.link("login")}}
	p.show(http.StatusOK)
}
