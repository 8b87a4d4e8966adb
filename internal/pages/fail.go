package pages

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// refuse says why a request does not even reach a rule.
func (x *exchange) refuse(status int, key string, args locale.Args) {
	x.view.close(x.view.say("page.problem"), locale.Text(x.view.Language, key, args))
	x.show(status)
}

// fail shows the form again with what to mend, or why there is none.
func (x *exchange) fail(err error) {
	v := x.view
	var e *account.Error
	if !errors.As(err, &e) {
		if x.r.Context().Err() == nil {
			id := x.w.Header().Get("X-Request-Id")
			x.o.Log.ErrorContext(x.r.Context(), "internal error", "request_id", id, "route", x.route, "error", err.Error())
			x.tryAgain(http.StatusInternalServerError, locale.Text(v.Language, "internal_error", locale.Args{"id": id}))
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
		x.show(http.StatusConflict)
	case len(e.Fields["token"]) > 0:
		m := e.Fields["token"][0]
		title := "page.bad_link"
		if m.Key == "challenge_invalid" { // it may never have worked
			title = "page.invalid_link"
		}
		v.close(v.say(title), locale.Text(v.Language, m.Key, m.Args))
		v.ShowAgain = v.Again
		if way := anotherLink[x.kind]; way != "" {
			v.Hint = v.say(way)
		}
		x.show(http.StatusGone)
	case e.Kind == account.Invalid:
		v.mark(e.Fields)
		x.show(http.StatusBadRequest)
	case e.Kind == account.Throttled:
		seconds := int(math.Ceil(e.Wait.Seconds()))
		x.w.Header().Set("Retry-After", strconv.Itoa(seconds))
		x.tryAgain(http.StatusTooManyRequests, locale.Text(v.Language, e.Code, locale.Args{"n": seconds}))
	default:
		x.o.Log.WarnContext(x.r.Context(), "unavailable", "request_id", x.w.Header().Get("X-Request-Id"), "route", x.route, "error", err.Error())
		x.w.Header().Set("Retry-After", "2")
		x.tryAgain(http.StatusServiceUnavailable, v.say("page.failed"))
	}
}

// anotherLink says how people get another link, where no page mails one.
var anotherLink = map[account.ChallengeKind]string{
	account.VerifyEmail: "page.verify.another", account.ConfirmEmail: "page.confirm.another", account.UndoEmail: "page.undo.another",
}

// failLink is fail for a page with a token. A link that was pressed twice, or
// opened again, has done what it was for.
func (x *exchange) failLink(token string, err error) {
	var e *account.Error
	if x.kind == account.VerifyEmail && errors.As(err, &e) && len(e.Fields["token"]) > 0 {
		done, askErr := x.o.Auth.AlreadyVerified(x.r.Context(), token)
		if askErr != nil {
			x.fail(askErr)
			return
		}
		if done {
			x.view.finish(x.view.say("page.verify.already"))
			x.show(http.StatusOK)
			return
		}
	}
	x.fail(err)
}

// tryAgain says what went wrong that is nobody's mistake. Whoever pressed
// the button keeps the form, but for passwords.
func (x *exchange) tryAgain(status int, why string) {
	if x.r.Method == http.MethodPost && x.view.Submit != "" {
		x.view.Problem, x.view.Alert = x.view.say("page.problem"), why
	} else {
		x.view.close(x.view.say("page.problem"), why)
	}
	x.show(status)
}
