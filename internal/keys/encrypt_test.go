package keys_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

func TestKeysAreEncryptedAtRest(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		st := storetest.Open(t, url)
		s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		g := s.SignUp(t, "amina")
		if err := s.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, k := range authtest.StoredKeys(t, st) {
			if !secret.Sealed(k.Private) {
				t.Errorf("key %s is in clear", k.ID)
			}
		}
		two := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		if _, err := two.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("on the other server: %v", err)
		}
		if _, err := two.Renew(t, g.Refresh); err != nil {
			t.Errorf("on the other server: %v", err)
		}
		// Nothing that parses as a key of P-256 is anywhere in the file.
		if path, is := strings.CutPrefix(url, "sqlite:"); is {
			marker := []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07} // prime256v1, in DER
			for _, suffix := range []string{"", "-wal"} {
				data, err := os.ReadFile(path + suffix)
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if bytes.Contains(data, marker) {
					t.Errorf("a private key is in clear in the file%s", suffix)
				}
			}
		}
	})
}

func TestKeysInClearAreEncryptedAtStart(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		clear := authtest.New(t, st)
		g := clear.SignUp(t, "amina")
		if secret.Sealed(authtest.StoredKeys(t, st)[0].Private) {
			t.Fatal("encrypted without a key")
		}
		for range 2 { // two servers
			s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
			if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
				t.Error(err)
			}
		}
		for _, k := range authtest.StoredKeys(t, st) {
			if !secret.Sealed(k.Private) {
				t.Errorf("key %s is still in clear", k.ID)
			}
		}
		// The server that has no encryption key yet goes on with what it has,
		// says so, and makes no key.
		if err := clear.Keys.Load(t.Context()); !errors.Is(err, secret.ErrNoKey) {
			t.Errorf("got %v, want ErrNoKey", err)
		}
		if err := clear.Keys.Rotate(t.Context()); !errors.Is(err, secret.ErrNoKey) {
			t.Errorf("rotation: got %v, want ErrNoKey", err)
		}
		if _, err := clear.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("it cannot go on: %v", err)
		}
		if n := len(authtest.StoredKeys(t, st)); n != 2 {
			t.Errorf("%d keys, want 2", n)
		}
	})
}

// TestUnreadableKeysStopTheStart: never are new keys made because old ones
// cannot be read.
func TestUnreadableKeysStopTheStart(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		authtest.New(t, st, authtest.Sealing(t, 1, 0)).SignUp(t, "amina")
		before := authtest.StoredKeys(t, st)
		for name, test := range map[string]struct {
			settings []authtest.Setting
			want     string
		}{
			"no key":     {nil, "is encrypted, and YOOZAK_ENCRYPTION_KEY is not set"},
			"another":    {[]authtest.Setting{authtest.Sealing(t, 2, 0)}, "is encrypted with the key of fingerprint"},
			"two others": {[]authtest.Setting{authtest.Sealing(t, 2, 3)}, "is encrypted with the key of fingerprint"},
			"another algorithm": {[]authtest.Setting{func(_ *app.Options, tk *token.Options) { tk.Algorithm = "EdDSA" }},
				"YOOZAK_ENCRYPTION_KEY is not set"},
		} {
			s := authtest.Unloaded(t, st, append(test.settings, func(o *app.Options, _ *token.Options) { o.KeyRotation = time.Hour })...)
			s.Clock.Advance(2 * time.Hour)
			attempts := map[string]error{
				"load":   s.Keys.Load(t.Context()),
				"rotate": s.Keys.Rotate(t.Context()),
				"due":    s.Keys.RotateDue(t.Context()),
			}
			_, attempts["revoke"] = s.Keys.Revoke(t.Context(), before[0].ID)
			_, attempts["revoke all"] = s.Keys.RevokeAll(t.Context())
			for what, err := range attempts {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
			if _, err := s.Keys.Reencrypt(t.Context()); err == nil {
				t.Errorf("%s: reencrypted", name)
			}
			if diff := cmp.Diff(before, authtest.StoredKeys(t, st)); diff != "" {
				t.Errorf("%s: the keys changed (-before +after):\n%s", name, diff)
			}
		}
	})
}

func TestDamagedAndExchangedKeysAreRefused(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, authtest.Sealing(t, 1, 0), func(o *app.Options, _ *token.Options) { o.KeyRotation = time.Hour })
		if err := s.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		g := s.SignUp(t, "amina")
		var access []store.SigningKey
		for _, k := range authtest.StoredKeys(t, st) {
			if k.TokenType == "access" {
				access = append(access, k)
			}
		}
		replace := func(k store.SigningKey, with secret.Bytes) {
			t.Helper()
			for _, now := range authtest.StoredKeys(t, st) {
				if now.ID == k.ID {
					if err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
						return tx.ReplacePrivateKey(t.Context(), k.ID, now.Private, with)
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		tampered := bytes.Clone(access[0].Private.Reveal())
		tampered[len(tampered)-1] ^= 1
		for name, spoil := range map[string]func(){
			"tampered": func() { replace(access[0], secret.NewBytes(tampered)) },
			"swapped": func() {
				replace(access[0], access[1].Private)
				replace(access[1], access[0].Private)
			},
			"copied": func() { replace(access[0], access[1].Private) },
		} {
			spoil()
			if err := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0)).Keys.Load(t.Context()); !errors.Is(err, secret.ErrDamaged) {
				t.Errorf("%s: got %v, want ErrDamaged", name, err)
			}
			// A server that runs says so and goes on.
			if err := s.Keys.Load(t.Context()); !errors.Is(err, secret.ErrDamaged) {
				t.Errorf("%s, running: got %v, want ErrDamaged", name, err)
			}
			if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
				t.Errorf("%s, running: %v", name, err)
			}
			replace(access[0], access[0].Private)
			replace(access[1], access[1].Private)
			if err := s.Keys.Load(t.Context()); err != nil {
				t.Errorf("%s, mended: %v", name, err)
			}
		}

		// A damaged key is in nobody's way: another is revoked on running
		// servers, and it can be revoked itself.
		replace(access[0], secret.NewBytes(tampered))
		if _, err := s.Keys.Revoke(t.Context(), authtest.SignedBy(t, g.Access)); err != nil {
			t.Errorf("revoke another: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("a token of the revoked key: %v", err)
		}
		if _, err := s.Keys.Revoke(t.Context(), access[0].ID); err != nil {
			t.Errorf("revoke the damaged key: %v", err)
		}
		if err := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0)).Keys.Load(t.Context()); err != nil {
			t.Errorf("start after that: %v", err)
		}
	})
}

// TestJunkAmongTheKeysHidesNoRevocation: whoever can write to the database
// must not keep running servers from hearing of a revocation.
func TestJunkAmongTheKeysHidesNoRevocation(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		g := s.SignUp(t, "amina")
		for i, private := range []string{"junk", "enc1:", "enc1:0000000000000000:junk"} {
			junk := store.SigningKey{
				ID: "junk" + private, Algorithm: "EdDSA", TokenType: "access", Generation: int64(i + 1),
				Private: secret.NewBytes([]byte(private)), CreatedAt: s.Clock.Now(), ActiveAt: s.Clock.Now(),
			}
			if err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateKey(t.Context(), junk) }); err != nil {
				t.Fatal(err)
			}
		}
		before := authtest.StoredKeys(t, st)
		if err := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0)).Keys.Load(t.Context()); err == nil || strings.Contains(err.Error(), "asn1") {
			t.Errorf("start: %v", err)
		}
		if diff := cmp.Diff(before, authtest.StoredKeys(t, st)); diff != "" {
			t.Errorf("the keys changed (-before +after):\n%s", diff)
		}
		if err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.RevokeKey(t.Context(), authtest.SignedBy(t, g.Access))
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Keys.Load(t.Context()); err == nil {
			t.Error("nothing is said")
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("a token of the revoked key: %v", err)
		}
	})
}

func TestEncryptionKeyIsChangedWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		old := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		g := old.SignUp(t, "amina")
		both := authtest.New(t, st, authtest.Sealing(t, 2, 1)) // restarted with both keys
		check := func(when string, servers ...*authtest.Server) {
			t.Helper()
			for i, s := range servers {
				if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
					t.Errorf("%s, server %d: %v", when, i, err)
				}
				if _, err := s.Renew(t, g.Refresh); err != nil {
					t.Errorf("%s, server %d: %v", when, i, err)
				}
			}
		}
		check("before", old, both)
		n, err := both.Keys.Reencrypt(t.Context())
		if err != nil || n != 2 {
			t.Fatalf("%d keys, %v", n, err)
		}
		if err := both.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		var other *secret.OtherKeyError
		if err := old.Keys.Load(t.Context()); !errors.As(err, &other) { // it was forgotten, and goes on
			t.Errorf("got %v, want OtherKeyError", err)
		}
		alone := authtest.New(t, st, authtest.Sealing(t, 2, 0))
		check("after", old, both, alone)
		if n, err := alone.Keys.Reencrypt(t.Context()); err != nil || n != 0 {
			t.Errorf("again: %d keys, %v", n, err)
		}

		// One key that cannot be read: none is changed.
		before := authtest.StoredKeys(t, st)
		damaged := append(bytes.Clone(before[0].Private.Reveal()), 'x')
		if err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.ReplacePrivateKey(t.Context(), before[0].ID, before[0].Private, secret.NewBytes(damaged))
		}); err != nil {
			t.Fatal(err)
		}
		before = authtest.StoredKeys(t, st)
		if _, err := authtest.Unloaded(t, st, authtest.Sealing(t, 3, 2)).Keys.Reencrypt(t.Context()); !errors.Is(err, secret.ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
		if diff := cmp.Diff(before, authtest.StoredKeys(t, st)); diff != "" {
			t.Errorf("the keys changed (-before +after):\n%s", diff)
		}
	})
}

func TestLostEncryptionKeyCostsTheSessionsOnly(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		g := authtest.New(t, st, authtest.Sealing(t, 1, 0)).SignUp(t, "amina")
		admin := authtest.Unloaded(t, st, authtest.Sealing(t, 2, 0))
		if _, err := admin.Keys.RevokeUnreadable(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := authtest.New(t, st, authtest.Sealing(t, 2, 0))
		if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("old refresh token: %v", err)
		}
		again, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t, again.Refresh); err != nil {
			t.Error(err)
		}
	})
}

// TestKeyInClearIsNotTakenAmongEncryptedOnes: whoever can write to the
// database, but does not know what encrypts it, must not be able to sign.
func TestKeyInClearIsNotTakenAmongEncryptedOnes(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		g := s.SignUp(t, "amina")
		attacker := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
		theirs := authtest.StoredKeys(t, attacker.Store)
		for _, k := range theirs {
			k.Generation = 99
			if err := st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateKey(ctx, k) }); err != nil {
				t.Fatal(err)
			}
		}
		refresh, _, err := attacker.Tokens.Issue(token.Refresh, g.User.ID, g.Claims.SessionID, "forged", s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		access, _, err := attacker.Tokens.Issue(token.Access, g.User.ID, g.Claims.SessionID, "forged", s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		before := authtest.StoredKeys(t, st)
		refused := func(when string) {
			t.Helper()
			s.Clock.Advance(2 * time.Second)
			if _, err := s.Authenticate(t.Context(), access); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: forged access token: %v", when, err)
			}
			if _, err := s.Renew(t, refresh); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: forged refresh token: %v", when, err)
			}
			if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
				t.Errorf("%s: a good token: %v", when, err)
			}
		}
		refused("asked because of the token")
		for range 2 {
			if err := s.Keys.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "is in clear") {
				t.Errorf("running: got %v", err)
			}
			refused("loaded again")
		}
		for name, do := range map[string]func(s *authtest.Server) error{
			"start":     func(s *authtest.Server) error { return s.Keys.Load(t.Context()) },
			"reencrypt": func(s *authtest.Server) error { _, err := s.Keys.Reencrypt(t.Context()); return err },
		} {
			err := do(authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0)))
			if err == nil || !strings.Contains(err.Error(), "is in clear") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want one line about a key in clear", name, err)
			}
		}
		if diff := cmp.Diff(before, authtest.StoredKeys(t, st)); diff != "" {
			t.Errorf("the keys changed (-before +after):\n%s", diff)
		}

		// The way out: revoke them.
		admin := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0))
		for _, k := range theirs {
			if _, err := admin.Keys.Revoke(t.Context(), k.ID); err != nil {
				t.Errorf("revoke: %v", err)
			}
		}
		again := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		if _, err := again.Authenticate(t.Context(), access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("after the revocation: %v", err)
		}
		if _, err := again.SignIn(t, "amina", authtest.Good); err != nil {
			t.Errorf("log in after the revocation: %v", err)
		}
	})
}

// TestRunningServerBelievesNoKeyInClear: not even where all are.
func TestRunningServerBelievesNoKeyInClear(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
		g := s.SignUp(t, "amina")
		attacker := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
		for _, k := range authtest.StoredKeys(t, st) {
			for _, clear := range authtest.StoredKeys(t, attacker.Store) {
				if clear.TokenType != k.TokenType {
					continue
				}
				err := st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
					return tx.ReplacePrivateKey(ctx, k.ID, k.Private, clear.Private)
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Keys.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "is in clear") {
			t.Errorf("got %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("with the keys that it has: %v", err)
		}
		if err := s.Keys.Rotate(t.Context()); err == nil {
			t.Error("it rotates, and says nothing")
		}
		for _, k := range authtest.StoredKeys(t, st) {
			if k.Generation == 1 && secret.Sealed(k.Private) {
				t.Errorf("the key %s was encrypted for whoever wrote it", k.ID)
			}
		}
	})
}

// TestKeysInClearAreNotBelievedWhereOthersWereDeleted: whoever can write to
// the database deletes the encrypted keys, puts theirs in their place, and
// waits for a restart.
func TestKeysInClearAreNotBelievedWhereOthersWereDeleted(t *testing.T) {
	t.Parallel()
	const dropNote = `DELETE FROM secrets WHERE name = 'keys are encrypted'`
	for name, test := range map[string]struct {
		app        bool     // somebody has an app with codes
		before     []string // done while the server runs
		loads      bool     // it reads the keys once more before the restart
		alsoDelete []string
	}{
		"keys alone":                    {},
		"and all secrets, with an app":  {app: true, alsoDelete: []string{`DELETE FROM secrets`}},
		"the note, on a running server": {before: []string{dropNote}, loads: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachURL(t, func(t *testing.T, url string) {
				st, db := storetest.Open(t, url), authtest.OpenSQL(t, url)
				s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
				g := s.SignUp(t, "amina")
				if test.app {
					s.Enrols(t, s.CallerOf(t, g))
				}
				for _, statement := range test.before {
					authtest.Execute(t, db, statement)
				}
				attacker := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
				authtest.Execute(t, db, `DELETE FROM signing_keys`)
				for _, k := range authtest.StoredKeys(t, attacker.Store) {
					if err := st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateKey(ctx, k) }); err != nil {
						t.Fatal(err)
					}
				}
				if test.loads {
					if err := s.Keys.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "is in clear") {
						t.Errorf("running: got %v, want an error about a key in clear", err)
					}
				}
				for _, statement := range test.alsoDelete {
					authtest.Execute(t, db, statement)
				}
				forged, _, err := attacker.Tokens.Issue(token.Access, g.User.ID, g.Claims.SessionID, "forged", s.Clock.Now())
				if err != nil {
					t.Fatal(err)
				}
				before := authtest.StoredKeys(t, st)
				restarted := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0))
				if err := restarted.Keys.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "is in clear") {
					t.Errorf("start: got %v, want an error about a key in clear", err)
				}
				if _, err := restarted.Authenticate(t.Context(), forged); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("forged access token: got %v, want ErrTokenInvalid", err)
				}
				if _, err := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0)).Keys.Reencrypt(t.Context()); err == nil {
					t.Error("reencrypt takes the keys")
				}
				if diff := cmp.Diff(before, authtest.StoredKeys(t, st)); diff != "" {
					t.Errorf("the keys changed (-before +after):\n%s", diff)
				}

				// The way out: all keys are revoked, and the server makes others.
				if _, err := authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0)).Keys.RevokeAll(t.Context()); err != nil {
					t.Fatal(err)
				}
				again := authtest.New(t, st, authtest.Sealing(t, 1, 0))
				if _, err := again.Authenticate(t.Context(), forged); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("forged access token after the revocation: got %v, want ErrTokenInvalid", err)
				}
			})
		})
	}
}

// TestKeysOfAnEarlierReleaseAreNotedAtTheStart: that encrypted them without a
// note of it.
func TestKeysOfAnEarlierReleaseAreNotedAtTheStart(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		st, db := storetest.Open(t, url), authtest.OpenSQL(t, url)
		authtest.New(t, st, authtest.Sealing(t, 1, 0))
		authtest.Execute(t, db, `DELETE FROM secrets`)
		authtest.New(t, st, authtest.Sealing(t, 1, 0))
		if noted, err := st.NotedEncrypted(t.Context()); err != nil || !noted {
			t.Errorf("noted: %t, %v", noted, err)
		}
	})
}

// TestEncryptionCanBeTakenUpAgain: who lost the encryption key and went on
// without one has keys in clear that are theirs.
func TestEncryptionCanBeTakenUpAgain(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		authtest.New(t, st, authtest.Sealing(t, 1, 0)).SignUp(t, "amina")
		if _, err := authtest.Unloaded(t, st).Keys.RevokeUnreadable(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := authtest.New(t, st)                                                                // without encryption
		if all := authtest.StoredKeys(t, st); len(all) != 4 || !secret.Sealed(all[2].Private) { // the encrypted ones are still listed
			t.Fatalf("%+v", all)
		}
		g, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		again := authtest.New(t, st, authtest.Sealing(t, 2, 0), authtest.SameClock(s))
		if _, err := again.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("with another encryption key: %v", err)
		}
		for _, k := range authtest.StoredKeys(t, st) {
			if !secret.Sealed(k.Private) {
				t.Errorf("key %s is in clear", k.ID)
			}
		}
	})
}

func TestKeysInClearAreEncryptedByCommand(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(t *testing.T, s *authtest.Server) error{
		"rotate":    func(t *testing.T, s *authtest.Server) error { return s.Keys.Rotate(t.Context()) },
		"reencrypt": func(t *testing.T, s *authtest.Server) error { _, err := s.Keys.Reencrypt(t.Context()); return err },
		"revoke one": func(t *testing.T, s *authtest.Server) error {
			_, err := s.Keys.Revoke(t.Context(), authtest.StoredKeys(t, s.Store)[0].ID)
			return err
		},
		"revoke all": func(t *testing.T, s *authtest.Server) error { _, err := s.Keys.RevokeAll(t.Context()); return err },
		"ours among encrypted ones": func(t *testing.T, s *authtest.Server) error {
			k := authtest.StoredKeys(t, s.Store)[0]
			box, err := secret.NewBox(authtest.EncryptionKey(1), secret.Bytes{})
			if err != nil {
				return err
			}
			sealed := box.Seal(k.Private, strings.Join([]string{"signing key", k.ID, k.Algorithm, k.TokenType}, "\x00"))
			err = s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				return tx.ReplacePrivateKey(ctx, k.ID, k.Private, sealed)
			})
			if err != nil {
				return err
			}
			_, err = s.Keys.EncryptClear(t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
				authtest.New(t, st).SignUp(t, "amina")
				if err := do(t, authtest.Unloaded(t, st, authtest.Sealing(t, 1, 0))); err != nil {
					t.Fatal(err)
				}
				for _, k := range authtest.StoredKeys(t, st) {
					if !secret.Sealed(k.Private) {
						t.Errorf("key %s is in clear", k.ID)
					}
				}
				s := authtest.New(t, st, authtest.Sealing(t, 1, 0))
				if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
					t.Errorf("log in after that: %v", err)
				}
			})
		})
	}
}
