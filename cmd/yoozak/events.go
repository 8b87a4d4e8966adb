package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type eventsCmd struct {
	List   eventsListCmd   `cmd:"" help:"List the newest events."`
	Verify eventsVerifyCmd `cmd:"" help:"Find an event that was changed, removed, put in or moved. Prints the head to note outside the database."`
}

type eventsListCmd struct {
	User  string `help:"Of this user only." placeholder:"NAME"`
	Kind  string `help:"Of this kind only, as docs/events.md has them." placeholder:"KIND"`
	Limit int    `help:"How many." default:"100"`
	JSON  bool   `name:"json" help:"One JSON object a line, with all that is held."`
	config.Database
}

// listedEvent is an event as "events list --json" prints it.
type listedEvent struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Kind      string          `json:"kind"`
	Actor     string          `json:"actor"`
	UserID    int64           `json:"user_id,omitempty"`
	SessionID string          `json:"session_id,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	IP        string          `json:"ip,omitempty"`
	UserAgent string          `json:"user_agent,omitempty"`
	Details   json.RawMessage `json:"details,omitempty"`
	Number    int64           `json:"number,omitempty"` // in the chain
}

// Run lists events, the newest first.
func (cmd eventsListCmd) Run(e env) error {
	kind := account.EventKind(cmd.Kind)
	if cmd.Kind != "" && !slices.Contains(account.EventKinds(), kind) {
		return fmt.Errorf("there is no kind %q; docs/events.md lists them", cmd.Kind)
	}
	if cmd.Limit < 1 {
		return errors.New("--limit must be 1 or more")
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		events, err := a.Staff.Events(e.ctx, cmd.User, kind, cmd.Limit)
		if err != nil {
			return withUsername(err, cmd.User)
		}
		if cmd.JSON {
			out := json.NewEncoder(e.stdout)
			out.SetEscapeHTML(false)
			for _, ev := range events {
				l := listedEvent{
					ID: ev.ID, At: ev.At, Kind: string(ev.Kind), Actor: string(ev.Actor), UserID: ev.UserID, SessionID: ev.SessionID,
					RequestID: ev.RequestID, IP: ev.IP, UserAgent: ev.UserAgent, Number: ev.Seq,
				}
				if json.Valid([]byte(ev.Details)) {
					l.Details = json.RawMessage(ev.Details)
				}
				if err := out.Encode(l); err != nil {
					return err
				}
			}
			return nil
		}
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tTIME\tKIND\tACTOR\tUSER\tIP\tREQUEST\tDETAILS")
		for _, ev := range events {
			user := "-"
			if ev.UserID != 0 {
				user = fmt.Sprint(ev.UserID)
			}
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", ev.ID, ev.At.Format(time.DateTime), shown(string(ev.Kind)), shown(string(ev.Actor)), user,
				dash(ev.IP), dash(ev.RequestID), details(ev.Details))
		}
		return table.Flush()
	})
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return shown(s)
}

// details are JSON, which has its own quotes.
func details(s string) string {
	if json.Valid([]byte(s)) && !strings.ContainsAny(s, "\t\n") {
		return s
	}
	return shown(s)
}

type eventsVerifyCmd struct {
	Head string `help:"A head that was noted earlier outside the database: printed by this command, or logged by the server. Without one a chain that was made anew as a whole looks like any other." placeholder:"NUMBER:HASH"`
	From string `help:"Look only at what came after this head, which the chain must still have: the one that this command printed the last time." placeholder:"NUMBER:HASH"`
	config.Database
}

// Run walks the chain; the exit code is 1 when something is wrong.
func (cmd eventsVerifyCmd) Run(e env) error {
	from, err := head(cmd.From)
	if err != nil {
		return err
	}
	noted, err := head(cmd.Head)
	if err != nil {
		return err
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		r, err := a.Audit.VerifyFrom(e.ctx, from, noted)
		if err != nil {
			return err
		}
		if r.Problem != "" {
			return fmt.Errorf("the events are not what they were: %s", r.Problem)
		}
		fmt.Fprintf(e.stdout, "%d events verified, %d of them anonymous since; %d not sealed yet", r.Sealed, r.Forgot, r.Unsealed)
		if r.From.Seq > 0 {
			fmt.Fprintf(e.stdout, "; numbers up to %d were not looked at", r.From.Seq)
		}
		if r.Removed.Seq > 0 {
			fmt.Fprintf(e.stdout, "; numbers up to %d were removed because they were old", r.Removed.Seq)
		}
		_, err = fmt.Fprintf(e.stdout, "\nhead %s\n", audit.HeadText(r.Head))
		return err
	})
}

// head is one that somebody may have noted.
func head(text string) (store.EventHead, error) {
	if text == "" {
		return store.EventHead{}, nil
	}
	return audit.ParseHead(text)
}
