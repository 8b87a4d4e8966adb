package auth_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/token"
)

// phoneLifetime is what the API's documents recommend to apps, with rotation.
const phoneLifetime = 60 * 24 * time.Hour

func phone(o *app.Options, to *token.Options) {
	o.Rotation, to.RefreshLifetime = true, phoneLifetime
}

// TestPhoneStaysLoggedIn for as long as somebody opens the app within two
// months, by the settings of docs/tokens.md; and no longer.
func TestPhoneStaysLoggedIn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../../docs/tokens.md", "../../docs/tokens.fr.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"\nYOOZAK_REFRESH_ROTATION=true\n", fmt.Sprintf("\nYOOZAK_REFRESH_LIFETIME=%.0fh ", phoneLifetime.Hours())} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		raw := g.Refresh
		for month := range 24 {
			s.Clock.Advance(phoneLifetime - time.Hour)
			if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil { // what has expired goes, and the session has not
				t.Fatal(err)
			}
			r, err := s.Renew(t, raw)
			if err != nil {
				t.Fatalf("opened for the time number %d: %v", month+1, err)
			}
			if raw = r.Refresh; raw == "" {
				t.Fatal("no new refresh token")
			}
			if _, err := s.Authenticate(t.Context(), r.Access); err != nil {
				t.Fatal(err)
			}
		}
		s.Clock.Advance(phoneLifetime + time.Second)
		if _, err := s.Renew(t, raw); err == nil {
			t.Error("after two months without the app it is still logged in")
		}
	}, phone)
}
