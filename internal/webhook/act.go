package webhook

import (
	"cmp"
	"slices"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
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
	account.EventRegistered:           {{Type: account.ClientCreated}},
	account.EventUserCreated:          {{Type: account.ClientCreated}},
	account.EventUserInvited:          {{Type: account.ClientCreated}},
	account.EventUserEdited:           {{Type: account.ClientUpdated}},
	account.EventUsernameChanged:      {{Type: account.ClientUpdated, Fields: []string{"username"}}},
	account.EventProfileChanged:       {{Type: account.ClientUpdated}},
	account.EventEmailVerified:        {{Type: account.ClientVerified}},
	account.EventEmailChanged:         {{Type: account.ClientEmailChanged}},
	account.EventEmailSet:             {{Type: account.ClientEmailChanged}},
	account.EventEmailDisowned:        {{Type: account.ClientEmailChanged}},
	account.EventEmailChangeUndone:    {{Type: account.ClientEmailChanged}, {Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventAccountRecovered:     {{Type: account.ClientEmailChanged}, {Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventFactorUndone:         {{Type: account.ClientEmailChanged}, {Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventUserDisabled:         {{Type: account.ClientDisabled}, {Type: account.SessionRevoked}},
	account.EventUserEnabled:          {{Type: account.ClientEnabled}},
	account.EventAccountClosed:        {{Type: account.ClientClosed}, {Type: account.SessionRevoked}},
	account.EventAccountRestored:      {{Type: account.ClientRestored}},
	account.EventAccountErased:        {{Type: account.ClientErased}},
	account.EventPasswordChanged:      {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventPasswordReset:        {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventPasswordVoided:       {{Type: account.PasswordChanged}},
	account.EventPasswordSet:          {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventLogout:               {{Type: account.SessionRevoked}},
	account.EventLogoutAll:            {{Type: account.SessionRevoked}},
	account.EventSessionEnded:         {{Type: account.SessionRevoked}},
	account.EventSessionsEndedByStaff: {{Type: account.SessionRevoked}},
	account.EventRefreshReuse:         {{Type: account.SessionRevoked}},
	account.EventDeviceTrustEnded:     {{Type: account.SessionRevoked}},
	account.EventNotMe:                {{Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
	account.EventRecoveryFinished:     {{Type: account.ClientEmailChanged}, {Type: account.PasswordChanged}, {Type: account.SessionRevoked}},
}

// Told is what acts tell, in their order. It is owed in their transaction, to
// the webhooks that are on and want it, in one statement with their events.
func Told(acts []audit.Entry) (told []account.Delivery) {
	for _, act := range acts {
		for _, kind := range append([]account.EventKind{act.Kind}, act.Includes...) {
			for _, m := range messages[kind] {
				d := account.Delivery{MessageID: newMessageID(), Type: m.Type, UserID: cmp.Or(act.UserID, act.Erased), At: act.At}
				if m.Type == account.ClientUpdated { // what others change, their type says
					d.Fields = slices.Concat(m.Fields, act.Details.Fields)
				}
				told = append(told, d)
			}
		}
	}
	return told
}

// newMessageID begins a webhook-id; the webhook's own id follows, so that two
// webhooks of one receiver are told apart. It has no full stop, which the
// signature takes for the end of the id.
func newMessageID() string { return "msg_" + token.NewID() }

// NewTestID is the webhook-id of a test of a webhook.
func NewTestID(webhookID string) string { return newMessageID() + webhookID }
