package staff

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Restoration is what [Service.Restored] did.
type Restoration struct {
	At       time.Time
	Sessions int64 // that ended
	Keys     int64 // that were revoked
	Links    int64 // that are worthless now
	Mails    int64 // that were given up
	Told     int64 // deliveries of webhooks that were given up
	NextID   int64 // of the next user

	// Services are those that may ask about tokens: one that was disabled since
	// the backup is among them.
	Services []account.OAuthClient

	// Webhooks are those that are told of acts: one that was turned off since
	// is among them.
	Webhooks []account.Webhook
}

// Restored makes a database that came from a backup fit to be served. What
// was taken back since the backup is good in it again (logged-out tokens,
// revoked keys, used links, trusted devices), and ids that were given since would be given
// again: so every session ends, every key is revoked, every link is worthless, no
// device is trusted, no recovery goes on,
// what waits to be mailed or to be told to webhooks is given up, tokens that Django issued until now
// are refused, and ids, and the places of webhooks, skip over as many as it is told. Keys and the secret
// of device tokens are made anew by the next server that loads them. What it
// does not know of (passwords that were changed since, people who were
// disabled or erased) stays as the backup has it.
//
// It can be done again: then it ends what came since.
func (s *Service) Restored(ctx context.Context, skipIDs int64) (Restoration, error) {
	var r Restoration
	err := s.store.LongTx(ctx, func(ctx context.Context, tx *store.Store) (err error) {
		r, err = s.restored(ctx, tx, skipIDs)
		return err
	})
	return r, err
}

func (s *Service) restored(ctx context.Context, tx *store.Store, skipIDs int64) (r Restoration, err error) {
	r.At = s.now()
	chain, err := tx.EventChain(ctx)
	if err != nil {
		return r, err
	}
	if r.Sessions, err = tx.RevokeAllSessions(ctx, r.At); err != nil {
		return r, err
	}
	if r.Keys, err = tx.RevokeAllKeys(ctx); err != nil {
		return r, err
	}
	if err := s.guard.ForgetSecret(ctx, tx); err != nil {
		return r, err
	}
	if err := tx.DeleteAllTrustedDevices(ctx); err != nil {
		return r, err
	}
	if err := tx.StopAllRecoveries(ctx, r.At); err != nil { // one that was stopped since the backup would go on
		return r, err
	}
	if r.Links, err = tx.InvalidateAllChallenges(ctx, r.At); err != nil {
		return r, err
	}
	if err := tx.InvalidateAllCodes(ctx); err != nil {
		return r, err
	}
	if r.Mails, err = tx.GiveUpMails(ctx, account.MailRestored); err != nil {
		return r, err
	}
	if r.Told, err = tx.GiveUpDeliveries(ctx, account.DeliveryRestored); err != nil {
		return r, err
	}
	if err := tx.SkipWebhookSequences(ctx, skipIDs); err != nil {
		return r, err
	}
	if r.Webhooks, err = tx.Webhooks(ctx); err != nil {
		return r, err
	}
	r.Webhooks = slices.DeleteFunc(r.Webhooks, func(w account.Webhook) bool { return !w.DisabledAt.IsZero() })
	before, err := tx.RestoredAt(ctx)
	if err != nil {
		return r, err
	}
	at := r.At
	if !at.After(before) { // by a clock that was set back: what an earlier restore ended stays ended
		at = before.Add(time.Microsecond)
	}
	if err := tx.SetRestoredAt(ctx, at); err != nil {
		return r, err
	}
	if r.Services, err = tx.OAuthClients(ctx); err != nil {
		return r, err
	}
	r.Services = slices.DeleteFunc(r.Services, func(v account.OAuthClient) bool { return !v.DisabledAt.IsZero() })
	err = s.audit.Record(ctx, tx, s.audit.ByOperator(account.EventDatabaseRestored, account.EventDetails{
		Count: int(r.Sessions), Through: chain.Head.Seq, Hash: hex.EncodeToString(chain.Head.Hash),
	}, r.At))
	if err != nil {
		return r, err
	}
	r.NextID, err = tx.SkipUserIDs(ctx, skipIDs) // last: PostgreSQL does not undo it
	return r, err
}
