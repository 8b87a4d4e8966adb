package authtest

import (
	"context"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/webhooktest"
)

// Calling lets webhooks be sent to receivers of tests.
func Calling(o *app.Options, _ *token.Options) { o.Webhooks.Allow = webhooktest.Loopback }

// Subscribe has a receiver told of acts.
func (s *Server) Subscribe(t *testing.T, url string, types ...account.WebhookType) (account.Webhook, secret.Text) {
	t.Helper()
	w, plain, err := s.Staff.CreateWebhook(t.Context(), url, types)
	if err != nil {
		t.Fatal(err)
	}
	return w, plain
}

// CallWebhooks delivers to webhooks until the test ends, or until it is stopped.
func (s *Server) CallWebhooks(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Webhooks.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// Deliveries are those of a webhook, the oldest first.
func (s *Server) Deliveries(t *testing.T, webhookID string) []account.Delivery {
	t.Helper()
	newest, err := s.Store.Deliveries(t.Context(), webhookID, store.DeliveryFilter{}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]account.Delivery, 0, len(newest))
	for i := range newest {
		all = append(all, newest[len(newest)-1-i])
	}
	return all
}
