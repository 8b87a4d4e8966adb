package app

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/pages"
)

// newSender is the way out for mails: SMTP, or a folder beside the database.
func newSender(c config.Config, log *slog.Logger) (*mail.Sender, error) {
	s, err := openSender(c)
	if err != nil {
		return nil, err
	}
	return s.With(mailLooks(c, log)), nil
}

// CheckMail finds what a server refuses of the settings of mail when it starts,
// without one.
func CheckMail(c config.Config) error {
	_, err := openSender(c)
	return err
}

func openSender(c config.Config) (*mail.Sender, error) {
	if !c.Mail.SMTPURL.Empty() {
		s, err := mail.NewSMTP(mail.SMTP{URL: c.Mail.SMTPURL.Reveal(), From: c.Mail.From, Helo: c.Mail.Helo})
		if err != nil {
			return nil, &SettingsError{err}
		}
		return s, nil
	}
	folder := c.Mail.Folder
	if folder == "" {
		folder = "mails"
		if path, isFile := strings.CutPrefix(c.Database.URL.Reveal(), "sqlite:"); isFile {
			folder = filepath.Join(filepath.Dir(path), "mails")
		}
	}
	return mail.NewFolder(folder, c.Mail.From)
}

func mailOptions(c config.Config, sender *mail.Sender) Mail {
	return Mail{
		Sender: sender,
		Link:   linkBuilder(c),
		// Nobody looks into the folder for what nobody asked for.
		Verify:     !c.Mail.SMTPURL.Empty() || c.Mail.Folder != "",
		Delivers:   !c.Mail.SMTPURL.Empty(),
		NewDevice:  c.Mail.NewDevice,
		LoginCode:  c.Mail.LoginCode,
		Workers:    c.Mail.Workers,
		PerAddress: c.Mail.PerAddress,
		ResetDelay: time.Second,
		Operator:   c.Shop.OperatorMail, OperatorLanguage: c.HTTP.Language,
	}
}

// linkBuilder makes the links of mails: to the operator's own pages, or to ours.
func linkBuilder(c config.Config) func(account.ChallengeKind, string, string) string {
	public := PublicURL(c)
	if t := c.Mail.LinkTemplate; t != "" {
		return func(kind account.ChallengeKind, token, language string) string {
			if kind == account.AcceptRole { // the shop's pages are for customers
				return console.AcceptLink(public, token, language)
			}
			return strings.NewReplacer("{action}", string(kind), "{token}", url.QueryEscape(token), "{language}", language).Replace(t)
		}
	}
	return func(kind account.ChallengeKind, token, language string) string {
		if kind == account.AcceptRole {
			return console.AcceptLink(public, token, language)
		}
		return pages.Link(public, kind, token, language)
	}
}

// PublicURL is where people reach our own pages.
func PublicURL(c config.Config) string {
	switch {
	case c.Mail.PublicURL != "":
		return c.Mail.PublicURL
	case len(c.TLS.Domains) > 0:
		return "https://" + c.TLS.Domains[0]
	case c.TLS.On():
		return "https://" + browserAddr(c.HTTP.Listen)
	}
	return "http://" + browserAddr(c.HTTP.Listen)
}

// mailLooks is how mails look. The operator's own pages may have another
// address for "forgot password", or none: then mails lead there only if it is
// said where our own are.
func mailLooks(c config.Config, log *slog.Logger) mail.Options {
	o := mail.Options{
		Shop:    c.Shop.Shop,
		Written: func(path string) { log.Info("mail written", "path", AbsolutePath(path)) },
	}
	if c.Mail.LinkTemplate == "" || c.Mail.PublicURL != "" {
		public := PublicURL(c)
		o.Forgot = func(language string) string { return pages.ForgotLink(public, language) }
	}
	return o
}

// AbsolutePath is a path that a person can open from wherever they are.
func AbsolutePath(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// browserAddr is a listening address that a browser on this machine can open.
func browserAddr(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// TryMail sends a mail without content to an address, and says why that failed;
// nothing, when the SMTP server took it.
func TryMail(ctx context.Context, c config.Config, to string) string {
	s, err := newSender(c, slog.New(slog.DiscardHandler))
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		err = s.Try(ctx, to)
	}
	if err != nil {
		return mail.Reason(err)
	}
	return ""
}
