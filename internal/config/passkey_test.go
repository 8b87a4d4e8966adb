package config_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/config"
)

// fingerprintOf is what keytool prints of a certificate, and what Android makes
// of it.
func fingerprintOf(certificate string) (text, origin string) {
	sum := sha256.Sum256([]byte(certificate))
	for i, b := range sum {
		if i > 0 {
			text += ":"
		}
		text += fmt.Sprintf("%02X", b)
	}
	return text, "android:apk-key-hash:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestForWhomPasskeysAre(t *testing.T) {
	t.Parallel()
	upload, uploadOrigin := fingerprintOf("upload")
	store, storeOrigin := fingerprintOf("store")
	for name, test := range map[string]struct {
		given   settings
		rpID    string
		origins []string
	}{
		"nothing set":           {settings{}, "localhost", []string{"http://localhost:8000"}},
		"on all addresses":      {settings{"YOOZAK_LISTEN": "0.0.0.0:8000"}, "", nil},
		"a public URL":          {settings{"YOOZAK_PUBLIC_URL": "https://accounts.shop.example"}, "accounts.shop.example", []string{"https://accounts.shop.example"}},
		"with port and path":    {settings{"YOOZAK_PUBLIC_URL": "https://Shop.example:8443/x/"}, "shop.example", []string{"https://shop.example:8443"}},
		"in other letters":      {settings{"YOOZAK_PUBLIC_URL": "https://épicerie.example"}, "xn--picerie-9xa.example", []string{"https://xn--picerie-9xa.example"}},
		"an address":            {settings{"YOOZAK_PUBLIC_URL": "https://192.0.2.1"}, "", nil},
		"the domain above":      {settings{"YOOZAK_PUBLIC_URL": "https://accounts.shop.example", "YOOZAK_PASSKEY_RP_ID": "shop.example"}, "shop.example", []string{"https://accounts.shop.example"}},
		"localhost on its port": {settings{"YOOZAK_LISTEN": "127.0.0.1:9", "YOOZAK_PASSKEY_RP_ID": "localhost"}, "localhost", []string{"http://localhost:9"}},
		"other origins": {
			settings{"YOOZAK_PASSKEY_RP_ID": "shop.example", "YOOZAK_PASSKEY_ORIGINS": "https://shop.example, https://www.shop.example:8443", "YOOZAK_PUBLIC_URL": "https://elsewhere.example"},
			"shop.example", []string{"https://shop.example", "https://www.shop.example:8443"},
		},
		"apps": {
			settings{"YOOZAK_PUBLIC_URL": "https://shop.example", "YOOZAK_ANDROID_APPS": "ma.shop.app=" + upload + ", ma.shop.app=" + strings.ToLower(store), "YOOZAK_IOS_APPS": "A1B2C3D4E5.ma.shop.app"},
			"shop.example", []string{"https://shop.example", uploadOrigin, storeOrigin},
		},
	} {
		c, err := load(t, test.given, config.HTTP{}, config.Passkeys{}, config.Mail{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.origins, c.Passkeys.Origins); diff != "" || c.Passkeys.RPID != test.rpID {
			t.Errorf("%s: for %q (-want +got):\n%s", name, c.Passkeys.RPID, diff)
		}
	}
	c, err := load(t, settings{"YOOZAK_ANDROID_APPS": "ma.shop.app=" + upload}, config.Passkeys{})
	want := []config.AndroidApp{{Package: "ma.shop.app", Fingerprint: upload, Origin: uploadOrigin}}
	if diff := cmp.Diff(want, c.Passkeys.AndroidApps); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestPasskeysThatCouldNeverWork are a mistake that is told at the start.
func TestPasskeysThatCouldNeverWork(t *testing.T) {
	t.Parallel()
	good, _ := fingerprintOf("x")
	for name, values := range map[string][]string{
		"YOOZAK_PASSKEY_RP_ID": {
			"com", "co.ma", "github.io", "ma", "192.0.2.1", "[::1]", "::1", "https://shop.example", "shop.example:443", "shop.example/", "Shop.example", "épicerie.example",
			".shop.example", "shop.example.", "shop..example", "*.shop.example", "example", "evil.example", "accounts.shop.example", " ", "op.example",
		},
		"YOOZAK_PASSKEY_ORIGINS": {
			"http://shop.example", "https://shop.example/", "https://shop.example/path", "https://shop.example:443", "https://Shop.example", "https://evil.example",
			"https://evilshop.example", "https://shop.example.evil.example", "https://*.shop.example", "*", "null", "file://", "https://u@shop.example", "https://shop.example,https://x",
			"android:apk-key-hash:x", "http://localhost:8000",
		},
		"YOOZAK_ANDROID_APPS": {
			"ma.shop.app", "ma.shop.app=", "=" + good, "shop=" + good, "ma.shop.app=" + good[3:], "ma.shop.app=" + good + ":00", "ma.shop.app=" + strings.ReplaceAll(good, ":", ""),
			"ma.shop.app=" + strings.Replace(good, good[:2], "XX", 1), "ma shop.app=" + good,
		},
		"YOOZAK_IOS_APPS": {"ma.shop.app", "A1B2C3D4E5", "A1B2C3D4E5.", "a1b2c3d4e5.ma.shop", "A1B2C3D4E5.ma shop", `A1B2C3D4E5."x"`},
	} {
		for _, value := range values {
			given := settings{"YOOZAK_PUBLIC_URL": "https://shop.example", name: value}
			if _, err := load(t, given, config.HTTP{}, config.Mail{}, config.Passkeys{}); err == nil || !strings.HasPrefix(err.Error(), name+" ") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
	given := settings{"YOOZAK_PUBLIC_URL": "https://192.0.2.1", "YOOZAK_PASSKEY_ORIGINS": "https://shop.example"}
	if _, err := load(t, given, config.HTTP{}, config.Mail{}, config.Passkeys{}); err == nil || !strings.Contains(err.Error(), "YOOZAK_PASSKEY_RP_ID") {
		t.Errorf("origins of no domain: %v", err)
	}
}
