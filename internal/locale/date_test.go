package locale_test

import (
	"testing"
	"time"

	"github.com/yoozak/clients/internal/locale"
)

func TestDatesAreInWords(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][2]string{
		"fr": {"25\u00a0novembre\u00a02026 à\u00a016:16", "1er\u00a0août\u00a02026"},
		"en": {"25\u00a0November\u00a02026 at\u00a016:16", "1\u00a0August\u00a02026"},
		"ar": {"25\u00a0نونبر\u00a02026 على الساعة\u00a016:16", "1\u00a0غشت\u00a02026"},
		"de": {"25\u00a0novembre\u00a02026 à\u00a016:16", "1er\u00a0août\u00a02026"}, // as Text: French stands in
	} {
		if got := locale.Moment(lang, time.Date(2026, 11, 25, 16, 16, 59, 0, time.UTC)); got != want[0] {
			t.Errorf("%s: %q, want %q", lang, got, want[0])
		}
		if got := locale.Day(lang, time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)); got != want[1] {
			t.Errorf("%s: %q, want %q", lang, got, want[1])
		}
	}
	// Every language has twelve months, all of them different.
	for _, lang := range locale.Languages() {
		seen := map[string]bool{}
		for month := time.January; month <= time.December; month++ {
			seen[locale.Day(lang, time.Date(2026, month, 2, 0, 0, 0, 0, time.UTC))] = true
		}
		if len(seen) != 12 {
			t.Errorf("%s has %d months", lang, len(seen))
		}
	}
}
