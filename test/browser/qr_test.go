package browser

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/yoozak/clients/internal/totp"
)

// TestQRIsReadFromTheScreen, as a camera does: of a telephone's page in the
// light and in the dark, for shops and people of all kinds of names.
func TestQRIsReadFromTheScreen(t *testing.T) {
	t.Parallel()
	names := [][2]string{
		{"Yoozak", "amina"}, {"Épicerie: Chez Amina & Fils + 100 %", "a:b@x.example"}, {"متجر يوزاك", "أمينة بنت علي"}, {"a/b?c#d", "x y"},
		{"Shop", strings.Repeat("é", 150)}, {"Shop", strings.Repeat("م", 150)}, {strings.Repeat("متجر ", 10), strings.Repeat("أمينة ", 20)}, {"", ""},
		{"Shop", "amina.benali@example.ma"}, {"Shop+", "amina+shop@example.ma"}, {"100 %", "%20"}, {"<b>", `"'><svg>`}, {"日本", "花子"}, {"Yoozak", "0612345678"}, {"🛒", "👩🏽"},
	}
	for _, dark := range []bool{false, true} {
		b := openTab(t, tabOptions{language: "ar", width: 360, scale: 2, dark: dark, patient: true})
		for i, n := range names {
			if !dark && i > 1 { // where the page is white, too, it is the easier
				break
			}
			// One and the same secret in every run: the reader misses about one picture in a
			// thousand, of whatever size, whose secret happens to look like the corner of a code.
			secret := sha256.Sum256(fmt.Append(nil, i))
			uri := totp.URI(secret[:20], n[0], n[1])
			svg, err := totp.QR(uri)
			if err != nil {
				t.Fatal(err)
			}
			// A camera moves: what one picture of a code does not give, the next one from a little
			// further off does.
			var got *gozxing.Result
			for width := 300; got == nil && width > 240; width -= 20 {
				b.open(storefront(t, nil, fmt.Sprintf(`<style>:root{color-scheme:light dark}@media(prefers-color-scheme:dark){body{background:#000;color:#fff}}body{width:%dpx}</style>%s`, width, svg)))
				bitmap, bitmapErr := gozxing.NewBinaryBitmapFromImage(b.window())
				if bitmapErr != nil {
					t.Fatal(bitmapErr)
				}
				got, err = qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
			}
			if got == nil {
				t.Errorf("dark %v, %q: %v", dark, n, err)
				continue
			}
			if got.GetText() != uri {
				t.Errorf("dark %v, name %d: %s", dark, i, fmt.Sprintf("read %q, want %q", got.GetText(), uri))
			}
		}
	}
}
