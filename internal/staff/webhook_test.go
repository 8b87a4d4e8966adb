package staff_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/staff"
)

// TestSecretsThatAreMadeAtOnceSign: each that somebody is shown does, or they are
// told that nothing was done.
func TestSecretsThatAreMadeAtOnceSign(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for range 5 {
			w, _ := s.Subscribe(t, "https://example.com/hooks")
			var mu sync.Mutex
			var shown []string
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					secret, _, err := s.Staff.RotateWebhook(t.Context(), w.ID, staff.MaxIdle)
					if errors.Is(err, staff.ErrWebhookChanged) {
						return
					}
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					shown = append(shown, secret.Reveal())
				})
			}
			all.Wait()
			now, err := s.Store.Webhook(t.Context(), w.ID)
			if err != nil || len(shown) == 0 {
				t.Fatalf("%v; %d secrets", err, len(shown))
			}
			sign := base64.StdEncoding.EncodeToString(now.Secret) + " " + base64.StdEncoding.EncodeToString(now.OldSecret)
			for _, secret := range shown {
				if !strings.Contains(sign, strings.TrimPrefix(secret, "whsec_")) {
					t.Errorf("of %d secrets that were shown one signs nothing", len(shown))
				}
			}
		}
	})
}

// TestDeletedWebhookIsNotThere, whatever somebody else was doing to it.
func TestDeletedWebhookIsNotThere(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		w, _ := s.Subscribe(t, "https://example.com/hooks")
		tested := make(chan error, 1)
		go func() {
			_, err := s.Staff.TestWebhook(t.Context(), w.ID)
			tested <- err
		}()
		for len(s.Deliveries(t, w.ID)) == 0 { //nolint:revive // until it is owed
		}
		if err := s.Staff.DeleteWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		if err := <-tested; !errors.Is(err, staff.ErrNoSuchWebhook) {
			t.Errorf("a test: %v", err)
		}
		for range 5 {
			w, _ := s.Subscribe(t, "https://example.com/hooks")
			var all sync.WaitGroup
			for name, act := range map[string]func(ctx context.Context) error{
				"delete": func(ctx context.Context) error { return s.Staff.DeleteWebhook(ctx, w.ID) },
				"rotate": func(ctx context.Context) error {
					_, _, err := s.Staff.RotateWebhook(ctx, w.ID, 0)
					return err
				},
				"disable": func(ctx context.Context) error { return s.Staff.DisableWebhook(ctx, w.ID) },
				"enable":  func(ctx context.Context) error { return s.Staff.EnableWebhook(ctx, w.ID) },
				"replay": func(ctx context.Context) error {
					_, err := s.Staff.ReplayGivenUp(ctx, w.ID)
					return err
				},
			} {
				all.Go(func() {
					err := act(t.Context())
					for _, known := range []error{nil, staff.ErrNoSuchWebhook, staff.ErrWebhookOff, staff.ErrWebhookOn, staff.ErrWebhookChanged, account.ErrUnavailable} {
						if errors.Is(err, known) {
							return
						}
					}
					t.Errorf("%s: %v", name, err)
				})
			}
			all.Wait()
		}
	})
}
