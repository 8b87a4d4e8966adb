package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestSystemIsForReading: a manager and an owner see how the server stands; of a
// secret there is whether it is set, and nobody looks more often than is useful.
func TestSystemIsForReading(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		looks := 0
		s.system = console.System{
			Version: "v1.2.3", Database: "SQLite", Migrations: st.Migrations,
			Settings: []console.Setting{
				{Name: "YOOZAK_LISTEN", Value: "127.0.0.1:8000", Group: "Server"}, {Name: "YOOZAK_SMTP_URL", Group: "Mail", Secret: true, Set: true},
				{Name: "YOOZAK_JWT_SECRET", Group: "Tokens", Secret: true}, {Name: "YOOZAK_NEW", Value: "1", Group: "Novelties"},
			},
			Look: func(context.Context) []console.Finding {
				looks++
				return []console.Finding{
					{Check: "schema", Level: "good", Key: "console.doctor.schema.good"},
					{Check: "keys", Level: "good", Key: "console.doctor.keys.new"},
					{Check: "keys", Level: "note", Key: "console.doctor.keys.clear", Args: map[string]any{"setting": "YOOZAK_ENCRYPTION_KEY", "document": "docs/keys.md"}},
					{Check: "mail", Level: "bad", Key: "console.doctor.mail.late", Args: map[string]any{"n": 1300, "since": time.Date(2026, 11, 24, 13, 32, 0, 0, time.UTC), "why": "552\n<full>", "command": "yoozak doctor --mail ADDRESS"}},
				}
			},
		}
		s.serve(t)
		agent, _ := s.works(t, "salma", account.Support)
		if a := agent.open(t, "/console/system"); a.status != http.StatusForbidden {
			t.Errorf("an agent: %d", a.status)
		}
		for name, role := range map[string]account.Role{"karim": account.Manager, "nadia": account.Owner} {
			b, _ := s.works(t, name, role)
			a := b.open(t, "/console/system")
			for _, want := range []string{"v1.2.3", "à jour", "1 chose ne va pas", "1 300 e-mails", "le plus ancien depuis le 24 nov. 2026, 14:32 : 552 <full>", "yoozak doctor --mail ADDRESS essaie les réglages", "Clés de signature", "Chiffrement des secrets", "YOOZAK_LISTEN", "défini, non montré", "non défini", "Africa/Casablanca"} {
				if !strings.Contains(a.text(), want) && !strings.Contains(a.body, want) {
					t.Errorf("%s: the page does not say %q:\n%s", role, want, a.text())
				}
			}
			for _, want := range []string{"<summary>Serveur</summary>", "<summary>E-mails</summary>", `<summary lang="en">Novelties</summary>`} {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s: the settings have no group %s", role, want)
				}
			}
			if strings.Index(a.body, "1\u202f300 e-mails") > strings.Index(a.body, "Les tables sont celles") {
				t.Error("the worst is not first")
			}
			if a := b.send(t, "/console/system"); a.status != http.StatusMethodNotAllowed {
				t.Errorf("%s changes something: %d", role, a.status)
			}
			b.open(t, "/console/system")
		}
		if looks > 2 {
			t.Errorf("%d looks in a few minutes of pages", looks)
		}
	})
}

// TestWhoLeavesBreaksNothing: what a health check could not see because whoever
// asked for it left is told to nobody else.
func TestWhoLeavesBreaksNothing(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	begins, ends, looks := make(chan bool), make(chan bool), 0
	s.system.Look = func(ctx context.Context) []console.Finding {
		if looks++; looks > 1 {
			return []console.Finding{{Check: "write", Level: "good", Key: "console.doctor.write.good"}}
		}
		begins <- true
		<-ctx.Done()
		defer close(ends)
		return []console.Finding{{Check: "write", Level: "bad", Key: "console.doctor.write.refused", Args: map[string]any{"error": ctx.Err().Error()}}}
	}
	s.serve(t)
	b, _ := s.works(t, "karim", account.Manager)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/console/system", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	go func() {
		<-begins
		leave()
	}()
	if res, err := b.client.Do(req); err == nil {
		_ = res.Body.Close()
		t.Fatalf("nobody left: %d", res.StatusCode)
	}
	<-ends
	if a := b.open(t, "/console/system"); strings.Contains(a.text(), "context canceled") || !strings.Contains(a.text(), "Tout va bien") {
		t.Errorf("the next one is told what nobody saw:\n%s", a.text())
	}
}
