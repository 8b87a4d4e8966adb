package console_test

import (
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/console"
)

// TestNamesInLists: a name of a few lines is shortened, and no letter loses the
// marks that belong to it.
func TestNamesInLists(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ب", 118)
	for first, want := range map[string]string{
		"Amina":                         "Amina",
		strings.Repeat("é", 120):        strings.Repeat("é", 120),
		strings.Repeat("é", 121):        strings.Repeat("é", 119) + "…",
		long + "مُّ" + "xxx":            long + "…",
		strings.Repeat("e\u0301", 75):   strings.Repeat("e\u0301", 59) + "…",
		strings.Repeat("👩🏽\u200d🦱", 40): strings.Repeat("👩🏽\u200d🦱", 29) + "…",
	} {
		if got := console.Brief(account.User{FirstName: first}); got != want {
			t.Errorf("%s:\n%+q, want\n%+q", first, got, want)
		}
	}
}
