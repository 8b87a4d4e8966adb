// Package pages shows people the few pages that the links in mails lead to:
// choose another password, verify an address, confirm or undo a change of
// address. They need no JavaScript and no cookie, speak French, English and
// Arabic, and do nothing before a button is pressed, because mail programs
// look at links by themselves. What a token stands for is decided by package
// auth; the token is in the path, which nothing here logs, and no page tells
// another site where it was.
package pages

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

//go:embed page.html style.css
var files embed.FS

var (
	layout   = template.Must(template.ParseFS(files, "page.html"))
	style, _ = files.ReadFile("style.css")
)

// Options are what [Pages] are made of.
type Options struct {
	Auth  *auth.Service
	Log   *slog.Logger
	Brand string
}

// Pages answers the requests below /account/.
type Pages struct{ o Options }

// New makes the pages.
func New(o Options) *Pages { return &Pages{o} }

// base is where the pages are.
const base = "/account/"

// forgot is the page that asks for an address; the others are named by the
// kind of challenge that they use.
const forgot = "forgot-password"

// Link is where the token of a mail leads.
func Link(publicURL string, kind account.ChallengeKind, token, language string) string {
	return publicURL + base + string(kind) + "/" + url.PathEscape(token) + "?lang=" + language
}

// act is what a page with a token does when its button is pressed.
type act struct {
	title, intro, submit, done string
	do                         func(ctx context.Context, a *auth.Service, peer account.Peer, token string, form url.Values) error
}

var acts = map[account.ChallengeKind]act{
	account.ResetPassword: {
		"page.reset.title", "page.reset.intro", "page.reset.submit", "page.reset.done",
		func(ctx context.Context, a *auth.Service, peer account.Peer, token string, form url.Values) error {
			// What was typed, as the API takes it.
			plain := strings.TrimSpace(form.Get("new_password"))
			if plain != strings.TrimSpace(form.Get("repeat")) {
				errs := account.Fields{}
				errs.Add("repeat", "page.reset.mismatch", nil)
				return errs.Err()
			}
			_, err := a.ResetPassword(ctx, peer, auth.PasswordReset{Token: account.TextInput(token), New: account.TextInput(plain)})
			return err
		},
	},
	account.VerifyEmail: {
		"page.verify.title", "page.verify.intro", "page.verify.submit", "page.verify.done",
		func(ctx context.Context, a *auth.Service, _ account.Peer, token string, _ url.Values) error {
			return a.VerifyEmail(ctx, account.TextInput(token))
		},
	},
	account.ConfirmEmail: {
		"page.confirm.title", "page.confirm.intro", "page.confirm.submit", "page.confirm.done",
		func(ctx context.Context, a *auth.Service, peer account.Peer, token string, _ url.Values) error {
			return a.ConfirmEmail(ctx, peer, account.TextInput(token))
		},
	},
	account.UndoEmail: {
		"page.undo.title", "page.undo.intro", "page.undo.submit", "page.undo.done",
		func(ctx context.Context, a *auth.Service, peer account.Peer, token string, _ url.Values) error {
			return a.UndoEmail(ctx, peer, account.TextInput(token))
		},
	},
}

// maxForm bounds a form's body in bytes.
const maxForm = 16 << 10

// Serve answers one request and returns the page's name, for logs.
func (p *Pages) Serve(w http.ResponseWriter, r *http.Request, peer account.Peer) string {
	name, token, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, base), "/"), "/")
	if lang := r.URL.Query().Get("lang"); lang == "fr" || lang == "en" || lang == "ar" {
		peer.Language = lang
	}
	v := &view{Language: peer.Language, Direction: locale.Direction(peer.Language), Brand: p.o.Brand}
	a, known := acts[account.ChallengeKind(name)]
	switch {
	case name == "style.css" && token == "":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(style)
		return "Style"
	case name == forgot && token == "", known && token != "":
	default:
		v.Title, v.Done = v.say("page.not_found"), ""
		p.show(w, http.StatusNotFound, v)
		return "unknown"
	}
	route := "Page " + name
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, HEAD, POST")
		v.Title = locale.Text(v.Language, "method_not_allowed", locale.Args{"method": r.Method})
		p.show(w, http.StatusMethodNotAllowed, v)
		return route
	}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			v.Title = v.say("page.failed")
			p.show(w, http.StatusBadRequest, v)
			return route
		}
	}
	if name == forgot {
		p.forgot(w, r, peer, v)
	} else {
		p.act(w, r, peer, v, account.ChallengeKind(name), a, token)
	}
	return route
}

// forgot asks for an address and says the same whoever has it.
func (p *Pages) forgot(w http.ResponseWriter, r *http.Request, peer account.Peer, v *view) {
	v.Title, v.Intro, v.Submit = v.say("page.forgot.title"), v.say("page.forgot.intro"), v.say("page.forgot.submit")
	v.Inputs = []input{{Name: "email", Type: "email", Autocomplete: "email", Label: v.say("page.forgot.email"), Value: r.PostForm.Get("email")}}
	if r.Method != http.MethodPost {
		p.show(w, http.StatusOK, v)
		return
	}
	err := p.o.Auth.RequestReset(r.Context(), peer, account.TextInput(strings.TrimSpace(r.PostForm.Get("email"))))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	v.finish(v.say("reset_requested"))
	p.show(w, http.StatusAccepted, v)
}

func (p *Pages) act(w http.ResponseWriter, r *http.Request, peer account.Peer, v *view, kind account.ChallengeKind, a act, token string) {
	v.Title, v.Intro, v.Submit = v.say(a.title), v.say(a.intro), v.say(a.submit)
	if kind == account.ResetPassword {
		v.Inputs = []input{
			{Name: "new_password", Type: "password", Autocomplete: "new-password", Label: v.say("page.reset.password"), Hint: v.say("page.reset.hint")},
			{Name: "repeat", Type: "password", Autocomplete: "new-password", Label: v.say("page.reset.repeat")},
		}
	}
	var err error
	if r.Method == http.MethodPost {
		err = a.do(r.Context(), p.o.Auth, peer, token, r.PostForm)
	} else {
		err = p.o.Auth.CheckChallenge(r.Context(), kind, token)
	}
	switch {
	case err != nil:
		v.Again = kind == account.ResetPassword
		p.fail(w, r, v, err)
	case r.Method == http.MethodPost:
		v.finish(v.say(a.done))
		p.show(w, http.StatusOK, v)
	default:
		p.show(w, http.StatusOK, v)
	}
}

// fail shows the form again with what to mend, or why there is none.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, v *view, err error) {
	var e *account.Error
	if !errors.As(err, &e) {
		id := w.Header().Get("X-Request-Id")
		p.o.Log.ErrorContext(r.Context(), "internal error", "request_id", id, "error", err.Error())
		v.close(locale.Text(v.Language, "internal_error", locale.Args{"id": id}))
		p.show(w, http.StatusInternalServerError, v)
		return
	}
	status := http.StatusBadRequest
	switch {
	case len(e.Fields["token"]) > 0:
		v.close(v.say("page.bad_link"))
		m := e.Fields["token"][0]
		v.Intro = locale.Text(v.Language, m.Key, m.Args)
		v.ShowAgain = v.Again
		status = http.StatusGone
	case e.Kind == account.Invalid:
		for i := range v.Inputs {
			for _, m := range e.Fields[v.Inputs[i].Name] {
				v.Inputs[i].Errors = append(v.Inputs[i].Errors, locale.Text(v.Language, m.Key, m.Args))
			}
		}
	case e.Kind == account.Throttled:
		seconds := int(math.Ceil(e.Wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		v.close(locale.Text(v.Language, e.Code, locale.Args{"n": seconds}))
		status = http.StatusTooManyRequests
	default:
		w.Header().Set("Retry-After", "2")
		v.close(v.say("page.failed"))
		status = http.StatusServiceUnavailable
	}
	p.show(w, status, v)
}

// view is what a page shows.
type view struct {
	Language, Direction, Brand  string
	Title, Intro, Done, Submit  string
	Inputs                      []input
	Again, ShowAgain            bool
	Forgot, AgainText, StyleURL string
}

type input struct {
	Name, Type, Autocomplete, Label, Hint, Value string
	Errors                                       []string
}

func (v *view) say(key string) string { return locale.Text(v.Language, key, nil) }

// finish replaces the form by what was done.
func (v *view) finish(done string) { v.Done, v.Intro, v.Submit, v.Inputs = done, "", "", nil }

// close replaces the form by why there is none.
func (v *view) close(title string) { v.Title, v.Intro, v.Submit, v.Inputs = title, "", "", nil }

func (p *Pages) show(w http.ResponseWriter, status int, v *view) {
	v.Forgot, v.AgainText, v.StyleURL = base+forgot+"/?lang="+v.Language, v.say("page.again"), base+"style.css"
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Language)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	var b bytes.Buffer
	if err := layout.Execute(&b, v); err != nil {
		panic("pages: " + err.Error()) // the template is ours
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone: there is nobody to tell
}
