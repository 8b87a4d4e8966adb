package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

// keyRow is a key as its list shows it.
type keyRow struct {
	store.SigningKey
	Signs, State, Tone string
	Ends               bool // it can be revoked
}

func (p *page) keyRow(k store.SigningKey) keyRow {
	v, state := p.view, k.State(p.view.now)
	return keyRow{
		SigningKey: k, Signs: v.Say("console.key.signs." + k.TokenType), State: v.Say("console.key.state." + string(state)),
		Tone: map[store.KeyState]string{store.KeySigns: "good", store.KeyNext: "info", store.KeyRevoked: "bad"}[state],
		Ends: state != store.KeyRevoked && state != store.KeyRetired,
	}
}

// keys lists those that sign; its act makes the next ones, which nobody notices.
func (p *page) keys() {
	v := p.view
	p.title(v.Say("console.keys"))
	if p.acts() {
		if err := p.staff.RotateKeys(p.r.Context()); err != nil {
			p.failKeys(err)
			return
		}
		p.done("keys", "keys_rotated", map[string]string{"n": strconv.Itoa(int(staff.KeyDelay.Minutes()))})
		return
	}
	all, err := p.staff.Keys(p.r.Context())
	if errors.Is(err, staff.ErrNoKeys) {
		p.show(http.StatusOK, "keys", []keyRow(nil))
		return
	}
	if err != nil {
		p.fail(err)
		return
	}
	rows := make([]keyRow, 0, len(all))
	for _, k := range all {
		rows = append(rows, p.keyRow(k))
	}
	p.show(http.StatusOK, "keys", rows)
}

func (p *page) failKeys(err error) {
	switch {
	case errors.Is(err, staff.ErrNoKeys):
		p.refuse(http.StatusConflict, "console.keys.unmanaged")
	case errors.Is(err, staff.ErrKeysWait):
		p.refuse(http.StatusConflict, "console.keys.wait")
	default:
		p.fail(err)
	}
}

// revokeKey ends a key at once. How many sessions are open is typed: of a key of
// sessions all of them may end.
func (p *page) revokeKey() {
	v, ctx := p.view, p.r.Context()
	all, err := p.staff.Keys(ctx)
	if err != nil {
		p.failKeys(err)
		return
	}
	id := p.r.PathValue("id")
	i := slices.IndexFunc(all, func(k store.SigningKey) bool { return k.ID == id })
	if i < 0 {
		p.gone("console.not_found.why")
		return
	}
	k := p.keyRow(all[i])
	if !k.Ends {
		p.goTo("keys")
		return
	}
	open, exact, err := p.staff.OpenSessions(ctx)
	if err != nil {
		p.fail(err)
		return
	}
	sessions := v.Number(open)
	if !exact {
		sessions = v.Say("console.about", "n", open)
	}
	p.title(v.Say("console.key.revoke.question"), v.Say("console.keys"))
	q := &question{Back: v.Root + "keys", BackText: v.Say("console.keys")}
	q.Facts = append([]fact{{v.Say("console.key.id"), Code(k.ID)}}, words(v.Say("console.key.signs"), k.Signs, v.Say("console.filter.state"), k.State, v.Say("console.figures.sessions"), sessions)...)
	q.Follows = []string{v.Say("console.key.revoke.follows." + k.TokenType), v.Say("console.key.revoke.follows"), v.Say("console.key.revoke.rather")}
	number := strconv.Itoa(open)
	reason := v.reasonField(true)
	reason.Focus = true
	q.Form = &form{
		Fields: []field{reason, {Name: "sessions", Type: "text", Mode: "numeric", Dir: "ltr", Autocomplete: "off", Label: v.Say("console.key.revoke.number", "id", number), Required: true}},
		Submit: v.Say("console.key.revoke"), Danger: true,
	}
	q.Form.Hidden = []hidden{{"number", number}}
	sent, ok := p.question(q)
	if !ok {
		return
	}
	switch {
	case sent.Get("reason") == "":
		p.fail(account.FieldError("reason", "field.blank", nil))
		return
	case sent.Get("sessions") != sent.Get("number") || sent.Get("number") == "":
		p.fail(account.FieldError("sessions", "console.key.revoke.wrong", account.Args{"id": number}))
		return
	}
	out, err := p.staff.RevokeKey(ctx, k.ID, sent.Get("reason"))
	if err != nil {
		p.failKeys(err)
		return
	}
	p.done("keys", "key_revoked", map[string]string{"sessions": v.Say("console.sessions.count", "n", out.Sessions)})
}
