package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"time"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/console"
)

// firstOwner is how the first owner is made, as long as there is none.
type firstOwner struct {
	missing bool   // there is no owner yet
	link    string // that makes one; empty: the command alone does
}

// newFirstOwner looks whether there is an owner. A link is for a database in which
// nobody is yet, and for a server that this machine alone can reach, or that a
// person has started at a terminal: whoever reads other servers' logs is not to
// become the owner of one.
func newFirstOwner(ctx context.Context, c config.Config, a *app.App, setup *console.Setup, listens string, atTerminal bool) (firstOwner, error) {
	if !c.HTTP.Console {
		return firstOwner{}, nil
	}
	has, err := a.Staff.HasOwner(ctx)
	if err != nil || has {
		return firstOwner{}, err
	}
	first := firstOwner{missing: true}
	somebody, err := a.Staff.HasUsers(ctx)
	if err != nil || somebody || !atTerminal && !isLoopback(listens) {
		return first, err
	}
	public := app.PublicURL(c)
	if c.Mail.PublicURL == "" && !c.TLS.On() && isLoopback(listens) {
		public = listens // with the port that it got
	}
	first.link = console.SetupLink(public, setup.Open(time.Now()))
	return first, nil
}

// isLoopback reports whether a URL is one that this machine alone can reach.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

// print tells a person how to make the first owner.
func (f firstOwner) print(w io.Writer) {
	switch {
	case !f.missing:
	case f.link == "":
		fmt.Fprintf(w, "  Console:  there is no owner yet; make the first one: yoozak user create-owner\n")
	default:
		fmt.Fprintf(w, "  Console:  there is no owner yet; make the first one: yoozak user create-owner\n            or open this link, which works once, for an hour: %s\n", f.link)
	}
}
