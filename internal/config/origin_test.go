package config_test

import (
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/config"
)

// TestOriginsAreWrittenAsBrowsersWriteThem: one that is compared in another
// spelling would never match.
func TestOriginsAreWrittenAsBrowsersWriteThem(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"*":                          "*",
		"https://shop.example":       "https://shop.example",
		"HTTPS://Shop.Example":       "https://shop.example",
		"https://shop.example:443":   "https://shop.example",
		"http://shop.example:80":     "http://shop.example",
		"https://shop.example:0443":  "https://shop.example",
		"https://shop.example:80":    "https://shop.example:80",
		"http://localhost:3000":      "http://localhost:3000",
		"https://bücher.example":     "https://xn--bcher-kva.example",
		"https://BÜCHER.example:443": "https://xn--bcher-kva.example",
		"https://faß.example":        "https://xn--fa-hia.example",
		"https://متجر.example":       "https://xn--pgbep1f.example",
		"https://my_shop.example":    "https://my_shop.example",
		"http://[0:0:0:0:0:0:0:1]:8": "http://[::1]:8",
		"http://[::1]":               "http://[::1]",
		"http://127.0.0.1:5173":      "http://127.0.0.1:5173",
		"http://[::ffff:7F00:1]:80":  "http://[::ffff:7f00:1]",
		"http://[::127.0.0.1]":       "http://[::7f00:1]",
		"https://127.example":        "https://127.example",
		"https://1.2.3.4.example":    "https://1.2.3.4.example",
		"https://0xshop.example":     "https://0xshop.example",
		"https://example.0xyz":       "https://example.0xyz",
		"https://*.Shop.example:443": "https://*.shop.example",
		"https://*.bücher.example":   "https://*.xn--bcher-kva.example",
		"http://*.localhost:3000":    "http://*.localhost:3000",
		"capacitor://localhost":      "capacitor://localhost",
		"ionic://localhost":          "ionic://localhost",
		"app://shop":                 "app://shop",
		"app://127.1":                "app://127.1",
	} {
		c, err := load(t, settings{"YOOZAK_CORS_ORIGINS": given}, config.HTTP{})
		if err != nil || len(c.HTTP.CORSOrigins) != 1 || c.HTTP.CORSOrigins[0] != want {
			t.Errorf("%q: got %v, %v; want %q", given, c.HTTP.CORSOrigins, err, want)
		}
	}
}

// TestOriginsThatCanNeverMatchAreRefused: the server would start, log
// nothing, and let no page in.
func TestOriginsThatCanNeverMatchAreRefused(t *testing.T) {
	t.Parallel()
	const notOne = "is not an origin"
	for given, want := range map[string]string{
		"https://shop.example/":          notOne,
		"https://shop.example/path":      notOne,
		"https://shop.example?x":         notOne,
		"https://shop.example?":          notOne,
		"https://shop.example#":          notOne,
		"https://u@shop.example":         notOne,
		"https://shop.example:":          notOne,
		"https://shop.example:99999":     notOne,
		"https://shop.example:0":         notOne,
		"https://shop.example:-1":        notOne,
		"https://shop .example":          notOne,
		"'https://shop.example'":         notOne,
		"https://\"shop.example\"":       notOne,
		"https:// shop.example":          notOne,
		"shop.example":                   notOne,
		"localhost:3000":                 notOne,
		"//shop.example":                 notOne,
		"null":                           notOne,
		"file://":                        notOne,
		"https://":                       notOne,
		"https://%zz":                    notOne,
		"https://[::1":                   notOne,
		"javascript://x":                 "no origin",
		"data://x":                       "no origin",
		"DATA://x":                       "no origin",
		"blob://shop.example":            "no origin",
		"file://localhost":               "no origin",
		"wss://shop.example":             "no origin",
		"http://127.1:3000":              "http://127.0.0.1:3000,",
		"http://127.1:80":                "http://127.0.0.1,",
		"https://2130706433":             "https://127.0.0.1,",
		"http://0x7f.1":                  "http://127.0.0.1,",
		"http://0x7F.0.0.1:8080":         "http://127.0.0.1:8080,",
		"http://0177.0.0.1":              "http://127.0.0.1,",
		"http://127.0.0.1.":              "http://127.0.0.1,",
		"http://１２７.1":                   "http://127.0.0.1,",
		"http://0x":                      "http://0.0.0.0,",
		"http://[::ffff:127.0.0.1]:3000": "http://[::ffff:7f00:1]:3000,",
		"https://1.2.3.4.5":              notOne,
		"https://256.1.1.1":              notOne,
		"https://4294967296":             notOne,
		"https://shop.1":                 notOne,
		"https://1.08":                   notOne,
		"https://1..2":                   notOne,
		"https://99999999999999999999":   notOne,
		"https://*.127.1":                "asterisk",
		"http://localhost:*":             "YOOZAK_CORS_LOOPBACK",
		"localhost:*":                    "YOOZAK_CORS_LOOPBACK",
		"https://*":                      "asterisk",
		"https://*.example":              "asterisk",
		"https://*.127.0.0.1":            "asterisk",
		"https://shop.*":                 "asterisk",
		"https://a*.shop.example":        "asterisk",
		"https://*.*.shop.example":       "asterisk",
		"https://a.*.shop.example":       "asterisk",
		"*://shop.example":               "asterisk",
		"*.shop.example":                 "",
	} {
		_, err := load(t, settings{"YOOZAK_CORS_ORIGINS": given}, config.HTTP{})
		if err == nil || !strings.Contains(err.Error(), "YOOZAK_CORS_ORIGINS ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", given, err, want)
		}
	}
}
