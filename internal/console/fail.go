package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// refuse says why a request does not even reach a rule.
func (p *page) refuse(status int, key string) {
	p.view.Problem = p.view.Say("console.problem")
	p.say(status, p.view.Say(key), p.view.Say(key+".why"))
}

// gone says that there is nothing at this address.
func (p *page) gone(why string) {
	p.title(p.view.Say("console.not_found"))
	p.show(http.StatusNotFound, "message", message{Text: p.view.Say(why), Search: true, Link: p.view.Root, Back: p.view.Say("console.overview.back")})
}

// forbidden says which role may do what was tried. The refusal is an event.
func (p *page) forbidden(need account.Permission, err error) {
	if !errors.Is(err, account.ErrPermissionDenied) {
		p.fail(err)
		return
	}
	p.view.Problem = p.view.Say("console.problem")
	p.say(http.StatusForbidden, p.view.Say("console.forbidden"), p.view.Say("console.only."+string(need.Needed())))
}

// fail shows the form again with what to mend, or why there is none.
func (p *page) fail(err error) {
	v := p.view
	if p.caller != nil {
		err = p.o.Auth.Erased(p.r.Context(), p.caller, err)
	}
	var e *account.Error
	if !errors.As(err, &e) {
		if p.r.Context().Err() == nil {
			p.tryAgain(http.StatusInternalServerError, p.internal(err))
			return
		}
		e = account.ErrUnavailable // the client left, or time is up
	}
	switch e.Kind {
	case account.Invalid:
		if p.form == nil {
			p.refuse(http.StatusBadRequest, "console.no_form")
			return
		}
		p.mark(e.Fields)
		p.showForm(http.StatusUnprocessableEntity)
	case account.NotFound:
		p.gone("console.not_found.gone")
	case account.Forbidden:
		v.Problem = v.Say("console.problem")
		p.say(http.StatusForbidden, v.Say("console.forbidden"), v.Say(e.Code))
	case account.Conflict:
		v.Problem = v.Say("console.problem")
		if p.form != nil {
			v.Alert = v.Say(e.Code)
			p.showForm(http.StatusConflict)
			return
		}
		p.say(http.StatusConflict, v.Say("console.problem"), v.Say(e.Code))
	case account.Throttled:
		p.w.Header().Set("Retry-After", strconv.Itoa(e.WaitSeconds()))
		p.tryAgain(http.StatusTooManyRequests, v.Say("console.wait_until", "time", v.Clock(v.now.Add(e.Wait))))
	case account.Unauthorized: // it ended while this was asked
		p.loginFirst("ended")
	default:
		p.w.LogUnavailable(p.r.Context(), err)
		p.w.Header().Set("Retry-After", "2")
		p.tryAgain(http.StatusServiceUnavailable, v.Say("console.unavailable", "id", p.w.RequestID))
	}
}

// internal logs a mistake of ours and returns what people are told of it.
func (p *page) internal(err error) string {
	id := p.w.RequestID
	p.o.Log.ErrorContext(p.r.Context(), "internal error", "request_id", id, "route", p.w.Route, "error", err.Error())
	return locale.Text(p.view.Language, "internal_error", locale.Args{"id": id})
}

// tryAgain says what went wrong that is nobody's mistake, and leads to the same
// page again. Whoever sent a form keeps it, but for passwords: it is shown, or
// waits in the browser where it could not even be made.
func (p *page) tryAgain(status int, why string) {
	p.view.Problem = p.view.Say("console.problem")
	if p.form != nil && p.acts() {
		p.view.Alert = why
		p.showForm(status)
		return
	}
	if p.acts() {
		form, ok := p.readForm()
		if !ok {
			return
		}
		p.keep(p.typed(form))
	}
	p.view.Narrow = p.agent == nil
	p.title(p.view.Say("console.problem"))
	p.show(status, "message", message{Text: why, Link: p.view.Root + p.here(), Back: p.view.Say("console.retry")})
}
