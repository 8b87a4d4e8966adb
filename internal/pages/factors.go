package pages

import (
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// factorName is how a factor is shown: by the name that its owner gave it, or
// by its kind.
func (p *page) factorName(f account.Factor) text {
	if f.Name != "" {
		return somebodys(f.Name)
	}
	return p.view.ours(p.view.say(factorKinds[f.Kind]))
}

var factorKinds = map[account.FactorKind]string{account.TOTP: "page.factors.totp", account.Passkey: "page.factors.passkey"}

// factorRow says what a factor is, and since when.
func (p *page) factorRow(f account.Factor) row {
	v := p.view
	r := row{Title: p.factorName(f)}
	if f.Name != "" {
		r.Details = append(r.Details, detail{text: v.ours(v.say(factorKinds[f.Kind]))})
	}
	r.Details = append(r.Details, detail{v.say("page.factors.since"), v.ours(p.moment(f.ConfirmedAt))})
	return r
}

// factorSection lists what is asked for beside the password, and how to add
// to it.
func (p *page) factorSection() (section, error) {
	v := p.view
	all, err := p.o.Auth.Factors(p.r.Context(), p.caller)
	if err != nil {
		return section{}, err
	}
	sec := section{Title: v.say("page.factors.title"), Text: v.say("page.factors.why"), Empty: v.say("page.factors.none")}
	for _, f := range all.Factors {
		r := p.factorRow(f)
		r.Link, r.Label = &link{v.say("page.factors.manage"), p.link("factors", "id", f.ID)}, v.say("page.factors.manage")+" "+r.Title.Text
		if !f.LastUsedAt.IsZero() {
			r.Details = append(r.Details, detail{v.say("page.factors.last_used"), v.ours(p.moment(f.LastUsedAt))})
		}
		sec.Rows = append(sec.Rows, r)
	}
	sec.Links = []link{{v.say("page.totp.title"), p.link("factors/totp")}}
	if p.o.Auth.OffersPasskeys() {
		sec.Links = append(sec.Links, link{v.say("page.passkeys.title"), p.link("passkeys")})
	}
	if len(all.Factors) > 0 {
		sec.Links = append(sec.Links, link{locale.Text(v.Language, "page.codes.left", locale.Args{"n": all.RecoveryCodesLeft}), p.link("recovery")})
	}
	return sec, nil
}

// factor shows one factor, to rename it or take it away.
func (p *page) factor() {
	v, ctx, id := p.view, p.r.Context(), p.r.URL.Query().Get("id")
	p.toAccount()
	all, err := p.o.Auth.Factors(ctx, p.caller)
	if err != nil {
		p.failAct(err, nil)
		return
	}
	var f account.Factor
	for _, one := range all.Factors {
		if one.ID == id {
			f = one
		}
	}
	if f.ID == "" {
		p.fail(account.ErrNotFound)
		return
	}
	v.Title, v.Submit = v.say(factorKinds[f.Kind]), v.say("page.reset.submit")
	v.Facts = []fact{{v.say("page.factors.since"), p.moment(f.ConfirmedAt)}}
	if !f.LastUsedAt.IsZero() {
		v.Facts = append(v.Facts, fact{v.say("page.factors.last_used"), p.moment(f.LastUsedAt)})
	}
	v.Inputs = []input{nameInput(v, f.Name)}
	v.Other = &other{"remove", v.say("page.factors.remove")}
	security, err := p.o.Auth.Security(ctx, p.caller)
	if err != nil {
		p.failAct(err, nil)
		return
	}
	v.OtherText = v.say("page.factors.remove_why")
	if len(all.Factors) == 1 {
		v.OtherText = v.say("page.factors.remove_last")
	}
	removed := "page.factors.removed"
	if security.Told {
		v.OtherText += " " + v.say("page.factors.remove_mail")
		removed = "page.factors.removed_mail"
	}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if form.Has("remove") {
		p.afterAct(p.o.Auth.RemoveFactor(ctx, p.caller, id), form, removed)
		return
	}
	v.Inputs[0].Value = form.Get("name")
	_, err = p.o.Auth.RenameFactor(ctx, p.caller, id, account.TypedInput(form.Get("name")))
	p.afterAct(err, form, "page.factors.renamed")
}

// afterAct leads to the overview, which says what was done, or says why not.
func (p *page) afterAct(err error, form url.Values, done string) {
	if err != nil {
		p.failAct(err, form)
		return
	}
	p.note("", done, nil)
	p.goTo("", "")
}

// nameInput is what people call a factor, in any language.
func nameInput(v *view, value string) input {
	return input{Name: "name", Type: "text", Autocomplete: "off", Label: v.say("page.factors.name"), Hint: v.say("page.factors.name_hint"), Value: value, Optional: true}
}
