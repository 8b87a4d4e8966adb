package browser

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestConsoleByPasskey: an owner whose only factor is a passkey shows it at the
// second step, with Chromium's own authenticator, and nothing breaks the policy
// of the page. Without scripts the page says so, and takes a recovery code.
func TestConsoleByPasskey(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	s := startForPasskeysOn(t, database)
	st := storetest.Open(t, database)
	s.register(t, "fr", "nadia")
	b := openTab(t, tabOptions{language: "fr", width: 360, height: 740, scripts: true, patient: true})
	b.noConditionalUI()
	b.authenticator()
	b.logIn(s, "nadia", firstPassword)
	b.open(s.URL + "/account/passkeys/")
	b.fill("name", "téléphone")
	b.status(b.usePasskey(), http.StatusOK)
	codes := b.recoveryCodes()
	u, err := st.UserByUsername(t.Context(), "nadia")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	err = st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		return tx.SetStaff(ctx, account.StaffMember{UserID: u.ID, Role: account.Owner, GivenAt: now, AcceptedAt: now})
	})
	if err != nil {
		t.Fatal(err)
	}
	toFactor := func(b *tab) {
		t.Helper()
		b.open(s.URL + "/console/login")
		b.fill("username", "nadia")
		b.fill("password", firstPassword)
		b.status(b.enter("password"), http.StatusOK)
	}
	toFactor(b)
	b.says("clé d’accès")
	b.status(b.load(chromedp.Click(chromedp.CSS(`form[data-passkey] button`))), http.StatusOK)
	b.comesTo("fr", "console.overview")
	b.says("Aperçu")

	plain := openTab(t, tabOptions{language: "fr", width: 360, height: 740, patient: true})
	toFactor(plain)
	plain.says("les scripts y sont bloqués")
	plain.status(plain.follow("with=recovery"), http.StatusOK)
	plain.fill("recovery_code", codes[0])
	plain.status(plain.enter("recovery_code"), http.StatusOK)
	plain.says("Aperçu")
}
