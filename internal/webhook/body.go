package webhook

import (
	"encoding/json"

	"github.com/yoozak/clients/internal/account"
)

// body is what a receiver gets. From a stored delivery it is always the same
// bytes, whichever release makes it: a test holds them.
type body struct {
	Type      account.WebhookType `json:"type"`
	Timestamp string              `json:"timestamp"` // of the act
	ID        string              `json:"id"`        // as webhook-id
	Sequence  int64               `json:"sequence,omitempty"`
	Data      data                `json:"data"`
}

type data struct {
	UserID int64    `json:"user_id,omitempty"`
	Fields []string `json:"fields,omitempty"`
}

// newBody returns the bytes of a delivery.
func newBody(d account.Delivery) ([]byte, error) {
	return json.Marshal(body{
		Type: d.Type, Timestamp: d.At.UTC().Format(microseconds), ID: d.MessageID, Sequence: d.Sequence,
		Data: data{UserID: d.UserID, Fields: d.Fields},
	})
}

// microseconds is RFC 3339 with as many digits as are stored.
const microseconds = "2006-01-02T15:04:05.000000" + "Z07:00"
