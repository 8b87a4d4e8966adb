package store

import (
	"context"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const webhookColumns = `id, url, types, created_at, disabled_at, disabled_why, secret, old_secret, old_until, sequence, version,
	accepted_at, given_up, given_up_at, given_up_why`

func scanWebhook(scan func(...any) error) (w account.Webhook, err error) {
	var types string
	err = scan(&w.ID, &w.URL, &types, asUTC(&w.CreatedAt), asUTC(&w.DisabledAt), &w.DisabledWhy, &w.Secret, &w.OldSecret, asUTC(&w.OldUntil), &w.Sequence, &w.Version,
		asUTC(&w.AcceptedAt), &w.GivenUp, asUTC(&w.GivenUpAt), &w.GivenUpWhy)
	for _, t := range strings.Fields(types) {
		w.Types = append(w.Types, account.WebhookType(t))
	}
	return w, err
}

// CreateWebhook stores a webhook. In a transaction that called
// [Store.AwaitActs] before, every act that is committed later is told to it.
func (s *Store) CreateWebhook(ctx context.Context, w account.Webhook) error {
	types := make([]string, len(w.Types))
	for i, t := range w.Types {
		types[i] = string(t)
	}
	_, err := s.exec(ctx, "create a webhook", `
		INSERT INTO webhooks (id, url, types, secret, created_at, disabled_why, sequence, version, seen, lease)
		VALUES ($1, $2, $3, $4, $5, '', 0, 1, 0, '')`,
		w.ID, w.URL, strings.Join(types, " "), w.Secret, w.CreatedAt.UTC())
	return err
}

// AwaitActs waits, in the transaction that makes a webhook or turns one on,
// until the acts under way that would not tell it are committed; those that
// come wait for the transaction's end. Where that takes too long it is an
// [account.ErrUnavailable], and nobody waits any more. On SQLite changes come
// one after the other, and there is nothing to wait for.
func (s *Store) AwaitActs(ctx context.Context) error {
	for _, statement := range s.dialect.awaitActs {
		if _, err := s.exec(ctx, "wait for the acts under way", statement); err != nil {
			return err
		}
	}
	return nil
}

// Webhook returns a webhook or [ErrNotFound].
func (s *Store) Webhook(ctx context.Context, id string) (account.Webhook, error) {
	if !plainID(id) {
		return account.Webhook{}, ErrNotFound
	}
	return queryRow(ctx, s, "find a webhook", scanWebhook, `
		SELECT `+webhookColumns+`
		FROM webhooks
		WHERE id = $1`, id)
}

// Webhooks returns every webhook, the oldest first.
func (s *Store) Webhooks(ctx context.Context) ([]account.Webhook, error) {
	return queryAll(ctx, s, "list webhooks", scanWebhook, `
		SELECT `+webhookColumns+`
		FROM webhooks
		ORDER BY created_at, id`)
}

// DisableWebhook turns a webhook off. It returns [ErrNotFound] when there is
// none that is on.
func (s *Store) DisableWebhook(ctx context.Context, id, why string, at time.Time) error {
	return s.execOne(ctx, "disable a webhook", `
		UPDATE webhooks
		SET disabled_at = $1, disabled_why = $2, version = version + 1
		WHERE id = $3 AND disabled_at IS NULL`, at.UTC(), why, id)
}

// DeleteWebhook forgets a webhook that is off, and what was owed to it by acts
// that were under way. In a transaction that called [Store.AwaitActs] before,
// there will be no more. It returns [ErrNotFound] when there is none that is
// off. The other deliveries go before: see [Store.DeleteDeliveriesOf].
func (s *Store) DeleteWebhook(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "delete a webhook", `
		DELETE FROM webhook_deliveries
		WHERE webhook_id = $1 AND state = 'new'`, id)
	if err != nil {
		return err
	}
	return s.execOne(ctx, "delete a webhook", `
		DELETE FROM webhooks
		WHERE id = $1 AND disabled_at IS NOT NULL`, id)
}

// EnableWebhook turns a webhook on again, and leaves a place out, so that its
// receiver sees that acts may be missing. It returns [ErrNotFound] when there
// is none that is off. See [Store.AwaitActs].
func (s *Store) EnableWebhook(ctx context.Context, id string) error {
	return s.execOne(ctx, "enable a webhook", `
		UPDATE webhooks
		SET disabled_at = NULL, disabled_why = '', sequence = sequence + 1, version = version + 1
		WHERE id = $1 AND disabled_at IS NOT NULL`, id)
}

// SetWebhookSecrets replaces what a webhook signs with. It returns [ErrNotFound]
// when it was changed since it was read: of two secrets that are made at once one
// would sign nothing.
func (s *Store) SetWebhookSecrets(ctx context.Context, w account.Webhook) error {
	return s.execOne(ctx, "change the secret of a webhook", `
		UPDATE webhooks
		SET secret = $1, old_secret = $2, old_until = $3, version = version + 1
		WHERE id = $4 AND version = $5`, w.Secret, w.OldSecret, nullTime(w.OldUntil), w.ID, w.Version)
}

// WebhookHeard reports whether no worker goes by an earlier version of a
// webhook than this one: its own has seen it, or it has none.
func (s *Store) WebhookHeard(ctx context.Context, id string, version int64, now time.Time) (bool, error) {
	return queryValue[bool](ctx, s, "ask what a worker knows", `
		SELECT seen >= $1 OR lease = '' OR lease_until <= $2
		FROM webhooks
		WHERE id = $3`, version, now.UTC(), id)
}

// LeaseWebhook gives a webhook that is on to a worker, if no other has it. A
// lease that ends later than any can is one of a clock that was set back.
func (s *Store) LeaseWebhook(ctx context.Context, id, lease string, now, until time.Time) (account.Webhook, error) {
	return queryRow(ctx, s, "lease a webhook", scanWebhook, `
		UPDATE webhooks
		SET lease = $1, lease_until = $2, seen = version
		WHERE id = $3 AND disabled_at IS NULL AND (lease = '' OR lease_until <= $4 OR lease_until > $5)
		RETURNING `+webhookColumns, lease, until.UTC(), id, now.UTC(), until.Add(until.Sub(now)).UTC())
}

// ExtendWebhook makes a lease longer, and notes the version by which its worker
// goes and when the receiver accepted a message, unless that is zero. It returns
// the webhook as it is now, or [ErrNotFound] when the lease is not the worker's
// any more.
func (s *Store) ExtendWebhook(ctx context.Context, id, lease string, until time.Time, seen int64, accepted time.Time) (account.Webhook, error) {
	return queryRow(ctx, s, "extend the lease of a webhook", scanWebhook, `
		UPDATE webhooks
		SET lease_until = $1, seen = $2, accepted_at = COALESCE($3, accepted_at)
		WHERE id = $4 AND lease = $5
		RETURNING `+webhookColumns, until.UTC(), seen, nullTime(accepted), id, lease)
}

// CountGivenUp notes that deliveries of a webhook were given up because they
// were refused for too long, and why the last was.
func (s *Store) CountGivenUp(ctx context.Context, id, lease string, many int, why string, at time.Time) error {
	return s.execOne(ctx, "count deliveries that were given up", `
		UPDATE webhooks
		SET given_up = given_up + $1, given_up_at = $2, given_up_why = $3
		WHERE id = $4 AND lease = $5`, many, at.UTC(), why, id, lease)
}

// ReleaseWebhook ends a worker's lease, if it is its own.
func (s *Store) ReleaseWebhook(ctx context.Context, id, lease string) error {
	_, err := s.exec(ctx, "release a webhook", `
		UPDATE webhooks
		SET lease = '', lease_until = NULL
		WHERE id = $1 AND lease = $2`, id, lease)
	return err
}

// SetWebhookSequence notes the newest place that was given.
func (s *Store) SetWebhookSequence(ctx context.Context, id, lease string, sequence int64) error {
	return s.execOne(ctx, "note the newest place of a webhook", `
		UPDATE webhooks
		SET sequence = $1
		WHERE id = $2 AND lease = $3`, sequence, id, lease)
}

// SkipWebhookSequences leaves places out, of every webhook.
func (s *Store) SkipWebhookSequences(ctx context.Context, many int64) error {
	_, err := s.exec(ctx, "move the places of webhooks on", `
		UPDATE webhooks
		SET sequence = sequence + $1`, many)
	return err
}
