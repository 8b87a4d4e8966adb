package totp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/totp"
)

var rfcSecret = []byte("12345678901234567890")

// TestVectorsOfTheRFC are those of RFC 6238, appendix B, for SHA-1, cut to the
// six digits that we use.
func TestVectorsOfTheRFC(t *testing.T) {
	t.Parallel()
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totp.Code(rfcSecret, totp.StepAt(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestOneStepEitherWay(t *testing.T) {
	t.Parallel()
	boundary := time.Unix(1111111110, 0) // a step begins
	for _, now := range []time.Time{boundary.Add(-100 * time.Millisecond), boundary.Add(100 * time.Millisecond)} {
		here := totp.StepAt(now)
		for off := int64(-3); off <= 3; off++ {
			step, ok := totp.Match(rfcSecret, totp.Code(rfcSecret, here+off), now)
			if want := off >= -1 && off <= 1; ok != want || ok && step != here+off {
				t.Errorf("%v, %+d steps: step %d, %v; want %v", now, off, step, ok, want)
			}
		}
	}
}

func TestDriftIsTold(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	here := totp.StepAt(now)
	if off, found := totp.Drift(rfcSecret, totp.Code(rfcSecret, here-3), now); !found || off != -90*time.Second {
		t.Errorf("three steps behind: %v, %v", off, found)
	}
	if _, found := totp.Drift(rfcSecret, totp.Code(rfcSecret, here+21), now); found {
		t.Error("21 steps ahead: found")
	}
	if _, found := totp.Drift(rfcSecret, "", now); found {
		t.Error("no code: found")
	}
}

// TestURIsAreReadAlike reads each URI as apps do and compares: one colon
// between issuer and account, blanks as %20, no padding.
func TestURIsAreReadAlike(t *testing.T) {
	t.Parallel()
	secret := totp.NewSecret()
	for _, test := range []struct{ issuer, name, wantIssuer, wantName string }{
		{"Yoozak", "amina", "Yoozak", "amina"},
		{"Épicerie: Chez Amina & Fils + 100 %", "a:b@x.example", "Épicerie  Chez Amina & Fils +…", "a b@x.example"},
		{"متجر يوزاك", "أمينة بنت علي", "متجر يوزاك", "أمينة بنت علي"},
		{"a/b?c#d", "x y", "a/b?c#d", "x y"},
		{"Shop", strings.Repeat("é", 150), "Shop", strings.Repeat("é", 59) + "…"},
		{" : ", "a", "", "a"},
		{"a\xffb", "\u202eevil", "ab", "\u202eevil"},
	} {
		raw := totp.URI(secret, test.issuer, test.name)
		u, err := url.Parse(raw)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
			continue
		}
		issuer, name, found := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":")
		if u.Scheme != "otpauth" || u.Host != "totp" || !found || issuer != test.wantIssuer || name != test.wantName || u.Query().Get("issuer") != issuer {
			t.Errorf("%q: issuer %q, account %q; want %q, %q", raw, issuer, name, test.wantIssuer, test.wantName)
		}
		if strings.ContainsAny(raw, "+ ") || strings.Count(u.Path, ":") != 1 || u.Query().Get("secret") != totp.Text(secret) || len(totp.Text(secret)) != 32 {
			t.Errorf("%q", raw)
		}
	}
}

func TestSecretsAreRandom(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		s := totp.NewSecret()
		if len(s) != totp.SecretSize || seen[string(s)] {
			t.Fatalf("%d bytes, seen before: %v", len(s), seen[string(s)])
		}
		seen[string(s)] = true
	}
}
