package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
)

type sessionCmd struct {
	List sessionListCmd `cmd:"" help:"List a user's sessions that can be renewed."`
	End  sessionEndCmd  `cmd:"" help:"End one session of a user."`
}

type sessionListCmd struct {
	Username string `arg:""`
	Limit    int    `help:"How many; 0 is all." default:"0"`
	JSON     bool   `name:"json" help:"One JSON object a line."`
	config.Database
}

// listedSession is a session as "session list --json" prints it.
type listedSession struct {
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	IP         string    `json:"ip"`
	UserAgent  string    `json:"user_agent"`
}

func (cmd sessionListCmd) Run(e env) error {
	return withUser(e, groups{cmd.Database}, cmd.Username, func(a *app.App, u account.User) error {
		sessions, err := a.Staff.Sessions(e.ctx, u.ID)
		if err != nil {
			return err
		}
		out := jsonLines(e.stdout)
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		if !cmd.JSON {
			fmt.Fprintln(table, "ID\tOPENED\tLAST USED\tIP\tDEVICE")
		}
		for _, sess := range firstOf(cmd.Limit, sessions) {
			if cmd.JSON {
				err = out.Encode(listedSession{sess.ID, sess.CreatedAt, sess.LastUsedAt, sess.ExpiresAt, sess.IP, sess.UserAgent})
			} else {
				_, err = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", sess.ID, sess.CreatedAt.Format(time.DateTime), sess.LastUsedAt.Format(time.DateTime), dash(sess.IP), dash(sess.UserAgent))
			}
			if err != nil {
				return err
			}
		}
		return table.Flush()
	})
}

type sessionEndCmd struct {
	Username string `arg:""`
	Session  string `arg:"" help:"As \"session list\" has it."`
	Reason   string `help:"Why, for the events." placeholder:"TEXT"`
	config.Database
}

func (cmd sessionEndCmd) Run(e env) error {
	return withUser(e, groups{cmd.Database}, cmd.Username, func(a *app.App, u account.User) error {
		err := a.Staff.EndSession(e.ctx, u.ID, cmd.Session, cmd.Reason)
		if errors.Is(err, account.ErrNotFound) {
			return errors.New("there is no such session of this user, or it has ended")
		}
		if err != nil {
			return formatFieldErrors(err)
		}
		_, err = fmt.Fprintf(e.stdout, "ended a session of %s\n", shown(u.Username))
		return err
	})
}
