package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestStartTellsOfPasskeysOfAnotherDomain: nobody moves a shop and wants that,
// least of all of the staff, whose role goes with them.
func TestStartTellsOfPasskeysOfAnotherDomain(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	st := storetest.Open(t, url)
	at := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	err := st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		u := account.User{Username: "amina", PasswordHash: "!", JoinedAt: at, PasswordAt: at, Active: true}
		if err := tx.CreateUser(ctx, &u); err != nil {
			return err
		}
		for _, id := range []string{"a", "b"} {
			if err := tx.CreateFactor(ctx, account.Factor{ID: id, UserID: u.ID, Kind: account.Passkey, CreatedAt: at, ConfirmedAt: at}); err != nil {
				return err
			}
			if err := tx.CreateCredential(ctx, account.Credential{FactorID: id, UserID: u.ID, ID: []byte(id), PublicKey: []byte{1}, RPID: "shop.example"}); err != nil {
				return err
			}
		}
		return tx.SetStaff(ctx, account.StaffMember{UserID: u.ID, Role: account.Owner, GivenAt: at, AcceptedAt: at})
	})
	if err != nil {
		t.Fatal(err)
	}
	for rpID, want := range map[string]bool{"shop.example": false, "shop.ma": true} {
		var log bytes.Buffer
		c := config.Config{
			Database: config.Database{URL: secret.NewText(url), Batch: 1}, Schema: config.Schema{Migrate: "check"},
			Tokens:    config.Tokens{Algorithm: "EdDSA", Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: time.Hour},
			Passwords: config.Passwords{Memory: 64, Time: 1, Threads: 1, Argon2: "auto", Wait: time.Second},
			Mail:      config.Mail{From: "Yoozak <no-reply@localhost>", Folder: t.TempDir(), PerAddress: 5},
			Passkeys:  config.Passkeys{RPID: rpID, Origins: []string{"https://" + rpID}},
		}
		a, err := app.Open(t.Context(), c, app.Setup{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		if got := strings.Contains(log.String(), "passkeys=2 domain=shop.example"); got != want {
			t.Errorf("for %s: %s", rpID, log.String())
		}
		if got := strings.Contains(log.String(), "staff=1"); got != want {
			t.Errorf("of the staff, for %s: %s", rpID, log.String())
		}
	}
}
