package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
)

// services are other programs of the house that may ask about tokens, and the
// form that makes another one.
type services struct {
	All  []serviceRow
	Form *form
}

type serviceRow struct {
	account.OAuthClient
	Scopes      []string
	State, Tone string
	On          bool
}

func (p *page) serviceRow(s account.OAuthClient) serviceRow {
	v := p.view
	row := serviceRow{OAuthClient: s, State: v.Say("console.service.on"), Tone: "good", On: s.DisabledAt.IsZero()}
	if !row.On {
		row.State, row.Tone = v.Say("console.service.off"), ""
	}
	for _, scope := range s.Scopes {
		row.Scopes = append(row.Scopes, v.Say("console.service.scope."+string(scope)))
	}
	return row
}

func scopeField(s account.Scope) string { return "scope_" + string(s) }

// serviceFields are what is filled in for a service.
func serviceFields() []string {
	names := []string{"name", "audience"}
	for _, s := range account.Scopes {
		names = append(names, scopeField(s))
	}
	return names
}

func (p *page) services() {
	v := p.view
	p.title(v.Say("console.services"))
	all, err := p.staff.OAuthClients(p.r.Context())
	if err != nil {
		p.fail(err)
		return
	}
	d := &services{}
	for _, s := range all {
		d.All = append(d.All, p.serviceRow(s))
	}
	d.Form = &form{
		Fields: []field{
			{Name: "name", Type: "text", Label: v.Say("console.name"), Hint: v.Say("console.service.name_hint"), Required: true, Max: 64},
			{Name: "audience", Type: "text", Dir: "ltr", Label: v.Say("console.service.audience"), Hint: v.Say("console.service.audience_hint"), Max: 200},
		},
		Submit: v.Say("console.service.create"), page: "services", data: d,
	}
	d.Form.Boxes.Legend = v.Say("console.service.may_do")
	for _, scope := range account.Scopes {
		d.Form.Boxes.All = append(d.Form.Boxes.All, box{Name: scopeField(scope), Label: v.Say("console.service.scope." + string(scope)), Checked: scope == account.ScopeIntrospect})
	}
	p.ask(d.Form)
	sent, ok := p.submitted()
	if !ok {
		return
	}
	s := account.OAuthClient{Name: sent.Get("name"), Audience: sent.Get("audience")}
	for _, scope := range account.Scopes {
		if sent.Get(scopeField(scope)) != "" {
			s.Scopes = append(s.Scopes, scope)
		}
	}
	if len(s.Scopes) == 0 {
		p.fail(account.NonFieldError("console.service.no_scope", nil))
		return
	}
	made, secret, err := p.staff.CreateOAuthClient(p.r.Context(), s)
	switch {
	case errors.Is(err, staff.ErrServiceName):
		p.fail(account.FieldError("name", "console.service.wrong_name", nil))
	case errors.Is(err, staff.ErrServiceTaken):
		p.fail(account.FieldError("name", "console.service.taken", nil))
	case errors.Is(err, staff.ErrServiceAudience):
		p.fail(account.FieldError("audience", "console.service.wrong_audience", nil))
	case err != nil:
		p.fail(err)
	default:
		p.showOnce(v.Say("console.service.created"), &shownOnce{
			Facts:  []fact{{v.Say("console.name"), Somebody(made.Name)}, {v.Say("console.service.id"), Code(made.ID)}},
			Secret: secret.Reveal(), Next: v.Root + "services", NextText: v.Say("console.secret.copied"),
		})
	}
}

// endService keeps a service from asking again.
func (p *page) endService() {
	v := p.view
	s, err := p.staff.OAuthClient(p.r.Context(), p.r.PathValue("id"))
	if err != nil {
		p.fail(err)
		return
	}
	row := p.serviceRow(s)
	p.title(v.Say("console.service.end.question", "name", named(s.Name)), v.Say("console.services"))
	q := &question{Back: v.Root + "services", BackText: v.Say("console.services"), Follows: []string{v.Say("console.service.end.follows"), v.Say("console.service.end.for_good")}}
	q.Facts = []fact{{v.Say("console.service.id"), Code(s.ID)}, {v.Say("console.service.may"), text(strings.Join(row.Scopes, v.Say("console.comma")))}, {v.Say("console.filter.state"), text(row.State)}}
	q.Form = &form{Submit: v.Say("console.service.end"), Danger: true}
	if _, ok := p.question(q); !ok {
		return
	}
	err = p.staff.DisableOAuthClient(p.r.Context(), s.ID)
	if errors.Is(err, staff.ErrNoSuchService) { // by somebody else, a moment ago: it is as was wished
		err = nil
	}
	if err != nil {
		p.fail(err)
		return
	}
	p.done("services", "service_ended", map[string]string{"name": isolated(s.Name)})
}

// webhooks are addresses that are told what happens to accounts.
type webhooks struct {
	All  []webhookRow
	Form *form
}

type webhookRow struct {
	staff.WebhookState
	Where, State, Tone, Off string
	On                      bool
}

func (p *page) webhookRow(w staff.WebhookState) webhookRow {
	v := p.view
	row := webhookRow{WebhookState: w, Where: staff.ShownURL(w.URL), State: v.Say("console.on"), Tone: "good", On: w.DisabledAt.IsZero()}
	if !row.On {
		row.State, row.Tone, row.Off = v.Say("console.off"), "bad", v.Say("console.webhook.off.server")
		if slices.Contains([]string{staff.OffByCommand, staff.OffByStaff}, w.DisabledWhy) {
			row.Tone, row.Off = "", v.Say("console.webhook.off.staff")
		}
	}
	return row
}

func typeField(t account.WebhookType) string {
	return "type_" + strings.ReplaceAll(string(t), ".", "_")
}

// webhookFields are what is filled in for a webhook.
func webhookFields() []string {
	names := []string{"url"}
	for _, t := range account.WebhookTypes() {
		names = append(names, typeField(t))
	}
	return names
}

func (v *view) hookType(t account.WebhookType) string {
	return v.Say("console.hook." + strings.ReplaceAll(string(t), ".", "_"))
}

func (p *page) webhooks() {
	v := p.view
	p.title(v.Say("console.webhooks"))
	all, err := p.staff.Webhooks(p.r.Context())
	if err != nil {
		p.fail(err)
		return
	}
	d := &webhooks{}
	for _, w := range all {
		d.All = append(d.All, p.webhookRow(w))
	}
	d.Form = &form{
		Fields: []field{{Name: "url", Type: "url", Dir: "ltr", Label: v.Say("console.webhook.url"), Hint: v.Say("console.webhook.url_hint"), Required: true, Max: 2048}},
		Submit: v.Say("console.webhook.create"), page: "webhooks", data: d,
	}
	d.Form.Boxes = boxes{Legend: v.Say("console.webhook.told"), Hint: v.Say("console.webhook.none_ticked")}
	for _, t := range account.WebhookTypes() {
		d.Form.Boxes.All = append(d.Form.Boxes.All, box{Name: typeField(t), Label: v.hookType(t)})
	}
	p.ask(d.Form)
	sent, ok := p.submitted()
	if !ok {
		return
	}
	var types []account.WebhookType
	for _, t := range account.WebhookTypes() {
		if sent.Get(typeField(t)) != "" {
			types = append(types, t)
		}
	}
	made, secret, err := p.staff.CreateWebhook(p.r.Context(), strings.TrimSpace(sent.Get("url")), types)
	switch {
	case errors.Is(err, staff.ErrWebhookURL):
		p.fail(account.FieldError("url", "console.webhook.wrong_url", nil))
		return
	case err != nil:
		p.fail(err)
		return
	}
	s := &shownOnce{
		Facts:  []fact{{v.Say("console.webhook.url"), Code(staff.ShownURL(made.URL))}, {v.Say("console.webhook.id"), Code(made.ID)}},
		Secret: secret.Reveal(), Next: v.Root + "webhooks/" + made.ID, NextText: v.Say("console.secret.copied"),
	}
	if p.staff.CheckWebhookURL(p.r.Context(), made.URL) != nil {
		s.Warning = v.Say("console.webhook.unreachable")
	}
	p.showOnce(v.Say("console.webhook.created"), s)
}

// failWebhook says why an act on a webhook cannot be.
func (p *page) failWebhook(err error) {
	switch {
	case errors.Is(err, staff.ErrNoSuchWebhook):
		p.gone("console.not_found.why")
	case errors.Is(err, staff.ErrWebhookOff):
		p.refuse(http.StatusConflict, "console.webhook.is_off")
	case errors.Is(err, staff.ErrWebhookOn):
		p.refuse(http.StatusConflict, "console.webhook.is_on")
	case errors.Is(err, staff.ErrWebhookChanged):
		p.refuse(http.StatusConflict, "console.webhook.changed")
	default:
		p.fail(err)
	}
}
