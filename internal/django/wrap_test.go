package django_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func TestWeakHashesAreWrapped(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		hasher := password.NewHasher(password.Options{Params: password.Params{Memory: 64, Time: 1, Threads: 1}})
		t.Cleanup(hasher.Close)
		strong, err := hasher.Hash(t.Context(), "strong")
		if err != nil {
			t.Fatal(err)
		}
		sum := md5.Sum([]byte("saltpassword-of-amina"))
		hashes := map[string]string{
			"amina": "md5$salt$" + hex.EncodeToString(sum[:]), "unsalted": hex.EncodeToString(sum[:]), "strong": strong, "nobody": "!", "broken": "md5$salt$xyz",
		}
		for i := range 50 { // more than one worker has to do
			hashes[fmt.Sprintf("weak%d", i)] = hashes["amina"]
		}
		at := time.Date(2026, 6, 5, 12, 56, 56, 0, time.UTC)
		for name, hash := range hashes {
			u := account.User{Username: name, PasswordHash: hash, Active: true, Language: "fr", JoinedAt: at, PasswordAt: at}
			if err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) }); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []int64{51, 0} {
			if n, err := django.WrapWeak(t.Context(), st, hasher); err != nil || n != want {
				t.Errorf("wrapped %d, %v; want %d", n, err, want)
			}
		}
		for name, hash := range hashes {
			u, err := st.UserByUsername(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			weak := name == "amina" || strings.HasPrefix(name, "weak")
			if weak == (u.PasswordHash == hash) || !u.PasswordAt.Equal(at) {
				t.Errorf("%s: %s became %s", name, hash, u.PasswordHash)
			}
			if !weak {
				continue
			}
			r, err := hasher.Verify(t.Context(), u.PasswordHash, "password-of-amina")
			if err != nil || !r.Match || !r.Outdated {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
			if r, err := hasher.Verify(t.Context(), u.PasswordHash, "password-of-nadia"); err != nil || r.Match {
				t.Errorf("%s: another password: %+v, %v", name, r, err)
			}
		}
	})
}
