package shop_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/shop"
)

func TestSupportIsAnAddressANumberOrAPage(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]shop.Support{
		"aide@yoozak.ma":               {Text: "aide@yoozak.ma", URL: "mailto:aide@yoozak.ma", Mail: "aide@yoozak.ma"},
		" aide@yoozak.ma ":             {Text: "aide@yoozak.ma", URL: "mailto:aide@yoozak.ma", Mail: "aide@yoozak.ma"},
		"+212 522-00.00(00)":           {Text: "+212 522-00.00(00)", URL: "tel:+2125220000" + "00"},
		"0522 00 00 00":                {Text: "0522 00 00 00", URL: "tel:0522000000"},
		"3040":                         {Text: "3040", URL: "tel:3040"},
		"https://yoozak.ma/aide/":      {Text: "yoozak.ma/aide", URL: "https://yoozak.ma/aide/"},
		"https://yoozak.ma/aide?lg=fr": {Text: "yoozak.ma/aide", URL: "https://yoozak.ma/aide?lg=fr"},
	} {
		if got, err := shop.ParseSupport(given); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", given, got, err, want)
		}
	}
	for _, given := range []string{
		"", "yoozak.ma/aide", "http://yoozak.ma/aide", "javascript://yoozak.ma", "https://", "https://u:p@yoozak.ma", "https://yoozak.ma:65536", "Aide <aide@yoozak.ma>",
		"aide@", "aide@yoozak.ma, b@c.ma", "aide@yoozak.ma\r\nBcc: x@y.ma", "12", "+", "+21252200000012345", "٠٥٢٢٠٠٠٠٠٠", "call us", "0522;ext=1",
	} {
		if got, err := shop.ParseSupport(given); err == nil {
			t.Errorf("%q was taken: %+v", given, got)
		}
	}
}

func TestColoursAreWrittenAsInCSS(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"#0b5d4e": "#0b5d4e", "#0B5D4E": "#0b5d4e", " #fc0 ": "#ffcc00"} {
		if got, err := shop.ParseColour(given); err != nil || got.String() != want {
			t.Errorf("%q: %s, %v; want %s", given, got, err, want)
		}
	}
	for _, given := range []string{"", "#", "0b5d4e", "#0b5d4", "#0b5d4e80", "#0b5d4g", "red", "rgb(1,2,3)", "#0b5d4e;}body{display:none"} {
		if got, err := shop.ParseColour(given); err == nil {
			t.Errorf("%q was taken as %s", given, got)
		}
	}
}

// TestEveryBrandCanBeRead goes through colours of all hues and brightnesses.
func TestEveryBrandCanBeRead(t *testing.T) {
	t.Parallel()
	around, darkAround := colour(t, "#f3f1ec"), colour(t, "#141513")
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				c := shop.Colour{R: uint8(r), G: uint8(g), B: uint8(b)}
				got := shop.ColoursOf(c)
				for _, pair := range [][2]shop.Colour{
					{got.Light.Brand, shop.White}, {got.Light.Brand, around}, {got.Light.OnBrand, got.Light.Brand},
					{got.Dark.Brand, shop.Card}, {got.Dark.Brand, darkAround}, {got.Dark.OnBrand, got.Dark.Brand},
				} {
					if ratio := shop.Contrast(pair[0], pair[1]); ratio < shop.Readable {
						t.Fatalf("%s: %s on %s has a contrast of %.2f", c, pair[0], pair[1], ratio)
					}
				}
			}
		}
	}
}

// TestBrandIsChangedNoFurtherThanNeeded: a colour that can be read stays.
func TestBrandIsChangedNoFurtherThanNeeded(t *testing.T) {
	t.Parallel()
	for given, want := range map[string][2]string{
		"#0b5d4e": {"#0b5d4e", ""}, // ours is dark enough
		"#ffcc00": {"", "#ffcc00"}, // and yellow bright enough on the dark card
	} {
		got := shop.ColoursOf(colour(t, given))
		if want[0] != "" && got.Light.Brand.String() != want[0] || want[1] != "" && got.Dark.Brand.String() != want[1] {
			t.Errorf("%s: %s in the light, %s in the dark; want %v", given, got.Light.Brand, got.Dark.Brand, want)
		}
	}
	got := shop.ColoursOf(colour(t, "#ffcc00")).Light.Brand
	if ratio := shop.Contrast(got, colour(t, "#f3f1ec")); ratio > 4.7 {
		t.Errorf("yellow became %s, with a contrast of %.2f", got, ratio)
	}
}

// TestContrastIsWCAGs compares with pairs that WebAIM's checker shows.
func TestContrastIsWCAGs(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]float64{
		{"#000000", "#ffffff"}: 21, {"#ffffff", "#ffffff"}: 1, {"#777777", "#ffffff"}: 4.48, {"#0000ff", "#ffffff"}: 8.59, {"#ff0000", "#ffffff"}: 4.00,
	} {
		if got := shop.Contrast(colour(t, pair[0]), colour(t, pair[1])); got < want-0.01 || got > want+0.01 {
			t.Errorf("%v: %.3f, want %.2f", pair, got, want)
		}
	}
}

func colour(t *testing.T, text string) shop.Colour {
	t.Helper()
	c, err := shop.ParseColour(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLogo(t *testing.T) {
	t.Parallel()
	drawn := func(width, height int) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for size, want := range map[[2]int][2]int{
		{400, 80}: {200, 40}, {1000, 100}: {220, 22}, {32, 16}: {32, 16}, {1, 2000}: {1, 40}, {2000, 1}: {220, 1},
	} {
		l, err := shop.NewLogo(drawn(size[0], size[1]))
		if err != nil || l.Width != want[0] || l.Height != want[1] || l.Type != "image/png" || len(l.Version) != 12 {
			t.Errorf("%v: %+v, %v; want %v", size, l, err, want)
		}
	}
	var j, g bytes.Buffer
	img := image.NewPaletted(image.Rect(0, 0, 9, 9), color.Palette{color.White})
	if err := jpeg.Encode(&j, img, nil); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&g, img, nil); err != nil {
		t.Fatal(err)
	}
	if l, err := shop.NewLogo(j.Bytes()); err != nil || l.Type != "image/jpeg" {
		t.Errorf("JPEG: %+v, %v", l, err)
	}
	whole := drawn(400, 80)
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("logo"), "SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "GIF": g.Bytes(),
		"too large": append(drawn(10, 10), make([]byte, 64<<10)...), "too wide": drawn(2001, 10), "cut": whole[:len(whole)-20],
	} {
		if l, err := shop.NewLogo(data); err == nil {
			t.Errorf("%s was taken: %+v", name, l)
		}
	}
}

func TestClockIsTheShops(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 15, 16, 0, 0, time.UTC)
	if got := (shop.Shop{}).In(at).Format("15:04"); got != "15:16" {
		t.Errorf("without a zone: %s", got)
	}
	if got := (shop.Shop{Zone: time.FixedZone("", 3600)}).In(at).Format("15:04"); got != "16:16" {
		t.Errorf("an hour to the east: %s", got)
	}
}
