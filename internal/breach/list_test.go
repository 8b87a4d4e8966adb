package breach

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func lines(t testing.TB, r io.Reader) []string {
	t.Helper()
	var out []string
	s := bufio.NewScanner(r)
	for s.Scan() {
		out = append(out, s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, path string) io.Reader {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(data)
}

// TestLeakedPasswordsAreListed looks for a five-hundredth part of the leaked
// passwords that are worth an entry, and for all of Django's.
func TestLeakedPasswordsAreListed(t *testing.T) {
	t.Parallel()
	z, err := gzip.NewReader(open(t, "../password/common-passwords.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	sample, djangos := lines(t, open(t, "testdata/leaked.txt")), lines(t, z)
	if len(sample) < 200 || len(djangos) < 19_000 {
		t.Fatalf("only %d and %d passwords", len(sample), len(djangos))
	}
	c := New(Options{List: true})
	for _, plain := range slices.Concat(sample, djangos) {
		if utf8.RuneCountInString(plain) >= minLength && !c.Listed(plain) {
			t.Errorf("%q is not listed", plain)
		}
	}
	for _, plain := range []string{"KHADIJAH", "Khadijah", " khadijah ", "ｋｈａｄｉｊａｈ", "\u00a0khadijah"} {
		if !c.Listed(plain) {
			t.Errorf("%q is not listed, but khadijah is", plain)
		}
	}
}

func TestGoodPasswordsAreNotListed(t *testing.T) {
	t.Parallel()
	c := New(Options{List: true})
	for _, plain := range []string{"", "kV7#pazouk-42lemon", "kV7-pazouk-42", "votre_password", "correct horse battery staple 7", "مرحبا بكم في فاس", "œuf-à-la-coque-1972"} {
		if c.Listed(plain) {
			t.Errorf("%q is listed", plain)
		}
	}
	if New(Options{}).Listed("khadijah") || (*Checker)(nil).Listed("khadijah") {
		t.Error("a list that is off refuses a password")
	}
}

// TestFewRandomPasswordsAreListed counts wrong refusals. A million passwords
// have 1.7 on average.
func TestFewRandomPasswordsAreListed(t *testing.T) {
	t.Parallel()
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-_.!"
	r := rand.New(rand.NewChaCha8([32]byte([]byte("the same passwords at each run!!"))))
	plain := make([]byte, 14)
	listed := 0
	for range 1_000_000 {
		for i := range plain {
			plain[i] = alphabet[r.IntN(len(alphabet))]
		}
		if list(passwords).contains(string(plain)) {
			listed++
		}
	}
	t.Logf("%d of a million", listed)
	if listed > 8 {
		t.Errorf("%d of a million random passwords are listed", listed)
	}
}

// TestListIsWhole walks over the list as it is in the program.
func TestListIsWhole(t *testing.T) {
	t.Parallel()
	l := list(passwords)
	entries := l.start(1 << bucketBits)
	if entries < 450_000 || uint64(len(l)) != indexSize+entrySize*entries || len(l) > 2<<20 {
		t.Fatalf("%d entries in %d bytes", entries, len(l))
	}
	for bucket := range uint64(1 << bucketBits) {
		first, end := l.start(bucket), l.start(bucket+1)
		if first > end || end > entries || end-first > 100 {
			t.Fatalf("bucket %d is from %d to %d", bucket, first, end)
		}
		for i := first + 1; i < end; i++ {
			if l.entry(i-1) >= l.entry(i) {
				t.Fatalf("bucket %d is not sorted", bucket)
			}
		}
	}
}

func TestBuildHoldsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	given := []string{"sunflower", "Motdepasse1", "Motdepasse1", "motdepasse1", "كلمةالمرور", "short", "trailing1 \r"}
	made, entries, err := Build(strings.NewReader(strings.Join(given, "\n")))
	if err != nil || entries != 4 {
		t.Fatalf("%d entries, %v", entries, err)
	}
	for _, plain := range []string{"sunflower", "SunFlower", "MOTDEPASSE1", "كلمةالمرور", "trailing1"} {
		if !list(made).contains(plain) {
			t.Errorf("%q is not in the list", plain)
		}
	}
	for _, plain := range []string{"short", "sunflower1", "", "motdepasse"} {
		if list(made).contains(plain) {
			t.Errorf("%q is in the list", plain)
		}
	}
	slices.Reverse(given)
	again, _, err := Build(strings.NewReader(strings.Join(given, "\n")))
	if err != nil || !bytes.Equal(made, again) {
		t.Errorf("another order makes another list (%v)", err)
	}
	if _, _, err := Build(strings.NewReader("caf\xe9caf\xe9")); err == nil {
		t.Error("Latin-1 is taken")
	}
	if _, _, err := Build(strings.NewReader(strings.Repeat("x", 1<<17))); err == nil {
		t.Error("half a line is taken")
	}
	empty, _, err := Build(strings.NewReader(""))
	if err != nil || list(empty).contains("sunflower") {
		t.Errorf("the empty list has a password (%v)", err)
	}
}

func BenchmarkListed(b *testing.B) {
	c := New(Options{List: true})
	for b.Loop() {
		c.Listed("kV7#pazouk-42lemon")
	}
}
