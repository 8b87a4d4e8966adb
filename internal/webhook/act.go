package webhook

import (
	"cmp"
	"context"
	"slices"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// message is what an act tells.
type message struct {
	Type   account.WebhookType
	Fields []string // beside those that the act names
}

// messages are what each act tells, in this order. An act that is not here
// tells nothing.
var messages = map[account.EventKind][]message{
	account.EventRegistered:        {{Type: account.ClientCreated}},
	account.EventUserCreated:       {{Type: account.ClientCreated}},
	account.EventUsernameChanged:   {{Type: account.ClientUpdated, Fields: []string{"username"}}},
	account.EventProfileChanged:    {{Type: account.ClientUpdated}},
	account.EventEmailVerified:     {{Type: account.ClientVerified}},
	account.EventEmailChanged:      {{Type: account.ClientEmailChanged}},
	account.EventEmailSet:          {{Type: account.ClientEmailChanged}},
	account.EventEmailDisowned:     {{Type: account.ClientEmailChanged}},
	account.EventEmailChangeUndone: {{Type: account.ClientEmailChanged}, {Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventAccountRecovered:  {{Type: account.ClientEmailChanged}, {Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventUserDisabled:      {{Type: account.ClientDisabled}, {Type: account.SessionRevoked}},
	account.EventUserEnabled:       {{Type: account.ClientEnabled}},
	account.EventAccountClosed:     {{Type: account.ClientClosed}, {Type: account.SessionRevoked}},
	account.EventAccountRestored:   {{Type: account.ClientRestored}},
	account.EventAccountErased:     {{Type: account.ClientErased}},
	account.EventPasswordChanged:   {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventPasswordReset:     {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventPasswordSet:       {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventLogout:            {{Type: account.SessionRevoked}},
	account.EventLogoutAll:         {{Type: account.SessionRevoked}},
	account.EventSessionEnded:      {{Type: account.SessionRevoked}},
	account.EventRefreshReuse:      {{Type: account.SessionRevoked}},
}

// Owe owes what acts tell to the webhooks that are on, in the transaction of
// the acts. Where there are none it writes nothing, and asks once.
func Owe(ctx context.Context, tx *store.Store, acts []audit.Entry) error {
	var owed []account.Delivery
	for _, act := range acts {
		for _, kind := range append([]account.EventKind{act.Kind}, act.Includes...) {
			for _, m := range messages[kind] {
				owed = append(owed, account.Delivery{
					MessageID: newMessageID(), Type: m.Type, UserID: cmp.Or(act.UserID, act.Erased),
					Fields: slices.Concat(m.Fields, act.Details.Fields), At: act.At,
				})
			}
		}
	}
	if len(owed) == 0 {
		return nil
	}
	return tx.AddDeliveries(ctx, owed)
}

// newMessageID begins a webhook-id; the webhook's own id follows, so that two
// webhooks of one receiver are told apart. It has no full stop, which the
// signature takes for the end of the id.
func newMessageID() string { return "msg_" + token.NewID() }

// NewTestID is the webhook-id of a test of a webhook.
func NewTestID(webhookID string) string { return newMessageID() + webhookID }
