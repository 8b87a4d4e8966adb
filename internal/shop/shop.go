// Package shop is what customers see of the shop in its mails and on its
// pages: the name, the way back, the support, the colours, the logo and the
// clock. Colours that come from here can be read (WCAG 2.2, 1.4.3), and a
// logo is an image that mail programs and browsers show. It keeps nothing and
// knows nothing of mails or pages.
package shop

import (
	"errors"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Shop is how one shop is shown.
type Shop struct {
	URL     string         // where customers go back to; empty: nowhere
	Support Support        // zero: none is named
	Zone    *time.Location // nil: UTC
	Colours Colours
	Logo    *Logo // nil: the name stands in its place
}

// In is a time by the shop's clock.
func (s Shop) In(t time.Time) time.Time {
	if s.Zone == nil {
		return t.UTC()
	}
	return t.In(s.Zone)
}

// Support is how customers reach a person: by one mail address, telephone
// number or page.
type Support struct {
	Text string // as people read it
	URL  string // mailto:, tel: or https:
	Mail string // the address, where it is one
}

var errSupport = errors.New("must be a mail address, a telephone number such as +212 522 00 00 00, or a URL that begins with https://")

// WrongPort reports whether a URL has a port that there cannot be, which package
// url takes: nothing would ever be reached there.
func WrongPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() != "" && (err != nil || port == 0)
}

// ParseSupport reads what an operator wrote.
func ParseSupport(text string) (Support, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || WrongPort(u) {
			return Support{}, errSupport
		}
		return Support{Text: strings.TrimSuffix(u.Host+u.Path, "/"), URL: u.String()}, nil
	}
	if strings.Contains(text, "@") {
		a, err := mail.ParseAddress("<" + text + ">") // an address alone: no name, no comment
		if err != nil {
			return Support{}, errSupport
		}
		return Support{Text: a.Address, URL: (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(a.Address)}).String(), Mail: a.Address}, nil
	}
	number := strings.Map(func(c rune) rune {
		if c == ' ' || c == '\u00a0' || strings.ContainsRune("-.()", c) {
			return -1
		}
		return c
	}, text)
	digits := strings.TrimPrefix(number, "+")
	if len(digits) < 3 || len(digits) > 15 || strings.ContainsFunc(digits, func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsDigit(c) }) {
		return Support{}, errSupport
	}
	return Support{Text: text, URL: "tel:" + number}, nil
}
