package pages

import "net/http"

// recovery makes new recovery codes and shows them, once.
func (p *page) recovery() {
	v := p.view
	p.toAccount()
	v.Title, v.Intro, v.Submit = v.say("page.codes.title"), v.say("page.codes.intro"), v.say("page.codes.submit")
	if p.r.Method != http.MethodPost {
		if err := p.o.Auth.Proved(p.r.Context(), p.caller); err != nil {
			p.failAct(err, nil)
			return
		}
		p.show(http.StatusOK)
		return
	}
	if _, ok := p.readForm(); !ok {
		return
	}
	codes, err := p.o.Auth.RenewRecoveryCodes(p.r.Context(), p.caller)
	if err != nil {
		p.failAct(err, nil)
		return
	}
	v.finish(v.say("page.codes.done"))
	v.ShopButton = false
	p.showCodes(codes)
}

// showCodes shows recovery codes as text that can be copied and printed on one
// sheet, in the answer to a form: no address shows them again.
func (p *page) showCodes(codes []string) {
	v := p.view
	v.Codes, v.CodesText = codes, v.say("page.codes.keep")
	v.Languages = nil // they would lead to a page without codes
	v.Next = &link{v.say("page.codes.kept"), p.link("")}
	p.show(http.StatusOK)
}
