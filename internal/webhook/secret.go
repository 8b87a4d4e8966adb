package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// The sizes of secrets in bytes: of a new one, and those that the standard
// takes.
const (
	secretSize  = 32
	leastSecret = 24
	mostSecret  = 64
)

var errNoSecret = errors.New("is damaged")

// NewSecret makes a secret: as its receiver is shown it, once, and as it is
// stored for a webhook.
func (s *Service) NewSecret(webhookID string) (shown secret.Text, stored []byte) {
	plain := make([]byte, secretSize)
	_, _ = rand.Read(plain) // never fails: crypto/rand ends the process instead
	return secret.NewText("whsec_" + base64.StdEncoding.EncodeToString(plain)), seal(s.o.Box, webhookID, plain)
}

func sealContext(webhookID string) string { return "webhook secret\x00" + webhookID }

func seal(box *secret.Box, webhookID string, plain []byte) []byte {
	return box.Seal(secret.NewBytes(plain), sealContext(webhookID)).Reveal()
}

func open(box *secret.Box, webhookID string, stored []byte) ([]byte, error) {
	plain, err := box.Open(secret.NewBytes(stored), sealContext(webhookID))
	if n := len(plain.Reveal()); err == nil && (n < leastSecret || n > mostSecret) {
		err = errNoSecret
	}
	if err != nil {
		return nil, fmt.Errorf("the secret of the webhook %s %w", webhookID, err)
	}
	return plain.Reveal(), nil
}

// Reencrypt encrypts every secret with the present key, in the transaction in
// which that is done to the signing keys.
func Reencrypt(ctx context.Context, tx *store.Store, box *secret.Box) error {
	hooks, err := tx.Webhooks(ctx)
	if err != nil {
		return err
	}
	for _, w := range hooks {
		changed := false
		for _, stored := range []*[]byte{&w.Secret, &w.OldSecret} {
			if len(*stored) == 0 || box.Current(secret.NewBytes(*stored)) {
				continue
			}
			plain, err := open(box, w.ID, *stored)
			if err != nil {
				return fmt.Errorf("%w; nothing was changed", err)
			}
			*stored, changed = seal(box, w.ID, plain), true
		}
		if !changed {
			continue
		}
		if err := tx.SetWebhookSecrets(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// signer signs for one webhook.
type signer struct {
	current, old *standardwebhooks.Webhook
	oldUntil     time.Time
}

func newSigner(box *secret.Box, w account.Webhook) (*signer, error) {
	plain, err := open(box, w.ID, w.Secret)
	if err != nil {
		return nil, err
	}
	s := &signer{oldUntil: w.OldUntil}
	if s.current, err = standardwebhooks.NewWebhookRaw(plain); err != nil || len(w.OldSecret) == 0 {
		return s, err
	}
	if plain, err = open(box, w.ID, w.OldSecret); err != nil {
		return nil, err
	}
	s.old, err = standardwebhooks.NewWebhookRaw(plain)
	return s, err
}

// sign returns the header webhook-signature: a signature by each secret that
// is good now, separated by a blank.
func (s *signer) sign(messageID string, now time.Time, body []byte) (string, error) {
	signature, err := s.current.Sign(messageID, now, body)
	if err != nil || s.old == nil || !now.Before(s.oldUntil) {
		return signature, err
	}
	old, err := s.old.Sign(messageID, now, body)
	return signature + " " + old, err
}
