package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
)

type mailCmd struct {
	List  mailListCmd  `cmd:"" help:"List the newest mails: waiting, sent in the last day, given up."`
	Retry mailRetryCmd `cmd:"" help:"Try mails again that were not delivered: one by its number, all that were given up, or all that wait for their next try."`
}

type mailListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
	listLimit
	config.Database
}

// listedMail is a mail as "mail list --json" prints it: without the address.
type listedMail struct {
	ID        int64      `json:"id"`
	Kind      string     `json:"kind"`
	UserID    int64      `json:"user_id,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	State     string     `json:"state"` // waiting, sent or failed
	DueAt     *time.Time `json:"due_at"`
	SentAt    *time.Time `json:"sent_at"`
	Attempts  int        `json:"attempts"`
	Failure   string     `json:"failure,omitempty"`
}

// Run lists mails without addresses: a list is copied into chats and tickets.
func (cmd mailListCmd) Run(e env) error {
	if cmd.Limit < 1 {
		return errLimit
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		var before int64
		next := func(most int) ([]account.Mail, error) {
			mails, err := a.Store.MailsIn(e.ctx, "", before, most)
			if len(mails) > 0 {
				before = mails[len(mails)-1].ID
			}
			return mails, err
		}
		if cmd.JSON {
			out := jsonLines(e.stdout)
			return eachPage(cmd.Limit, next, func(m account.Mail) error {
				return out.Encode(listedMail{
					ID: m.ID, Kind: string(m.Kind), UserID: m.UserID, CreatedAt: m.CreatedAt, State: string(m.State()), DueAt: timeOrNull(m.DueAt),
					SentAt: timeOrNull(m.SentAt), Attempts: m.Attempts, Failure: m.Failure,
				})
			})
		}
		table := newTable(e.stdout, "MAIL", "KIND", "USER", "CREATED", "STATE", "ATTEMPTS", "LAST FAILURE")
		err := eachPage(cmd.Limit, next, func(m account.Mail) error {
			return table.row(strconv.FormatInt(m.ID, 10), shown(string(m.Kind)), dashID(m.UserID), m.CreatedAt.Format(time.DateTime), mailState(m), strconv.Itoa(m.Attempts), shown(m.Failure))
		})
		return errors.Join(err, table.flush())
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
	ID      int64 `arg:"" optional:"" help:"Number of the mail, as \"mail list\" shows it."`
	All     bool  `help:"All that were given up."`
	Waiting bool  `help:"All that failed and wait for their next try, at most 10,000: once what kept them is mended."`
	config.Database
}

// Run makes mails due; a running server sends them within seconds.
func (cmd mailRetryCmd) Run(e env) error {
	if (cmd.ID != 0) == (cmd.All || cmd.Waiting) {
		return errors.New("give the number of a mail, or --all, or --waiting")
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		n, err := cmd.retry(e, a)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "%d to be tried again by the running server\n", n)
		return err
	})
}

// retry says how many mails it has made due.
func (cmd mailRetryCmd) retry(e env, a *app.App) (n int, err error) {
	if cmd.ID != 0 {
		if err = a.Staff.RetryMail(e.ctx, cmd.ID); errors.Is(err, account.ErrNotFound) {
			err = fmt.Errorf("there is no mail %d that was not delivered", cmd.ID)
		}
		return 1, err
	}
	if cmd.Waiting {
		if n, err = a.Staff.RetryWaitingMails(e.ctx); err != nil {
			return n, err
		}
	}
	if cmd.All {
		given, err := a.Staff.RetryMails(e.ctx)
		return n + given, err
	}
	return n, nil
}

// mailsStayHere says that a server that others reach keeps the mails to
// itself, which is most likely not meant.
func mailsStayHere(c config.Config) bool {
	host, _, err := net.SplitHostPort(c.HTTP.Listen)
	ip := net.ParseIP(host)
	return err == nil && c.Mail.SMTPURL.Empty() && host != "localhost" && (ip == nil || !ip.IsLoopback())
}
