package guard_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// storedSecret is the secret of device tokens as the database has it.
func storedSecret(t *testing.T, st *store.Store) []byte {
	t.Helper()
	value, err := st.Secret(t.Context(), "guard")
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func writeSecret(t *testing.T, st *store.Store, value []byte, s *authtest.Server) {
	t.Helper()
	err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
		return tx.SetSecret(t.Context(), "guard", value, s.Clock.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecretOfDeviceTokensIsEncryptedAtRest(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
		device := s.OnDevice(t, "amina")
		if value := storedSecret(t, st); !secret.Sealed(secret.NewBytes(value)) {
			t.Errorf("stored in clear, %d bytes", len(value))
		}
		other := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
		other.Clock.Set(s.Clock.Now())
		if !other.Knows(t, "amina", device) {
			t.Error("the other server does not know the device")
		}
	})
}

func TestSecretThatWasStoredInClearIsEncryptedAtStart(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		before := authtest.New(t, st, authtest.Limited)
		device := before.OnDevice(t, "amina")
		plain := storedSecret(t, st)
		if len(plain) != 32 {
			t.Fatalf("without a key: %d bytes", len(plain))
		}
		s := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
		if err := s.Guard.LoadSecret(t.Context()); err != nil {
			t.Fatal(err)
		}
		if value := storedSecret(t, st); !secret.Sealed(secret.NewBytes(value)) || bytes.Contains(value, plain) {
			t.Errorf("%d bytes, want them encrypted", len(value))
		}
		if !s.Knows(t, "amina", device) {
			t.Error("the device is not known any more")
		}

		// Once it is encrypted, nobody gives this server another in clear.
		writeSecret(t, st, bytes.Repeat([]byte{7}, 32), s)
		if err := s.Guard.LoadSecret(t.Context()); err == nil || !strings.Contains(err.Error(), "it is not taken") {
			t.Errorf("a secret in clear: %v", err)
		}
		s.Clock.Advance(48 * time.Hour)
		if !s.Knows(t, "amina", device) {
			t.Error("the running server took it")
		}
	})
}

// TestSecretInClearIsNotTakenAfterARestart: whoever can write to the database
// would know the codes that are mailed.
func TestSecretInClearIsNotTakenAfterARestart(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		for _, name := range []string{"guard", "codes"} {
			s := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
			if err := s.Guard.LoadSecret(t.Context()); err != nil {
				t.Fatal(err)
			}
			theirs := bytes.Repeat([]byte{7}, 32)
			authtest.Write(t, st, func(ctx context.Context, tx *store.Store) error {
				return tx.SetSecret(ctx, name, theirs, s.Clock.Now())
			})
			restarted := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
			if err := restarted.Guard.LoadSecret(t.Context()); err == nil || !strings.Contains(err.Error(), "it is not taken") {
				t.Errorf("%s: start: got %v, want a refusal", name, err)
			}
			if _, err := restarted.Keys.Reencrypt(t.Context()); err == nil {
				t.Errorf("%s: reencrypt takes it", name)
			}
			if value, err := st.Secret(t.Context(), name); err != nil || !bytes.Equal(value, theirs) {
				t.Errorf("%s: it was changed, %v", name, err)
			}
			if err := restarted.Guard.RotateSecret(t.Context()); err != nil { // the way out
				t.Fatal(err)
			}
			if err := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0)).Guard.LoadSecret(t.Context()); err != nil {
				t.Errorf("%s: after the rotation: %v", name, err)
			}
		}
	})
}

func TestSecretThatCannotBeReadIsLeftAlone(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	s := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
	s.OnDevice(t, "amina")
	value := storedSecret(t, st)
	for name, other := range map[string]*authtest.Server{"no key": authtest.Unloaded(t, st, authtest.Limited), "another key": authtest.Unloaded(t, st, authtest.Limited, authtest.Sealing(t, 2, 0))} {
		for what, err := range map[string]error{
			"load": other.Guard.LoadSecret(t.Context()), "rotate": other.Guard.RotateSecret(t.Context()),
			"unlock": other.Staff.Unlock(t.Context(), other.IDOf(t, "amina"), ""),
		} {
			if err == nil || !strings.Contains(err.Error(), "the secret of device tokens is encrypted") || !strings.Contains(err.Error(), "docs/keys.md") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	if !bytes.Equal(value, storedSecret(t, st)) {
		t.Error("it was changed")
	}
	damaged := bytes.Clone(value)
	damaged[len(damaged)-1] ^= 1
	for _, junk := range [][]byte{damaged, {}, {1, 2, 3}} {
		writeSecret(t, st, junk, s)
		fresh := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
		if err := fresh.Guard.LoadSecret(t.Context()); err == nil {
			t.Errorf("%x was taken", junk)
		}
		if err := fresh.Guard.RotateSecret(t.Context()); err != nil {
			t.Errorf("in place of %x: %v", junk, err)
		}
		if err := fresh.Guard.LoadSecret(t.Context()); err != nil {
			t.Errorf("after a rotation: %v", err)
		}
	}
}

func TestRotatedSecretForgetsDevicesOnAllServers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s, other := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0)), authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
		other.Clock.Set(s.Clock.Now())
		device := s.OnDevice(t, "amina")
		if err := other.Guard.LoadSecret(t.Context()); err != nil {
			t.Fatal(err)
		}
		command := authtest.New(t, st, authtest.Sealing(t, 1, 0), authtest.ByStaff)
		if err := command.Guard.RotateSecret(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, server := range map[string]*authtest.Server{"one": s, "other": other} {
			if err := server.Guard.LoadSecret(t.Context()); err != nil { // as a job does every few seconds
				t.Fatal(err)
			}
			if server.Knows(t, "amina", device) {
				t.Errorf("server %s still knows the device", name)
			}
		}
		s.Clock.Advance(48 * time.Hour)
		g, err := s.Try(t, "amina", authtest.Good, device)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Knows(t, "amina", g.Device) {
			t.Error("a device is not known after the next login on it")
		}
		events, err := s.Staff.Events(t.Context(), 0, account.EventKeyRotated, 0, 10)
		if err != nil || len(events) != 1 || !strings.Contains(events[0].Details, `"key":"devices"`) || !strings.Contains(events[0].Details, "nadia") {
			t.Errorf("events %+v, %v; want one", events, err)
		}
	})
}

func TestSecretGoesWithTheKeys(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 1, 0))
		device := s.OnDevice(t, "amina")
		changed := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 2, 1))
		if _, err := changed.Keys.Reencrypt(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := authtest.New(t, st, authtest.Limited, authtest.Sealing(t, 2, 0))
		second.Clock.Set(s.Clock.Now())
		if !second.Knows(t, "amina", device) {
			t.Error("with the new encryption key alone the device is not known")
		}
		lost := authtest.Unloaded(t, st, authtest.Limited, authtest.Sealing(t, 3, 0))
		if _, err := lost.Keys.RevokeUnreadable(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := lost.Guard.LoadSecret(t.Context()); err != nil {
			t.Errorf("after the encryption key was lost: %v", err)
		}
	})
}
