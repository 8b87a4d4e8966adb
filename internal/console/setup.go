package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/staff"
)

const setupPath = "setup"

// SetupLifetime is how long the link is good that a server prints at its first
// start.
const SetupLifetime = time.Hour

// Setup lets whoever has a link make the first owner, once. What is kept is the
// link's hash, in this process alone. The zero value is closed until [Setup.Open].
type Setup struct {
	mu    sync.Mutex // held while an owner is made: of two browsers one makes it
	hash  [sha256.Size]byte
	until time.Time // zero: it is closed, or was used
}

// Open makes a token, to be shown to whoever started the server.
func (s *Setup) Open(now time.Time) (token string) {
	token = auth.RandomToken()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hash, s.until = sha256.Sum256([]byte(token)), now.Add(SetupLifetime)
	return token
}

// SetupLink is where the first owner is made. The token is in the fragment, which
// browsers send to nobody.
func SetupLink(public, token string) string { return public + Path + setupPath + "#" + token }

// errSetup says that a token is not that of the link.
var errSetup = errors.New("this is not the link's token")

// use runs fn for who has the token. It is good until fn has succeeded once.
func (s *Setup) use(token string, now time.Time, fn func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.until) { // another browser was quicker, or it is late
		return staff.ErrOwner
	}
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], s.hash[:]) != 1 {
		return errSetup
	}
	err := fn()
	if err == nil {
		s.until = time.Time{}
	}
	return err
}

// isOpen reports whether somebody may still make an owner.
func (s *Setup) isOpen(ctx context.Context, svc *staff.Service, now time.Time) (bool, error) {
	if s == nil {
		return false, nil
	}
	s.mu.Lock()
	until := s.until
	s.mu.Unlock()
	if !now.Before(until) {
		return false, nil
	}
	has, err := svc.HasOwner(ctx)
	return !has, err
}

// setup makes the first owner: whoever has the link says by which address, and
// is led on to a password, the login and the factor.
func (p *page) setup() {
	v := p.view
	v.Narrow = true
	open, err := p.o.Setup.isOpen(p.r.Context(), p.o.Staff, v.now)
	if err != nil {
		p.fail(err)
		return
	}
	if !open {
		p.refuse(http.StatusGone, "console.setup.over")
		return
	}
	p.title(v.Say("console.setup"))
	c := &card{Intro: v.Say("console.setup.intro"), Form: &form{
		Fields: []field{
			{Name: "email", Type: "email", Autocomplete: "email", Dir: "ltr", Label: v.Say("console.column.email"), Hint: v.Say("console.setup.email_hint"), Required: true, Focus: true, Max: 254},
			{Name: "token", Type: "text", Dir: "ltr", Class: "fragment", Label: v.Say("console.setup.token"), Hint: v.Say("console.setup.token_hint"), Required: true, Max: 128},
		},
		Submit: v.Say("console.accept.submit"), page: "card",
	}}
	c.Form.data = c
	p.ask(c.Form)
	sent, ok := p.submitted()
	if !ok {
		return
	}
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.LoginPerNetwork, p.request); err != nil {
		p.fail(err)
		return
	}
	var link string
	err = p.o.Setup.use(strings.TrimSpace(sent.Get("token")), v.now, func() (err error) {
		link, err = p.o.Staff.FirstOwner(p.r.Context(), strings.TrimSpace(sent.Get("email")), v.Language)
		return err
	})
	switch {
	case errors.Is(err, errSetup):
		p.fail(account.FieldError("token", "console.setup.wrong", nil))
	case errors.Is(err, staff.ErrOwner):
		p.refuse(http.StatusGone, "console.setup.over")
	case err != nil:
		p.fail(err)
	case link == "": // mails reach people: the address is proved by the link
		p.title(v.Say("console.setup.mailed"))
		p.show(http.StatusOK, "card", &card{Intro: v.Say("console.setup.mailed_why", "email", isolated(sent.Get("email")))})
	default:
		token, _, _ := strings.Cut(link[strings.LastIndexByte(link, '/')+1:], "?")
		p.goTo("accept/" + token)
	}
}
