package webhook_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/webhook"
)

// TestBodyIsTheseBytes: a replay by another release must have the bytes of the
// first attempt.
func TestBodyIsTheseBytes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.FixedZone("", 3600))
	for want, d := range map[string]account.Delivery{
		`{"type":"client.updated","timestamp":"2026-06-05T11:56:56.789000Z","id":"msg_1","sequence":7,"data":{"user_id":5,"fields":["username","first_name"]}}`: {MessageID: "msg_1", Type: account.ClientUpdated, At: at, Sequence: 7, UserID: 5, Fields: []string{"username", "first_name"}},
		`{"type":"session.revoked","timestamp":"2026-06-05T11:56:56.789000Z","id":"msg_1","sequence":9007199254740993,"data":{"user_id":5}}`:                    {MessageID: "msg_1", Type: account.SessionRevoked, At: at, Sequence: 9007199254740993, UserID: 5},
		`{"type":"webhook.test","timestamp":"2026-06-05T11:56:56.000000Z","id":"msg_1","data":{}}`:                                                              {MessageID: "msg_1", Type: account.WebhookTest, At: at.Truncate(time.Second)},
	} {
		got, err := webhook.Body(d)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
	}
}

func secretOf(t *testing.T, shown secret.Text) *standardwebhooks.Webhook {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(shown.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSignaturesAreTheStandards: each secret that is good has one, and what was
// changed has none.
func TestSignaturesAreTheStandards(t *testing.T) {
	t.Parallel()
	box, err := secret.NewBox(secret.NewBytes(bytes.Repeat([]byte{7}, secret.KeySize)), secret.Bytes{})
	if err != nil {
		t.Fatal(err)
	}
	for name, box := range map[string]*secret.Box{"encrypted": box, "in clear": nil} {
		s := webhook.New(nil, nil, webhook.Options{Box: box})
		w := account.Webhook{ID: "w1"}
		now := time.Now()
		oldShown, oldStored := s.NewSecret(w.ID)
		shown, stored := s.NewSecret(w.ID)
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(shown.Reveal(), "whsec_")); err != nil || len(plain) < 24 || len(plain) > 64 || oldShown.Reveal() == shown.Reveal() {
			t.Errorf("%s: a secret of %d bytes, %v", name, len(plain), err)
		}
		w.Secret, w.OldSecret, w.OldUntil = stored, oldStored, now.Add(time.Minute)
		body := []byte(`{"a":"أمينة/é"}`)
		header := func(at time.Time) http.Header {
			signature, err := webhook.Sign(box, w, "msg_1", at, body)
			if err != nil {
				t.Fatal(err)
			}
			return http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}
		}
		both := header(now)
		if n := len(strings.Split(both.Get("Webhook-Signature"), " ")); n != 2 {
			t.Errorf("%s: %d signatures in %q, want 2", name, n, both.Get("Webhook-Signature"))
		}
		for which, v := range map[string]*standardwebhooks.Webhook{"the new secret": secretOf(t, shown), "the old one": secretOf(t, oldShown)} {
			if err := v.Verify(body, both); err != nil {
				t.Errorf("%s: by %s: %v", name, which, err)
			}
			for i := range len(body) * 8 {
				changed := slices.Clone(body)
				changed[i/8] ^= 1 << (i % 8)
				if v.Verify(changed, both) == nil {
					t.Errorf("%s: by %s: the bit %d may be another", name, which, i)
				}
			}
		}
		later := header(now.Add(2 * time.Minute))
		if err := secretOf(t, shown).Verify(body, later); err != nil {
			t.Errorf("%s: by the new secret, later: %v", name, err)
		}
		if secretOf(t, oldShown).Verify(body, later) == nil {
			t.Errorf("%s: the old secret signs after its end", name)
		}
		w.ID = "w2"
		if _, err := webhook.Sign(box, w, "msg_1", now, body); (err != nil) != (box != nil) {
			t.Errorf("%s: the secret of another webhook: %v", name, err)
		}
	}
}

// TestLastAttemptIsWhenThreeDaysAreOver, and the waits before it are spread.
func TestLastAttemptIsWhenThreeDaysAreOver(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	waits := map[time.Duration]bool{}
	for range 100 {
		d, at, n := account.Delivery{FirstAt: first}, first, 0
		for ; at.Sub(first) < webhook.GiveUpAfter; n++ {
			next := webhook.NextAttempt(d, at)
			if n == 0 {
				waits[next.Sub(at)] = true
			}
			if wait := next.Sub(at); wait <= 0 || wait > 18*time.Hour {
				t.Fatalf("attempt %d is %v after the one before", n+2, wait)
			}
			d.Attempts, at = d.Attempts+1, next
		}
		if at.Sub(first) != webhook.GiveUpAfter || n < 12 || n > 20 {
			t.Errorf("%d attempts, the last after %v", n+1, at.Sub(first))
		}
	}
	if len(waits) < 50 {
		t.Errorf("only %d first waits of 100: that is no jitter", len(waits))
	}
}
