package staff

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/webhook"
)

// What an administrator may get wrong about a webhook.
var (
	ErrWebhookURL    = errors.New("a webhook's URL begins with https:// (http:// for a receiver that YOOZAK_WEBHOOK_ALLOW names), has a host, no user and no fragment, no port but 1 to 65535, and 2048 characters at most")
	ErrNoSuchWebhook = errors.New("there is no such webhook")
	ErrWebhookOff    = errors.New("the webhook is off: yoozak webhook enable turns it on")
	ErrWebhookOn     = errors.New("the webhook is on")

	// ErrWebhookChanged says that somebody else changed it at the same moment.
	ErrWebhookChanged = errors.New("the webhook was changed at the same moment: nothing was done")
)

// WebhookState is a webhook with what it has to be told yet.
type WebhookState struct {
	account.Webhook
	store.Backlog
}

// CreateWebhook has a URL told of acts, of some types or (none) of all, and
// returns the webhook and its secret, which is shown to nobody again. Every act
// that is committed after it returned is told.
func (s *Service) CreateWebhook(ctx context.Context, address string, types []account.WebhookType) (account.Webhook, secret.Text, error) {
	if err := checkWebhookURL(address); err != nil {
		return account.Webhook{}, secret.Text{}, err
	}
	for _, t := range types {
		if !slices.Contains(account.WebhookTypes(), t) {
			return account.Webhook{}, secret.Text{}, fmt.Errorf("there is no type %q; there are %v", t, account.WebhookTypes())
		}
	}
	w := account.Webhook{ID: token.NewID()[:12], URL: address, Types: types, CreatedAt: s.now()}
	var shown secret.Text
	shown, w.Secret = s.webhooks.NewSecret(w.ID)
	err := s.awaitingActs(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.CreateWebhook(ctx, w); err != nil {
			return err
		}
		return s.recordWebhook(ctx, tx, account.EventWebhookCreated, w.ID, 0)
	})
	return w, shown, err
}

// checkWebhookURL says nothing of where it leads: that is looked at whenever it
// is dialled.
func checkWebhookURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || wrongPort(u) || len(address) > 2048 ||
		strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return ErrWebhookURL // not quoted: it may hold a password
	}
	return nil
}

// wrongPort reports whether a URL has a port that there cannot be.
func wrongPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() != "" && (err != nil || port == 0)
}

// CheckWebhookURL says why nothing would be sent to a URL, as things are now:
// see [webhook.Service.CheckURL].
func (s *Service) CheckWebhookURL(ctx context.Context, address string) error {
	return s.webhooks.CheckURL(ctx, address)
}

// ShownURL is a webhook's URL as it may be copied into chats and tickets:
// without its query, which may be what opens the receiver.
func ShownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "?"
	}
	if u.RawQuery != "" {
		u.RawQuery = "…"
	}
	return u.String()
}

// awaitingActs runs what makes acts be told, in a transaction for which the
// acts under way are awaited. That gives up after a short while, so that
// nobody waits behind it for long, and is tried again.
func (s *Service) awaitingActs(ctx context.Context, fn func(ctx context.Context, tx *store.Store) error) error {
	const tries = 10
	for try := 1; ; try++ {
		err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			if err := tx.AwaitActs(ctx); err != nil {
				return err
			}
			return fn(ctx, tx)
		})
		if err == nil || !errors.Is(err, account.ErrUnavailable) || try == tries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// Webhooks returns every webhook, the oldest first.
func (s *Service) Webhooks(ctx context.Context) ([]WebhookState, error) {
	hooks, err := s.store.Webhooks(ctx)
	if err != nil {
		return nil, err
	}
	backlogs, err := s.store.Backlogs(ctx)
	all := make([]WebhookState, len(hooks))
	for i, w := range hooks {
		all[i] = WebhookState{w, backlogs[w.ID]}
	}
	return all, err
}

// webhook is the one with an id, or [ErrNoSuchWebhook].
func (s *Service) webhook(ctx context.Context, id string) (account.Webhook, error) {
	w, err := s.store.Webhook(ctx, id)
	return w, asNoSuchWebhook(err)
}

// asNoSuchWebhook says of one that was deleted, before or meanwhile, that there
// is none.
func asNoSuchWebhook(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrGone) {
		return ErrNoSuchWebhook
	}
	return err
}

// asRefusedChange says why a change found nothing to change: the webhook is gone,
// or in a state to which it does not apply.
func (s *Service) asRefusedChange(ctx context.Context, id string, err, otherwise error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return asNoSuchWebhook(err)
	}
	if _, err := s.webhook(ctx, id); err != nil {
		return err
	}
	return otherwise
}

// Webhook returns one with what it has to be told yet, or [ErrNoSuchWebhook].
func (s *Service) Webhook(ctx context.Context, id string) (WebhookState, error) {
	w, err := s.webhook(ctx, id)
	if err != nil {
		return WebhookState{}, err
	}
	backlogs, err := s.store.Backlogs(ctx)
	return WebhookState{w, backlogs[id]}, err
}

// TestWebhook owes a webhook a message about nobody, which is tried once, and
// returns what came of it. It waits for that as long as ctx allows.
func (s *Service) TestWebhook(ctx context.Context, id string) (account.Delivery, error) {
	w, err := s.webhook(ctx, id)
	if err == nil && !w.DisabledAt.IsZero() {
		err = ErrWebhookOff
	}
	if err != nil {
		return account.Delivery{}, err
	}
	d := account.Delivery{WebhookID: w.ID, MessageID: webhook.NewTestID(w.ID), Type: account.WebhookTest, At: s.now()}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		d.Number, err = tx.AddDelivery(ctx, d)
		return err
	})
	if err != nil {
		return d, asNoSuchWebhook(err)
	}
	err = s.until(ctx, func() (bool, error) {
		d, err = s.store.Delivery(ctx, d.Number)
		return d.State == account.DeliveryDelivered || d.State == account.DeliveryGivenUp, err
	})
	return d, asNoSuchWebhook(err)
}

// until asks several times a second whether something is so.
func (s *Service) until(ctx context.Context, is func() (bool, error)) error {
	for {
		if done, err := is(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Deliveries returns the newest deliveries of a webhook.
func (s *Service) Deliveries(ctx context.Context, id string, f store.DeliveryFilter, limit int) ([]account.Delivery, error) {
	if _, err := s.webhook(ctx, id); err != nil {
		return nil, err
	}
	return s.store.Deliveries(ctx, id, f, limit)
}

// ReplayWebhook tells a webhook again what has the places from one to another,
// with the same ids, and says how much that is. What waits there is tried now.
// Deliveries about people who were erased are left out, but for the erasure.
func (s *Service) ReplayWebhook(ctx context.Context, id string, from, to int64) (int64, error) {
	return s.replayWebhook(ctx, id, func(ctx context.Context, tx *store.Store) (int64, error) {
		return tx.ReplayDeliveries(ctx, id, from, to, s.now())
	})
}

// ReplayGivenUp is [Service.ReplayWebhook] for all that was given up.
func (s *Service) ReplayGivenUp(ctx context.Context, id string) (int64, error) {
	return s.replayWebhook(ctx, id, func(ctx context.Context, tx *store.Store) (int64, error) { return tx.ReplayGivenUp(ctx, id) })
}

func (s *Service) replayWebhook(ctx context.Context, id string, replay func(ctx context.Context, tx *store.Store) (int64, error)) (n int64, err error) {
	w, err := s.webhook(ctx, id)
	if err == nil && !w.DisabledAt.IsZero() {
		err = ErrWebhookOff
	}
	if err != nil {
		return 0, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		if n, err = replay(ctx, tx); err != nil {
			return err
		}
		return s.recordWebhook(ctx, tx, account.EventWebhookReplayed, id, int(n))
	})
	return n, err
}

// RotateWebhook gives a webhook another secret, and returns it. The one before
// signs beside it for as long as keep; zero ends it at once. An earlier one that
// still signed ends.
func (s *Service) RotateWebhook(ctx context.Context, id string, keep time.Duration) (shown secret.Text, until time.Time, err error) {
	w, err := s.webhook(ctx, id)
	if err != nil {
		return secret.Text{}, time.Time{}, err
	}
	old := w.Secret
	shown, w.Secret = s.webhooks.NewSecret(id)
	w.OldSecret, w.OldUntil = nil, time.Time{}
	if keep > 0 {
		w.OldSecret, w.OldUntil = old, s.now().Add(keep)
	}
	err = s.changeWebhook(ctx, account.EventWebhookRotated, id, s.store.Tx, func(ctx context.Context, tx *store.Store) error {
		return tx.SetWebhookSecrets(ctx, w)
	})
	return shown, w.OldUntil, s.asRefusedChange(ctx, id, err, ErrWebhookChanged)
}

// DisableWebhook turns a webhook off. What waits stays, and is delivered when it
// is turned on again.
func (s *Service) DisableWebhook(ctx context.Context, id string) error {
	if _, err := s.webhook(ctx, id); err != nil {
		return err
	}
	err := s.changeWebhook(ctx, account.EventWebhookDisabled, id, s.store.Tx, func(ctx context.Context, tx *store.Store) error {
		return tx.DisableWebhook(ctx, id, s.offBy(), s.now())
	})
	return s.asRefusedChange(ctx, id, err, ErrWebhookOff)
}

// Why a webhook is off that somebody turned off.
const (
	OffByCommand = "by a command"
	OffByStaff   = "by the staff"
)

func (s *Service) offBy() string {
	if s.agent != nil {
		return OffByStaff
	}
	return OffByCommand
}

// EnableWebhook turns a webhook on again: what waits is due, and has three days
// again. What was done meanwhile is told nobody; a place that is left out says
// so.
func (s *Service) EnableWebhook(ctx context.Context, id string) error {
	if _, err := s.webhook(ctx, id); err != nil {
		return err
	}
	err := s.changeWebhook(ctx, account.EventWebhookEnabled, id, s.awaitingActs, func(ctx context.Context, tx *store.Store) error {
		if err := tx.EnableWebhook(ctx, id); err != nil {
			return err
		}
		return tx.HastenDeliveries(ctx, id, s.now(), true)
	})
	return s.asRefusedChange(ctx, id, err, ErrWebhookOn)
}

// DeleteWebhook turns a webhook off, if it is on, and forgets it, with what it was
// told and what waits. When it returns, no request to it is under way.
func (s *Service) DeleteWebhook(ctx context.Context, id string) error {
	if err := s.DisableWebhook(ctx, id); err != nil && !errors.Is(err, ErrWebhookOff) {
		return err
	}
	w, err := s.Webhook(ctx, id)
	if err != nil {
		return err
	}
	if err := s.untilHeard(ctx, id, w.Version); err != nil {
		return asNoSuchWebhook(err)
	}
	err = s.store.Sweep(ctx, "delete deliveries of a webhook", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return tx.DeleteDeliveriesOf(ctx, id, most)
	})
	if err != nil {
		return err
	}
	err = s.awaitingActs(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.DeleteWebhook(ctx, id); err != nil {
			return err
		}
		return s.recordWebhook(ctx, tx, account.EventWebhookDeleted, id, w.Count)
	})
	return s.asRefusedChange(ctx, id, err, ErrWebhookOn)
}

// changeWebhook runs a change and returns when no worker goes by what was
// before: so a webhook that was turned off is not dialled any more, and a secret
// that ended signs nothing. A worker hears of it within a second, and ends the
// attempts under way first; one that died has its webhook for as long as
// [webhook.Lease].
func (s *Service) changeWebhook(ctx context.Context, kind account.EventKind, id string,
	within func(context.Context, func(context.Context, *store.Store) error) error, change func(ctx context.Context, tx *store.Store) error) error {
	var version int64
	err := within(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		w, err := tx.Webhook(ctx, id)
		if err != nil {
			return err
		}
		version = w.Version
		return s.recordWebhook(ctx, tx, kind, id, 0)
	})
	if err != nil {
		return err
	}
	return s.untilHeard(ctx, id, version)
}

// untilHeard returns when no worker goes by an earlier version of a webhook.
func (s *Service) untilHeard(ctx context.Context, id string, version int64) error {
	err := s.until(ctx, func() (bool, error) { return s.store.WebhookHeard(ctx, id, version, s.now()) })
	if err != nil {
		err = fmt.Errorf("it was changed, but a server may go by what was before for %v: %w", webhook.Lease, err)
	}
	return err
}

func (s *Service) recordWebhook(ctx context.Context, tx *store.Store, kind account.EventKind, id string, count int) error {
	return s.audit.Record(ctx, tx, s.byOperator(kind, account.EventDetails{Webhook: id, Count: count}, s.now()))
}
