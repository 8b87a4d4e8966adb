package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

type webhookCmd struct {
	Create  webhookCreateCmd  `cmd:"" help:"Have a URL told what happens to accounts. Prints the secret of its signatures, once."`
	List    webhookListCmd    `cmd:"" help:"List webhooks: on or off and why, and what they have not been told yet."`
	Test    webhookTestCmd    `cmd:"" help:"Have the running server send a message about nobody, and say what came of it."`
	Log     webhookLogCmd     `cmd:"" help:"List what a webhook was told in the last 30 days, and what came of it."`
	Replay  webhookReplayCmd  `cmd:"" help:"Tell a webhook again what it was told: one number, or a span of them."`
	Rotate  webhookRotateCmd  `cmd:"" help:"Give a webhook another secret. Prints it, once. For a while the one before signs, too."`
	Disable webhookDisableCmd `cmd:"" help:"Turn a webhook off. When the command has returned it is not called any more."`
	Enable  webhookEnableCmd  `cmd:"" help:"Turn a webhook on again: it is told what waits, and not what happened meanwhile."`
	Delete  webhookDeleteCmd  `cmd:"" help:"Forget a webhook, with its secret, its log and what it was not told yet."`
}

type webhookCreateCmd struct {
	URL   string                `arg:"" name:"url" help:"Where it is told: https://orders.example/hooks/clients."`
	Types []account.WebhookType `placeholder:"TYPES" help:"Of these types only, separated by commas, as docs/webhooks.md has them. Without it of all."`
	JSON  bool                  `name:"json" help:"As a JSON object."`
	config.Database
	config.Encryption
	config.Webhooks
}

// Run makes a webhook, and warns if it could not be called now: whoever made it
// would hear of that by the first message that fails. The secret goes to
// standard output, so that it can be put where it belongs without being seen.
func (cmd webhookCreateCmd) Run(e env) error {
	types := make([]account.WebhookType, len(cmd.Types))
	for i, t := range cmd.Types {
		types[i] = account.WebhookType(strings.TrimSpace(string(t)))
	}
	return withApp(e, groups{cmd.Database, cmd.Encryption, cmd.Webhooks}, func(a *app.App) error {
		if err := a.Keys.CheckEncryption(e.ctx); err != nil {
			return err
		}
		w, plain, err := a.Staff.CreateWebhook(e.ctx, cmd.URL, types)
		if err != nil {
			return err
		}
		if err := printSecret(e, cmd.JSON, w.ID, plain.Reveal(), time.Time{}); err != nil {
			return err
		}
		if err := a.Webhooks.CheckURL(e.ctx, w.URL); err != nil {
			fmt.Fprintf(e.stderr, "yoozak: warning: by the settings of this command a server could not call it now: %v\n", err)
		}
		return nil
	})
}

// printSecret shows a new secret.
func printSecret(e env, asJSON bool, id, plain string, oldUntil time.Time) error {
	fmt.Fprintln(e.stderr, "The secret is shown this once.")
	if asJSON {
		return json.NewEncoder(e.stdout).Encode(struct { //nolint:gosec // to be shown, once
			ID       string     `json:"id"`
			Secret   string     `json:"secret"`
			OldUntil *time.Time `json:"old_secret_until,omitempty"`
		}{id, plain, timeOrNull(oldUntil)})
	}
	_, err := fmt.Fprintf(e.stdout, "id: %s\nsecret: %s\n", id, plain)
	if !oldUntil.IsZero() {
		_, err = fmt.Fprintf(e.stdout, "the secret before signs until: %s\n", oldUntil.Format(time.DateTime+" UTC"))
	}
	return err
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type webhookListCmd struct {
	Limit int  `help:"How many; 0 is all." default:"0"`
	JSON  bool `name:"json" help:"One JSON object a line."`
	config.Database
}

// listedWebhook is a webhook as "webhook list --json" prints it.
type listedWebhook struct {
	ID          string                `json:"id"`
	URL         string                `json:"url"`
	Types       []account.WebhookType `json:"types"` // empty: all
	CreatedAt   time.Time             `json:"created_at"`
	DisabledAt  *time.Time            `json:"disabled_at"`
	DisabledWhy string                `json:"disabled_why,omitempty"`
	OldUntil    *time.Time            `json:"old_secret_until"`
	Sequence    int64                 `json:"sequence"`
	Waiting     int                   `json:"waiting"`
	OldestAt    *time.Time            `json:"oldest_waiting_at"`
	AcceptedAt  *time.Time            `json:"accepted_at"`
	GivenUp     int64                 `json:"given_up"` // since "webhook replay --given-up"
	GivenUpAt   *time.Time            `json:"given_up_at"`
	GivenUpWhy  string                `json:"given_up_why,omitempty"`
}

// Run lists webhooks, never their secrets.
func (cmd webhookListCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		all, err := a.Staff.Webhooks(e.ctx)
		if err != nil {
			return err
		}
		all = firstOf(cmd.Limit, all)
		if cmd.JSON {
			out := jsonLines(e.stdout)
			for _, w := range all {
				l := listedWebhook{
					ID: w.ID, URL: w.URL, Types: append([]account.WebhookType{}, w.Types...), CreatedAt: w.CreatedAt, DisabledAt: timeOrNull(w.DisabledAt),
					DisabledWhy: w.DisabledWhy, OldUntil: timeOrNull(w.OldUntil), Sequence: w.Sequence, Waiting: w.Count, OldestAt: timeOrNull(w.Oldest),
					AcceptedAt: timeOrNull(w.AcceptedAt), GivenUp: w.GivenUp, GivenUpAt: timeOrNull(w.GivenUpAt), GivenUpWhy: w.GivenUpWhy,
				}
				if err := out.Encode(l); err != nil {
					return err
				}
			}
			return nil
		}
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tURL\tTYPES\tSTATE\tTOLD\tWAITING\tOLDEST\tGIVEN UP\tLAST ACCEPTED")
		for _, w := range all {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%d\t%s\n", w.ID, shown(staff.ShownURL(w.URL)), typesText(w.Types), webhookState(w), w.Sequence, w.Count,
				dashTime(w.Oldest), w.GivenUp, dashTime(w.AcceptedAt))
		}
		return table.Flush()
	})
}

func dashTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateTime)
}

func typesText(types []account.WebhookType) string {
	if len(types) == 0 {
		return "all"
	}
	texts := make([]string, len(types))
	for i, t := range types {
		texts[i] = string(t)
	}
	return strings.Join(texts, ",")
}

func webhookState(w staff.WebhookState) string {
	if w.DisabledAt.IsZero() {
		return "on"
	}
	return "off since " + w.DisabledAt.Format(time.DateTime) + ": " + shown(w.DisabledWhy)
}

type webhookTestCmd struct {
	ID   string        `arg:"" help:"The webhook."`
	Wait time.Duration `help:"How long to wait for what comes of it." default:"20s"`
	JSON bool          `name:"json" help:"As a JSON object."`
	config.Database
}

// Run ends with 1 when the receiver did not answer as it should.
func (cmd webhookTestCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		ctx, cancel := context.WithTimeout(e.ctx, cmd.Wait)
		defer cancel()
		d, err := a.Staff.TestWebhook(ctx, cmd.ID)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("nothing came of it within %v: does a server run, and is the receiver not busy with others? \"yoozak webhook log %s\" has it later", cmd.Wait, shown(cmd.ID))
		}
		if err != nil {
			return err
		}
		if cmd.JSON {
			if err := json.NewEncoder(e.stdout).Encode(newListedDelivery(d)); err != nil {
				return err
			}
		}
		if d.Failure != "" {
			return fmt.Errorf("not delivered: %s", d.Failure)
		}
		if cmd.JSON {
			return nil
		}
		_, err = fmt.Fprintf(e.stdout, "delivered: the answer was %d, after %v\n", d.Status, d.Took.Round(time.Millisecond))
		return err
	})
}

type webhookLogCmd struct {
	ID      string `arg:"" help:"The webhook."`
	Limit   int    `help:"How many." default:"100"`
	Failed  bool   `help:"Only those whose last attempt failed."`
	GivenUp bool   `help:"Only those that were given up: \"webhook replay\" tells them again."`
	JSON    bool   `name:"json" help:"One JSON object a line."`
	config.Database
}

// listedDelivery is a delivery as "webhook log --json" prints it.
type listedDelivery struct {
	Sequence  int64      `json:"sequence"`
	MessageID string     `json:"message_id"`
	Type      string     `json:"type"`
	UserID    int64      `json:"user_id,omitempty"`
	Fields    []string   `json:"fields,omitempty"`
	At        time.Time  `json:"at"`
	State     string     `json:"state"`
	DueAt     *time.Time `json:"due_at"`
	Attempts  int        `json:"attempts"`
	TriedAt   *time.Time `json:"tried_at"`
	TookMS    float64    `json:"took_ms"`
	Status    int        `json:"status,omitempty"`
	Failure   string     `json:"failure,omitempty"`
}

func newListedDelivery(d account.Delivery) listedDelivery {
	return listedDelivery{
		Sequence: d.Sequence, MessageID: d.MessageID, Type: string(d.Type), UserID: d.UserID, Fields: d.Fields, At: d.At, State: string(d.State),
		DueAt: timeOrNull(d.DueAt), Attempts: d.Attempts, TriedAt: timeOrNull(d.TriedAt), TookMS: float64(d.Took.Microseconds()) / 1000,
		Status: d.Status, Failure: d.Failure,
	}
}

// Run lists deliveries, the newest first.
func (cmd webhookLogCmd) Run(e env) error {
	if cmd.Limit < 1 {
		return errLimit
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		filter := store.DeliveryFilter{Failed: cmd.Failed, GivenUp: cmd.GivenUp}
		next := func(most int) ([]account.Delivery, error) {
			all, err := a.Staff.Deliveries(e.ctx, cmd.ID, filter, most)
			if len(all) > 0 {
				filter.Before = all[len(all)-1].Number
			}
			return all, err
		}
		if cmd.JSON {
			out := jsonLines(e.stdout)
			return eachPage(cmd.Limit, next, func(d account.Delivery) error { return out.Encode(newListedDelivery(d)) })
		}
		table := newTable(e.stdout, "NUMBER", "TYPE", "USER", "AT", "STATE", "ATTEMPTS", "STATUS", "LAST FAILURE")
		err := eachPage(cmd.Limit, next, func(d account.Delivery) error {
			return table.row(dashID(d.Sequence), shown(string(d.Type)), dashID(d.UserID), d.At.Format(time.DateTime), deliveryState(d), strconv.Itoa(d.Attempts),
				dashID(int64(d.Status)), shown(d.Failure))
		})
		return errors.Join(err, table.flush())
	})
}

func deliveryState(d account.Delivery) string {
	switch {
	case d.State == account.DeliveryGivenUp:
		return "given up"
	case d.State == account.DeliveryWaiting && d.DueAt.IsZero():
		return "behind an earlier one"
	case d.State == account.DeliveryWaiting:
		return "due " + d.DueAt.Format(time.DateTime)
	}
	return string(d.State)
}

type webhookReplayCmd struct {
	ID      string `arg:"" help:"The webhook."`
	From    int64  `arg:"" optional:"" help:"Number of the delivery, as its receiver and \"webhook log\" have it, or the first of a span."`
	To      int64  `arg:"" optional:"" help:"The last of a span."`
	GivenUp bool   `help:"All that were given up: refused for three days, or not told when the database was restored."`
	JSON    bool   `name:"json" help:"As a JSON object."`
	config.Database
}

// Run has deliveries made again, by the running server.
func (cmd webhookReplayCmd) Run(e env) error {
	if cmd.To == 0 {
		cmd.To = cmd.From
	}
	if (cmd.From == 0) == !cmd.GivenUp || cmd.From < 0 || cmd.To < cmd.From {
		return errors.New("give the number of a delivery, the first and the last of a span, or --given-up")
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) (err error) {
		var n int64
		if cmd.GivenUp {
			n, err = a.Staff.ReplayGivenUp(e.ctx, cmd.ID)
		} else {
			n, err = a.Staff.ReplayWebhook(e.ctx, cmd.ID, cmd.From, cmd.To)
		}
		if err != nil {
			return err
		}
		if cmd.JSON {
			return json.NewEncoder(e.stdout).Encode(struct {
				Replayed int64 `json:"replayed"`
			}{n})
		}
		_, err = fmt.Fprintf(e.stdout, "%d to be told again by the running server\n", n)
		return err
	})
}

type webhookRotateCmd struct {
	ID   string        `arg:"" help:"The webhook."`
	Keep time.Duration `help:"How long the secret before signs, too; 0 ends it before the command returns." default:"24h"`
	JSON bool          `name:"json" help:"As a JSON object."`
	config.Database
	config.Encryption
}

// Run changes the secret of a webhook.
func (cmd webhookRotateCmd) Run(e env) error {
	if cmd.Keep < 0 {
		return errors.New("--keep must be 0 or more")
	}
	return withApp(e, groups{cmd.Database, cmd.Encryption}, func(a *app.App) error {
		if err := a.Keys.CheckEncryption(e.ctx); err != nil {
			return err
		}
		plain, until, err := a.Staff.RotateWebhook(e.ctx, cmd.ID, cmd.Keep)
		if plain.Empty() {
			return err
		}
		return errors.Join(err, printSecret(e, cmd.JSON, cmd.ID, plain.Reveal(), until)) // it may have been changed all the same
	})
}

type webhookDisableCmd struct {
	ID   string `arg:"" help:"The webhook."`
	JSON bool   `name:"json" help:"As a JSON object."`
	config.Database
}

func (cmd webhookDisableCmd) Run(e env) error {
	return switchWebhook(e, cmd.Database, cmd.JSON, cmd.ID, "disabled", (*staff.Service).DisableWebhook)
}

type webhookEnableCmd struct {
	ID   string `arg:"" help:"The webhook."`
	JSON bool   `name:"json" help:"As a JSON object."`
	config.Database
}

func (cmd webhookEnableCmd) Run(e env) error {
	return switchWebhook(e, cmd.Database, cmd.JSON, cmd.ID, "enabled", (*staff.Service).EnableWebhook)
}

func switchWebhook(e env, db config.Database, asJSON bool, id, done string, do func(*staff.Service, context.Context, string) error) error {
	return withApp(e, groups{db}, func(a *app.App) error {
		return reportWebhook(e, asJSON, id, done, do(a.Staff, e.ctx, id))
	})
}

// reportWebhook says what was done to a webhook, unless that was an error.
func reportWebhook(e env, asJSON bool, id, done string, err error) error {
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(e.stdout).Encode(struct {
			ID    string `json:"id"`
			State string `json:"state"`
		}{id, done})
	}
	_, err = fmt.Fprintf(e.stdout, "%s %s\n", done, shown(id))
	return err
}

type webhookDeleteCmd struct {
	ID   string `arg:"" help:"The webhook."`
	Yes  bool   `help:"Do not ask."`
	JSON bool   `name:"json" help:"As a JSON object."`
	config.Database
}

const deleteQuestion = `This forgets the webhook to %s: its secret, its log, and %d messages that it was not told yet.
Nothing of it can be undone. Type the name of its host, %s, to go on: `

// Run forgets a webhook, once somebody has said which it is.
func (cmd webhookDeleteCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		w, err := a.Staff.Webhook(e.ctx, cmd.ID)
		if err != nil {
			return err
		}
		host := shownHost(w.URL)
		question := fmt.Sprintf(deleteQuestion, shown(staff.ShownURL(w.URL)), w.Count, host)
		if err := confirm(e, cmd.Yes, question, host, "this forgets a webhook, with what it was not told yet"); err != nil {
			return err
		}
		return reportWebhook(e, cmd.JSON, cmd.ID, "deleted", a.Staff.DeleteWebhook(e.ctx, cmd.ID))
	})
}

func shownHost(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "?"
	}
	return shown(u.Hostname())
}
