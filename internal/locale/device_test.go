package locale_test

import (
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/locale"
)

// TestWordsOfWhatCalls: an app or a program is named by what it is made with,
// never by what it says of itself.
func TestWordsOfWhatCalls(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36": "Chrome on Android",
		"Yoozak/3.1 (Android 14)":                                     "Yoozak on Android",
		"Expo/1017699 CFNetwork/1410.0.3 Darwin/22.6.0":               "App (Expo) on iOS",
		"Exponent/2.29.3 CFNetwork/1410 Darwin/22.6.0":                "App (Expo) on iOS",
		"MyShop/1 CFNetwork/1408.0.4 Darwin/22.5.0":                   "iOS",
		"MyShop/1.0 (ma.shop.app; build:1; iOS 17.2.0) Alamofire/5.8": "iOS",
		"Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A)":    "Android",
		"okhttp/4.9.2":         "App (okhttp)",
		"okhttp/5.0.0-alpha.2": "App (okhttp)",
		"Dart/3.2 (dart:io)":   "App (Dart)",
		"axios/1.6.2":          "App (axios)",
		"ktor-client":          "App (Ktor)",
		"Ktor client":          "App (Ktor)",
		"node":                 "Program (Node.js)",
		"node-fetch/1.0 (+https://github.com/bitinn/node-fetch)": "Program (Node.js)",
		"undici":                              "Program (Node.js)",
		"Java/17.0.1":                         "Program (Java)",
		"Java-http-client/17.0.2":             "Program (Java)",
		"Apache-HttpClient/4.5.13 (Java/11)":  "Program (Java)",
		"curl/8.5.0":                          "Program (curl)",
		"python-requests/2.31.0":              "Program (Python)",
		"Python/3.11 aiohttp/3.9.1":           "Program (Python)",
		"Go-http-client/1.1":                  "Program (Go)",
		"PostmanRuntime/7.36.0":               "Program (Postman)",
		"axios/1.6 <script>alert(1)</script>": "App (axios)",
		"Call 0900-123 for support":           "Unknown device",
		"axiosx/1.0":                          "Unknown device",
		"<b>curl</b>/1":                       "Unknown device",
		"":                                    "Unknown device",
	} {
		if got := locale.Device("en", agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
	if got := locale.Device("fr", "Expo/1 CFNetwork/1 Darwin/22"); got != "Application (Expo) sur iOS" {
		t.Errorf("in French: %q", got)
	}
	if got := locale.Device("ar", "curl/8.5.0"); !strings.Contains(got, "(curl)") || strings.Contains(got, "Program") {
		t.Errorf("in Arabic: %q", got)
	}
}
