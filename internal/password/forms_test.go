package password

import (
	"slices"
	"testing"
)

// TestOnlyWhatNFKCChangesCostsTwoHashes holds the price of a login, which is
// the same for nobody's.
func TestOnlyWhatNFKCChangesCostsTwoHashes(t *testing.T) {
	t.Parallel()
	for plain, want := range map[string][]string{
		"":                   {""},
		"kV7#pazouk-42lemon": {"kV7#pazouk-42lemon"},
		"crème":              {"crème"},
		"مرحبا":              {"مرحبا"},
		"cre\u0300me":        {"crème", "cre\u0300me"},
		"\xff not UTF-8":     {"\xff not UTF-8"},
	} {
		if got := normalForms(plain); !slices.Equal(got, want) {
			t.Errorf("%+q: got %+q", plain, got)
		}
	}
}
