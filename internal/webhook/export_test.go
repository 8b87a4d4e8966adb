package webhook

import (
	"context"
	"net/netip"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
)

// MessagesOf are what an act tells.
func MessagesOf(kind account.EventKind) (types []account.WebhookType) {
	for _, m := range messages[kind] {
		types = append(types, m.Type)
	}
	return types
}

// CheckAddress asks the policy of an address.
func CheckAddress(allow []netip.Prefix, plain bool, addr netip.Addr) error {
	return policy{allow, plain}.check(addr)
}

// Attempt makes one attempt, and returns the status and the failure.
func Attempt(ctx context.Context, o Options, url string) (int, string) {
	sign, err := newSigner(nil, account.Webhook{ID: "w", Secret: make([]byte, secretSize)})
	if err != nil {
		panic(err)
	}
	a := newSender(o).send(ctx, url, sign, account.Delivery{MessageID: "msg_1", Type: account.WebhookTest}, time.Now())
	return a.status, a.failure
}

// Body is what a receiver gets.
func Body(d account.Delivery) ([]byte, error) { return newBody(d) }

// Sign is the header of a webhook for a message.
func Sign(box *secret.Box, w account.Webhook, id string, now time.Time, body []byte) (string, error) {
	s, err := newSigner(box, w)
	if err != nil {
		return "", err
	}
	return s.sign(id, now, body)
}

// Accepts reports whether a receiver lives.
func Accepts(w account.Webhook, now time.Time) bool { return accepts(w, now) }

// NextAttempt is when a delivery that failed is tried again.
func NextAttempt(d account.Delivery, at time.Time) time.Time { return nextAttempt(d, at) }

const (
	GiveUpAfter = giveUpAfter
	DeadAfter   = deadAfter
	MostAtOnce  = mostAtOnce
)
