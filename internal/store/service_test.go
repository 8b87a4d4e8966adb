package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func TestServiceComesBackAsStored(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		v := account.OAuthClient{
			ID: "s1", Name: "orders", SecretHash: "h", Audience: "shop",
			Scopes: []account.Scope{account.ScopeRevoke, account.ScopeIntrospect}, CreatedAt: noon,
		}
		create := func(v account.OAuthClient) error {
			return s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.CreateOAuthClient(t.Context(), v) })
		}
		disable := func(idOrName string) error {
			return s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.DisableOAuthClient(t.Context(), idOrName, noon.Add(time.Hour))
			})
		}
		if err := create(v); err != nil {
			t.Fatal(err)
		}
		want := v
		want.CreatedAt = noon.UTC()
		got, err := s.OAuthClient(t.Context(), "s1")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if _, err := s.OAuthClient(t.Context(), "orders"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by name: got %v, want ErrNotFound", err)
		}
		again := v
		again.ID = "s2"
		if err := create(again); !errors.Is(err, store.ErrTaken) {
			t.Errorf("second of the name: got %v, want ErrTaken", err)
		}
		again.Name, again.Scopes = "a", nil
		if err := create(again); err != nil {
			t.Fatal(err)
		}
		for idOrName, want := range map[string]error{"orders": nil, "s2": nil, "nope": store.ErrNotFound, "": store.ErrNotFound} {
			if err := disable(idOrName); !errors.Is(err, want) {
				t.Errorf("disable %q: got %v, want %v", idOrName, err, want)
			}
		}
		if err := disable("s1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("disable a second time: %v", err)
		}
		all, err := s.OAuthClients(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != "s2" || all[0].Scopes != nil || !all[1].DisabledAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
