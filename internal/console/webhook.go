package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

const (
	mostDeliveries = 50
	oldSecretFor   = 24 * time.Hour   // how long the secret before signs beside a new one
	webhookWait    = 10 * time.Second // for what came of a test, or for other servers to hear of a change
)

// webhookPage is one webhook, with what it was told.
type webhookPage struct {
	Hook       webhookRow
	Facts      []fact
	Failed     bool // the list has only those that failed
	Deliveries []deliveryRow
}

type deliveryRow struct {
	account.Delivery
	What, State, Tone, Answer string
}

func (p *page) deliveryRow(d account.Delivery) deliveryRow {
	v := p.view
	row := deliveryRow{Delivery: d, What: v.hookType(d.Type), State: v.Say("console.delivery." + string(d.State)), Answer: v.Say("console.unknown")}
	switch {
	case d.State == account.DeliveryDelivered:
		row.Tone = "good"
	case d.State == account.DeliveryGivenUp:
		row.Tone = "bad"
	case d.Failure != "":
		row.Tone = "warn"
	default:
		row.Tone = "info"
	}
	switch {
	case d.Status != 0:
		row.Answer = v.Say("console.delivery.status", "status", strconv.Itoa(d.Status))
	case d.Failure != "":
		row.Answer = v.Say("console.delivery.silent")
	}
	return row
}

func (p *page) hook() (webhookRow, bool) {
	w, err := p.staff.Webhook(p.r.Context(), p.r.PathValue("id"))
	if err != nil {
		p.failWebhook(err)
		return webhookRow{}, false
	}
	return p.webhookRow(w), true
}

func (p *page) webhook() {
	v := p.view
	hook, ok := p.hook()
	if !ok {
		return
	}
	p.title(hook.Where, v.Say("console.webhooks"))
	d := &webhookPage{Hook: hook, Failed: p.r.URL.Query().Get("state") == "failed"}
	var types []string
	for _, t := range hook.Types {
		types = append(types, v.hookType(t))
	}
	if types == nil {
		types = []string{v.Say("console.webhook.all")}
	}
	d.Facts = []fact{
		{v.Say("console.webhook.types"), text(strings.Join(types, v.Say("console.comma")))},
		{v.Say("console.webhook.waiting"), text(v.Number(hook.Count))},
		{v.Say("console.webhook.given_up"), text(v.Number(hook.GivenUp))},
		{v.Say("console.webhook.accepted"), v.When(hook.AcceptedAt)},
		{v.Say("console.mail.when"), v.At(hook.CreatedAt)},
		{v.Say("console.webhook.id"), Code(hook.ID)},
	}
	if !hook.OldUntil.IsZero() && v.now.Before(hook.OldUntil) {
		d.Facts = append(d.Facts, fact{v.Say("console.webhook.old_until"), v.At(hook.OldUntil)})
	}
	deliveries, err := p.staff.Deliveries(p.r.Context(), hook.ID, store.DeliveryFilter{Failed: d.Failed}, mostDeliveries)
	if err != nil {
		p.failWebhook(err)
		return
	}
	for _, one := range deliveries {
		d.Deliveries = append(d.Deliveries, p.deliveryRow(one))
	}
	p.show(http.StatusOK, "webhook", d)
}

// webhookAct is something that is done to a webhook. One that hurts asks first.
type webhookAct struct {
	name  string
	hurts bool
	do    func(ctx context.Context, s *staff.Service, id string) (n int64, err error)
}

var webhookActs = []webhookAct{
	{name: "enable", do: func(ctx context.Context, s *staff.Service, id string) (int64, error) {
		return 0, s.EnableWebhook(ctx, id)
	}},
	{name: "replay", do: func(ctx context.Context, s *staff.Service, id string) (int64, error) { return s.ReplayGivenUp(ctx, id) }},
	{name: "disable", hurts: true, do: func(ctx context.Context, s *staff.Service, id string) (int64, error) {
		return 0, s.DisableWebhook(ctx, id)
	}},
	{name: "delete", hurts: true, do: func(ctx context.Context, s *staff.Service, id string) (int64, error) {
		return 0, s.DeleteWebhook(ctx, id)
	}},
}

// askWebhook is the page that asks before an act on a webhook.
func (p *page) askWebhook(hook webhookRow, act string, danger bool) (ok bool) {
	v := p.view
	p.title(v.Say("console.webhook."+act+".question"), v.Say("console.webhooks"))
	q := &question{Back: v.Root + "webhooks/" + hook.ID, BackText: v.Say("console.webhook.back"), Follows: []string{v.Say("console.webhook." + act + ".follows")}}
	q.Facts = []fact{{v.Say("console.webhook.url"), Code(hook.Where)}, {v.Say("console.filter.state"), text(hook.State)}, {v.Say("console.webhook.waiting"), text(v.Number(hook.Count))}}
	q.Form = &form{Submit: v.Say("console.webhook." + act), Danger: danger}
	_, ok = p.question(q)
	return ok
}

func (p *page) actOnWebhook(a webhookAct) {
	hook, ok := p.hook()
	if !ok || !p.askWebhook(hook, a.name, a.hurts) {
		return
	}
	ctx, cancel := context.WithTimeout(p.r.Context(), webhookWait)
	defer cancel()
	n, err := a.do(ctx, p.staff, hook.ID)
	key := "webhook_" + a.name
	if err != nil && ctx.Err() != nil && p.r.Context().Err() == nil { // another server has not heard of it yet
		key, err = "webhook_late", nil
	}
	if err != nil {
		p.failWebhook(err)
		return
	}
	to := "webhooks/" + hook.ID
	if a.name == "delete" {
		to = "webhooks"
	}
	p.done(to, key, map[string]string{"n": strconv.FormatInt(n, 10)})
}

// rotateWebhook gives a webhook another secret, which is shown once. The one
// before signs beside it for a day.
func (p *page) rotateWebhook() {
	v := p.view
	hook, ok := p.hook()
	if !ok || !p.askWebhook(hook, "rotate", false) {
		return
	}
	ctx, cancel := context.WithTimeout(p.r.Context(), webhookWait)
	defer cancel()
	secret, until, err := p.staff.RotateWebhook(ctx, hook.ID, oldSecretFor)
	if err != nil && (ctx.Err() == nil || p.r.Context().Err() != nil || secret.Empty()) {
		p.failWebhook(err)
		return
	}
	facts := []fact{{v.Say("console.webhook.url"), Code(hook.Where)}}
	if !until.IsZero() {
		facts = append(facts, fact{v.Say("console.webhook.old_until"), v.At(until)})
	}
	p.showOnce(v.Say("console.webhook.rotated"), &shownOnce{Facts: facts, Secret: secret.Reveal(), Next: v.Root + "webhooks/" + hook.ID, NextText: v.Say("console.secret.copied")})
}

// testWebhook has a message about nobody sent, and says what came of it.
func (p *page) testWebhook() {
	hook, ok := p.hook()
	if !ok {
		return
	}
	to := "webhooks/" + hook.ID
	if !p.acts() { // the button is on its page
		p.goTo(to)
		return
	}
	ctx, cancel := context.WithTimeout(p.r.Context(), webhookWait)
	defer cancel()
	d, err := p.staff.TestWebhook(ctx, hook.ID)
	row := p.deliveryRow(d)
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded) && p.r.Context().Err() == nil:
		p.done(to, "webhook_test_late", nil)
	case err != nil:
		p.failWebhook(err)
	case d.State == account.DeliveryDelivered:
		p.done(to, "webhook_test_good", map[string]string{"answer": row.Answer})
	default:
		p.done(to, "webhook_test_bad", map[string]string{"answer": row.Answer})
	}
}
