package fold_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/fold"
	"github.com/yoozak/clients/internal/fold/foldtest"
)

// found reports what a search by the text says, and fails if the grams, which
// may find more and never less, disagree.
func found(t *testing.T, stored []string, search string) bool {
	t.Helper()
	row, q := fold.Row(stored...), fold.Parse(search)
	has := len(q.Parts) > 0 && !slices.ContainsFunc(q.Parts, func(part string) bool { return !strings.Contains(row, part) })
	grams := fold.Grams(row)
	if has && slices.ContainsFunc(q.Grams(), func(gram int16) bool { return !slices.Contains(grams, gram) }) {
		t.Errorf("%q has not the grams of %q", stored, search)
	}
	if strings.Contains(row, q.Whole) && q.Whole != "" && slices.ContainsFunc(q.WholeGrams(), func(gram int16) bool { return !slices.Contains(grams, gram) }) {
		t.Errorf("%q has not the grams of a whole %q", stored, search)
	}
	return has
}

// The pairs of what is stored and what is searched that the product promises.
func TestPairs(t *testing.T) {
	t.Parallel()
	for _, test := range foldtest.Pairs {
		if got := found(t, test.Stored, test.Search); got != test.Found {
			t.Errorf("%q in %q: %v, want %v", test.Search, test.Stored, got, test.Found)
		}
	}
}

func TestWholeFieldIsFound(t *testing.T) {
	t.Parallel()
	row := fold.Row("Mi", "عبد الله", "amina@example.ma")
	for search, want := range map[string]bool{
		"mi": true, "MI": true, "m": false, "عبدالله": true, "الله": false, "amina@example.ma": true, "amina": false,
	} {
		if got := strings.Contains(row, fold.Parse(search).Whole); got != want {
			t.Errorf("%q is a whole field: %v, want %v", search, got, want)
		}
	}
}

func TestSignsAloneAreNothing(t *testing.T) {
	t.Parallel()
	for _, search := range []string{"", " ", "%", `"`, "_", "@", "...", "+", "+212", "00212", "'", "ـ", "\u200f", "(*)", "\x00", "\xff"} {
		if q := fold.Parse(search); len(q.Parts) > 0 || q.Whole != "" {
			t.Errorf("%q is searched as %q", search, q.Parts)
		}
	}
	if row := fold.Row("", "!", " "); row != "" || len(fold.Grams(row)) > 0 {
		t.Errorf("the row of nobody is %q", row)
	}
}

// What was folded is not changed by being folded again: what a page shows of a
// search can be searched.
func FuzzFold(f *testing.F) {
	for _, test := range foldtest.Pairs {
		f.Add(test.Search)
		f.Add(strings.Join(test.Stored, " "))
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := fold.Parse(s)
		if !strings.Contains(fold.Row(s), q.Whole) {
			t.Errorf("%q is not found by itself", s)
		}
		if s != "" && len(q.Parts) > 0 && !found(t, []string{s}, s) {
			t.Errorf("%q is not found by its parts", s)
		}
	})
}
