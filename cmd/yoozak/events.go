package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type eventsCmd struct {
	List   eventsListCmd   `cmd:"" help:"List the newest events."`
	Tail   eventsTailCmd   `cmd:"" help:"Print new events as they come, until it is interrupted."`
	Verify eventsVerifyCmd `cmd:"" help:"Find an event that was changed, removed, put in or moved. Prints the head to note outside the database."`
}

type eventsListCmd struct {
	User string            `help:"Of this user only." placeholder:"NAME"`
	Kind account.EventKind `help:"Of this kind only, as docs/events.md has them." placeholder:"KIND"`
	JSON bool              `name:"json" help:"One JSON object a line, with all that is held."`
	listLimit
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
	Reason    string          `json:"reason,omitempty"`
	Number    int64           `json:"number,omitempty"` // in the chain
}

// Run lists events, the newest first.
func (cmd eventsListCmd) Run(e env) error {
	if cmd.Kind != "" && !slices.Contains(account.EventKinds(), cmd.Kind) {
		return fmt.Errorf("there is no kind %q; docs/events.md lists them", cmd.Kind)
	}
	if cmd.Limit < 1 {
		return errLimit
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		var userID int64
		if cmd.User != "" {
			u, err := a.Staff.UserNamed(e.ctx, cmd.User)
			if err != nil {
				return withUsername(err, cmd.User)
			}
			userID = u.ID
		}
		var before int64
		next := func(most int) ([]account.Event, error) {
			events, err := a.Staff.Events(e.ctx, userID, cmd.Kind, before, most)
			if len(events) > 0 {
				before = events[len(events)-1].ID
			}
			return events, err
		}
		if cmd.JSON {
			return eachPage(cmd.Limit, next, func(ev account.Event) error { return printEvent(e.stdout, ev, true) })
		}
		table := newTable(e.stdout, "ID", "TIME", "KIND", "ACTOR", "USER", "IP", "REQUEST", "DETAILS")
		err := eachPage(cmd.Limit, next, func(ev account.Event) error {
			return table.row(strconv.FormatInt(ev.ID, 10), ev.At.Format(time.DateTime), shown(string(ev.Kind)), shown(string(ev.Actor)), dashID(ev.UserID),
				dash(ev.IP), dash(ev.RequestID), details(ev.Details))
		})
		return errors.Join(err, table.flush())
	})
}

// dashID is an id, which 0 is none.
func dashID(id int64) string {
	if id == 0 {
		return "-"
	}
	return strconv.FormatInt(id, 10)
}

// printEvent prints an event as a line.
func printEvent(w io.Writer, ev account.Event, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(w, ev.ID, ev.At.Format(time.DateTime), shown(string(ev.Kind)), shown(string(ev.Actor)), dashID(ev.UserID), dash(ev.IP), details(ev.Details))
		return err
	}
	l := listedEvent{
		ID: ev.ID, At: ev.At, Kind: string(ev.Kind), Actor: string(ev.Actor), UserID: ev.UserID, SessionID: ev.SessionID,
		RequestID: ev.RequestID, IP: ev.IP, UserAgent: ev.UserAgent, Reason: ev.Reason, Number: ev.Seq,
	}
	if json.Valid([]byte(ev.Details)) {
		l.Details = json.RawMessage(ev.Details)
	}
	return jsonLines(w).Encode(l)
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

type eventsTailCmd struct {
	JSON  bool          `name:"json" help:"One JSON object a line, with all that is held."`
	Every time.Duration `help:"How often to look." default:"1s"`
	config.Database
}

// Run prints new events as they come, until it is interrupted.
func (cmd eventsTailCmd) Run(e env) error {
	if cmd.Every < 100*time.Millisecond {
		return errors.New("--every must be 100ms or more")
	}
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
		newest, err := st.Events(e.ctx, store.EventFilter{}, 1)
		if err != nil {
			return err
		}
		last := int64(0)
		if len(newest) > 0 {
			last = newest[0].ID
		}
		tick := time.NewTicker(cmd.Every)
		defer tick.Stop()
		for {
			select {
			case <-e.ctx.Done():
				return nil
			case <-tick.C:
			}
			events, err := st.Events(e.ctx, store.EventFilter{After: last}, 0)
			if e.ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			for i := len(events) - 1; i >= 0; i-- {
				last = events[i].ID
				if err := printEvent(e.stdout, events[i], cmd.JSON); err != nil {
					return err
				}
			}
		}
	})
}
