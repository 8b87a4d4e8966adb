package pages_test

import (
	"math"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestStyleIsFoundFromEveryPage follows the page's link as a browser would,
// also behind a proxy that serves us below a path of its own.
func TestStyleIsFoundFromEveryPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	link := regexp.MustCompile(`<link rel="stylesheet" href="(\.[./]*/style\.css)\?([0-9a-f]{12})">`)
	again := regexp.MustCompile(`href="(\.[./]*/forgot-password/)\?lang=fr"`)
	for _, page := range []string{"/account/forgot-password", "/account/forgot-password/", "/account/reset-password/x", "/account/reset-password/x/", "/account/reset-password/a%2Fb", "/account/a/b/c/d"} {
		a := s.get(t, page)
		m := link.FindStringSubmatch(a.body)
		if m == nil {
			t.Fatalf("%s has no style:\n%s", page, a.body)
		}
		if got := path.Join(folderOf(page), m[1]); got != "/account/style.css" {
			t.Errorf("%s has its style from %s", page, got)
		}
		if m := again.FindStringSubmatch(a.body); m != nil {
			if got := path.Join(folderOf(page), m[1]); got != "/account/forgot-password" {
				t.Errorf("%s leads to %s", page, got)
			}
		}
		css := s.get(t, "/account/style.css?"+m[2])
		if css.status != http.StatusOK || css.header.Get("Content-Type") != "text/css; charset=utf-8" || css.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("style: %d %v", css.status, css.header)
		}
	}
	for _, version := range []string{"", "?000000000000"} { // of another release: not to be kept
		if css := s.get(t, "/account/style.css"+version); css.status != http.StatusOK || css.header.Get("Cache-Control") != "no-store" {
			t.Errorf("style%s: %d %s", version, css.status, css.header.Get("Cache-Control"))
		}
	}
	if a := s.call(t, http.MethodPost, "/account/style.css", ""); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}

// folderOf is the part of an address that relative ones start from.
func folderOf(page string) string { return page[:strings.LastIndexByte(page, '/')+1] }

// TestColoursAreEasyToRead holds WCAG 2.2's contrast (1.4.3, and 1.4.11 for
// edges) in the light and in the dark, of the style sheet that shops of all
// colours get.
func TestColoursAreEasyToRead(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	for _, brand := range []string{"", "#ffcc00", "#000000", "#ffffff", "#c0392b", "#1d4ed8", "#808080"} {
		s.shop.Colours = shop.Colours{}
		if brand != "" {
			c, err := shop.ParseColour(brand)
			if err != nil {
				t.Fatal(err)
			}
			s.shop.Colours = shop.ColoursOf(c)
		}
		s.serve(t, s.app)
		readable(t, brand, s.get(t, "/account/style.css").body)
	}
}

// readable looks at the two sets of colours, each in the file and, behind it,
// with the shop's in place of ours.
func readable(t *testing.T, brand, css string) {
	t.Helper()
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(css, -1)
	if len(blocks) != 4 {
		t.Fatalf("%d sets of colours, want the light and the dark, and the shop's", len(blocks))
	}
	for i := range 2 {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(blocks[i][1]+blocks[i+2][1], -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		for _, pair := range []struct {
			over, under string
			least       float64
		}{
			{"ink", "paper", 4.5}, {"ink", "around", 4.5}, {"ink", "good", 4.5},
			{"soft", "paper", 4.5}, {"soft", "around", 4.5},
			{"brand", "around", 4.5}, {"brand", "paper", 4.5}, {"good-ink", "good", 4.5}, {"on-brand", "brand", 4.5},
			{"bad", "paper", 4.5}, {"bad", "bad-paper", 4.5}, {"line", "paper", 3},
			{"ink", "hover", 4.5}, {"soft", "hover", 4.5}, {"bad", "hover", 4.5}, {"line", "hover", 3},
			{"ink", "quiet", 4.5}, {"soft", "quiet", 4.5}, {"warn", "paper", 4.5}, {"warn", "warn-paper", 4.5}, {"ink", "warn-paper", 4.5},
			{"info", "paper", 4.5}, {"info", "info-paper", 4.5}, {"ink", "info-paper", 4.5}, {"on-bad", "bad", 4.5}, {"soft", "good", 4.5},
			{"line", "around", 3},
		} {
			a, aThere := colour[pair.over]
			b, bThere := colour[pair.under]
			if !aThere || !bThere {
				t.Fatalf("no colour %s or %s", pair.over, pair.under)
			}
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
				t.Errorf("%s, set %d: %s on %s has a contrast of %.2f, want %.1f", brand, i, pair.over, pair.under, ratio, pair.least)
			}
		}
	}
}

// luminance is WCAG's.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
