package account_test

import (
	"testing"

	"github.com/yoozak/clients/internal/account"
)

func TestControlsAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a\x1b[31m", "\x00", "a\nb", "\t", "\x7f", "\u0080", "\u009b31m", "a\u202eb", "\u202a", "\u2066x\u2069", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029",
	} {
		if !account.HasControls(text) {
			t.Errorf("%q: none", text)
		}
	}
	for _, text := range []string{"", "amina", "أمينة العلوي", "Zoé O'Neil", "نیم\u200cفاصله", "👩\u200d💻", "a b\u00a0c", `"\`, "\xff"} {
		if account.HasControls(text) {
			t.Errorf("%q: found", text)
		}
	}
}
