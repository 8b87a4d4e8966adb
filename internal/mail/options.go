package mail

import (
	"bytes"

	gomail "github.com/wneessen/go-mail"

	"github.com/yoozak/clients/internal/shop"
)

// Options are how mails look, and where they lead beside their own link.
type Options struct {
	Shop   shop.Shop
	Forgot func(language string) string // the page that mails a link to choose another password; nil: there is none

	// Written is told of each file in a folder; nil: nobody is. It is not told
	// of the link, which opens an account.
	Written func(path string)
}

// With returns a sender of such mails.
func (s *Sender) With(o Options) *Sender {
	with := *s
	with.o = o
	return &with
}

// logoID is what the HTML calls the image that comes with it.
const logoID = "logo"

// add puts what does not depend on the mail's words into it.
func (o Options) add(msg *gomail.Msg) error {
	if o.Shop.Support.Mail != "" {
		if err := msg.ReplyTo(o.Shop.Support.Mail); err != nil {
			return err
		}
	}
	logo := o.Shop.Logo
	if logo == nil {
		return nil
	}
	return msg.EmbedReader(logoID+"."+logo.Type[len("image/"):], bytes.NewReader(logo.Data),
		gomail.WithFileContentID("<"+logoID+">"), gomail.WithFileContentType(gomail.ContentType(logo.Type)))
}
