package pages

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// refuse says why a request does not even reach a rule.
func (p *page) refuse(status int, key string, args locale.Args) {
	p.view.close(p.view.say("page.problem"), locale.Text(p.view.Language, key, args))
	p.show(status)
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
	switch {
	case len(e.Fields["token"]) > 0 && e.Fields["token"][0].Key == "email.proved_elsewhere":
		// The link is good, and another account was quicker: the way in is
		// that account's.
		v.close(v.say("page.verify.elsewhere"), v.say("email.proved_elsewhere"))
		v.ShowAgain, v.AgainText = true, v.say("mail.forgot")
		p.show(http.StatusConflict)
	case len(e.Fields["token"]) > 0:
		m := e.Fields["token"][0]
		title := "page.bad_link"
		if m.Key == "challenge_invalid" { // it may never have worked
			title = "page.invalid_link"
		}
		why := m.Key
		if key := withoutAnother[m.Key]; key != "" && sentOnce[p.kind] {
			why = key
		}
		v.close(v.say(title), locale.Text(v.Language, why, m.Args))
		v.ShowAgain = v.Again
		if way := anotherLink[p.kind]; way != "" {
			v.Hint = v.sayWhom(way)
		}
		p.show(http.StatusGone)
	case e.Kind == account.Invalid:
		v.mark(e.Fields)
		p.show(http.StatusBadRequest)
	case e.Kind == account.NotFound:
		v.close(v.say("page.not_found"), v.say("page.not_found.gone"))
		p.show(http.StatusNotFound)
	case e.Code == account.ErrRecoveryRefused.Code: // another try would be refused, too; the password may come to mind
		v.Problem, v.Alert = v.say("page.problem"), v.sayWhom("page.undo_factor.refused")
		p.show(http.StatusForbidden)
	case e.Kind == account.Throttled:
		p.tryAgain(http.StatusTooManyRequests, locale.Text(v.Language, e.Code, locale.Args{"n": p.retryAfter(e)}))
	default:
		p.w.LogUnavailable(p.r.Context(), err)
		p.w.Header().Set("Retry-After", "2")
		p.tryAgain(http.StatusServiceUnavailable, v.say("page.failed"))
	}
}

// internal logs a mistake of ours and returns what people are told of it.
func (p *page) internal(err error) string {
	id := p.w.RequestID
	p.o.Log.ErrorContext(p.r.Context(), "internal error", "request_id", id, "route", p.w.Route, "error", err.Error())
	return locale.Text(p.view.Language, "internal_error", locale.Args{"id": id})
}

// retryAfter says in the answer's headers when to come back, and returns it in
// seconds.
func (p *page) retryAfter(e *account.Error) int {
	seconds := e.WaitSeconds()
	p.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return seconds
}

// anotherLink says how people get another link, where no page mails one, or
// what they do without.
var anotherLink = map[account.ChallengeKind]string{
	account.VerifyEmail: "page.verify.another", account.ConfirmEmail: "page.confirm.another", account.UndoEmail: "page.undo.another",
	account.UndoFactor: "page.undo.another", account.NotMe: "page.undo.another", account.StopRecovery: "page.undo.another", account.FinishRecovery: "page.undo.another",
}

// sentOnce are the links that come with what happened: nobody can ask for
// another.
var sentOnce = map[account.ChallengeKind]bool{
	account.UndoEmail: true, account.UndoFactor: true, account.NotMe: true, account.StopRecovery: true, account.FinishRecovery: true,
}

// withoutAnother are the texts of such a link, in place of those that tell
// people to ask for another.
var withoutAnother = map[string]string{
	"challenge_used": "page.link_used", "challenge_expired": "page.link_expired", "challenge_invalid": "page.link_invalid",
}

// failLink is fail for a page with a token. A link that was pressed twice, or
// opened again, has done what it was for.
func (p *page) failLink(token string, err error) {
	var e *account.Error
	if p.kind == account.VerifyEmail && errors.As(err, &e) && len(e.Fields["token"]) > 0 {
		done, askErr := p.o.Auth.AlreadyVerified(p.r.Context(), token)
		if askErr != nil {
			p.fail(askErr)
			return
		}
		if done {
			p.view.finish(p.view.say("page.verify.already"))
			p.view.Links = p.accountLink()
			p.show(http.StatusOK)
			return
		}
	}
	p.fail(err)
}

// tryAgain says what went wrong that is nobody's mistake. Whoever pressed
// the button keeps the form, but for passwords.
func (p *page) tryAgain(status int, why string) {
	if p.r.Method == http.MethodPost && p.view.Submit != "" {
		p.view.Problem, p.view.Alert = p.view.say("page.problem"), why
	} else {
		p.view.close(p.view.say("page.problem"), why)
	}
	p.show(status)
}
