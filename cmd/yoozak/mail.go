package main

import (
	"errors"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
)

type mailCmd struct {
	List  mailListCmd  `cmd:"" help:"List the newest mails: waiting, sent in the last day, given up."`
	Retry mailRetryCmd `cmd:"" help:"Try mails again that were not delivered: one by its number, or all that were given up."`
}

type mailListCmd struct {
	Limit int `help:"How many." default:"100"`
	config.Database
}

// Run lists mails without addresses: a list is copied into chats and tickets.
func (cmd mailListCmd) Run(e env) error {
	if cmd.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
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
}

// Run makes mails due; a running server sends them within seconds.
func (cmd mailRetryCmd) Run(e env) error {
	if (cmd.ID == 0) == !cmd.All {
		return errors.New("give the number of a mail, or --all")
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
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

// mailsStayHere says that a server that others reach keeps the mails to
// itself, which is most likely not meant.
func mailsStayHere(c config.Config) bool {
	host, _, err := net.SplitHostPort(c.HTTP.Listen)
	ip := net.ParseIP(host)
	return err == nil && c.Mail.SMTPURL.Empty() && host != "localhost" && (ip == nil || !ip.IsLoopback())
}
