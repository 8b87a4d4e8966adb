package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/pages"
)

type mailCmd struct {
	List  mailListCmd  `cmd:"" help:"List the newest mails: waiting, sent in the last day, given up."`
	Retry mailRetryCmd `cmd:"" help:"Try mails again that were not delivered: one by its number, or all that were given up."`
}

type mailListCmd struct {
	Limit int `help:"How many." default:"100"`
	config.Database
	config.Passwords
}

// Run lists mails without addresses: a list is copied into chats and tickets.
func (cmd mailListCmd) Run(e env) error {
	if cmd.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return runWithAuth(e, cmd.Database, cmd.Passwords, func(a *app.App) error {
		mails, err := a.Staff.Mails(e.ctx, cmd.Limit)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "MAIL\tKIND\tUSER\tCREATED\tSTATE\tATTEMPTS\tLAST FAILURE")
		for _, m := range mails {
			user := "-"
			if m.UserID != 0 {
				user = fmt.Sprint(m.UserID)
			}
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, shown(string(m.Kind)), user, m.CreatedAt.Format(time.DateTime), mailState(m), m.Attempts, shown(m.Failure))
		}
		return table.Flush()
	})
}

func mailState(m account.Mail) string {
	switch {
	case !m.SentAt.IsZero():
		return "sent"
	case m.DueAt.IsZero():
		return "given up"
	}
	return "due " + m.DueAt.Format(time.DateTime)
}

type mailRetryCmd struct {
	ID  int64 `arg:"" optional:"" help:"Number of the mail, as \"mail list\" shows it."`
	All bool  `help:"All that were given up."`
	config.Database
	config.Passwords
}

// Run makes mails due; a running server sends them within seconds.
func (cmd mailRetryCmd) Run(e env) error {
	if (cmd.ID == 0) == !cmd.All {
		return errors.New("give the number of a mail, or --all")
	}
	return runWithAuth(e, cmd.Database, cmd.Passwords, func(a *app.App) error {
		n := 1
		var err error
		if cmd.All {
			n, err = a.Staff.RetryMails(e.ctx)
		} else if err = a.Staff.RetryMail(e.ctx, cmd.ID); errors.Is(err, account.ErrNotFound) {
			return fmt.Errorf("there is no mail %d that was not delivered", cmd.ID)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "%d to be tried again by the running server\n", n)
		return err
	})
}

// newSender is the way out for mails: SMTP, or a folder beside the database.
func newSender(c config.Config) (*mail.Sender, error) {
	if !c.Mail.SMTPURL.Empty() {
		s, err := mail.NewSMTP(mail.SMTP{URL: c.Mail.SMTPURL.Reveal(), From: c.Mail.From, Helo: c.Mail.Helo})
		if err != nil {
			return nil, &settingsError{err}
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

// mailsStayHere says that a server that others reach keeps the mails to
// itself, which is most likely not meant.
func mailsStayHere(c config.Config) bool {
	host, _, err := net.SplitHostPort(c.HTTP.Listen)
	ip := net.ParseIP(host)
	return err == nil && c.Mail.SMTPURL.Empty() && host != "localhost" && (ip == nil || !ip.IsLoopback())
}

func mailOptions(c config.Config, sender *mail.Sender) app.Mail {
	return app.Mail{
		Sender: sender,
		Link:   linkBuilder(c),
		// Nobody looks into the folder for what nobody asked for.
		Verify:     !c.Mail.SMTPURL.Empty() || c.Mail.Folder != "",
		Delivers:   !c.Mail.SMTPURL.Empty(),
		PerAddress: c.Mail.PerAddress,
		ResetDelay: time.Second,
		Operator:   c.Shop.OperatorMail, OperatorLanguage: c.HTTP.Language,
	}
}

// linkBuilder makes the links of mails: to the operator's own pages, or to ours.
func linkBuilder(c config.Config) func(account.ChallengeKind, string, string) string {
	if t := c.Mail.LinkTemplate; t != "" {
		return func(kind account.ChallengeKind, token, language string) string {
			return strings.NewReplacer("{action}", string(kind), "{token}", url.QueryEscape(token), "{language}", language).Replace(t)
		}
	}
	public := publicURL(c)
	return func(kind account.ChallengeKind, token, language string) string {
		return pages.Link(public, kind, token, language)
	}
}

// publicURL is where people reach our own pages.
func publicURL(c config.Config) string {
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
		Written: func(path string) { log.Info("mail written", "path", absolute(path)) },
	}
	if c.Mail.LinkTemplate == "" || c.Mail.PublicURL != "" {
		public := publicURL(c)
		o.Forgot = func(language string) string { return pages.ForgotLink(public, language) }
	}
	return o
}

// absolute is a path that a person can open from wherever they are.
func absolute(path string) string {
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
