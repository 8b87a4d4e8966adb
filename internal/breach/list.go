// Package breach knows passwords that have leaked, which are the first that
// anybody tries. [Checker.Listed] asks a list that is part of the program;
// [Checker.Leaked] asks a Have I Been Pwned server, if there is one, without
// telling it the password. Neither shows a password or its hash to a log, and
// no failure refuses a password.
package breach

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// passwords is what "make breached" makes (docs/decisions/0007). It is a
// string so that it stays where the program's file is mapped: a look-up
// brings two pages into memory, and nothing is ever copied.
//
//go:embed passwords.bin
var passwords string

// A list holds the first 38 bits of the SHA-256 of each password, sorted: the
// upper 14 choose one of 16,384 buckets, the other 24 are stored in it. First
// come the places where the buckets begin, counted in entries, as 32 bits
// each, and where the last one ends; then the entries. All is big-endian.
//
// A password that is not on the list is taken for one that is with a chance
// of entries/2^38. Nobody gains from finding such a password, so the hash
// needs no secret.
type list string

const (
	bucketBits = 14
	entryBits  = 24
	entrySize  = entryBits / 8
	indexSize  = 4 * (1<<bucketBits + 1)
)

// minLength is the shortest password that is worth an entry, in characters:
// the rules refuse what is shorter.
const minLength = 8

// contains takes the same steps whatever the password, but for a handful of
// comparisons.
func (l list) contains(plain string) bool {
	h := listHash(listForm(plain))
	bucket, entry := h>>entryBits, h&(1<<entryBits-1)
	first, end := l.start(bucket), l.start(bucket+1)
	for i := first; i < end; i++ {
		if l.entry(i) == entry {
			return true
		}
	}
	return false
}

func (l list) start(bucket uint64) uint64 {
	at := l[4*bucket : 4*bucket+4]
	return uint64(at[0])<<24 | uint64(at[1])<<16 | uint64(at[2])<<8 | uint64(at[3])
}

func (l list) entry(i uint64) uint64 {
	at := l[indexSize+entrySize*i:][:entrySize]
	return uint64(at[0])<<16 | uint64(at[1])<<8 | uint64(at[2])
}

// listForm is what is compared: people think of the same password in another
// case, and passwords are hashed in NFKC.
func listForm(plain string) string {
	plain = norm.NFKC.String(plain)
	for i := range len(plain) {
		if plain[i] >= utf8.RuneSelf {
			return strings.TrimSpace(cases.Lower(language.Und).String(plain))
		}
	}
	return strings.TrimSpace(strings.ToLower(plain))
}

func listHash(form string) uint64 {
	sum := sha256.Sum256([]byte(form))
	return binary.BigEndian.Uint64(sum[:]) >> (64 - bucketBits - entryBits)
}

// Build makes a list of passwords that stand one on a line; the same lines in
// any order make the same list. Short ones are left out. It also returns how
// many entries there are.
func Build(lines io.Reader) (made []byte, entries int, err error) {
	var hashes []uint64
	s := bufio.NewScanner(lines)
	for s.Scan() {
		if !utf8.Valid(s.Bytes()) {
			return nil, 0, errors.New("a line is not UTF-8")
		}
		if form := listForm(s.Text()); utf8.RuneCountInString(form) >= minLength {
			hashes = append(hashes, listHash(form))
		}
	}
	if err := s.Err(); err != nil {
		return nil, 0, fmt.Errorf("read passwords: %w", err)
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)

	var index, rest bytes.Buffer
	at := 0
	for bucket := range uint64(1 << bucketBits) {
		index.Write(binary.BigEndian.AppendUint32(nil, uint32(at)))
		for ; at < len(hashes) && hashes[at]>>entryBits == bucket; at++ {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], hashes[at])
			rest.Write(b[8-entrySize:])
		}
	}
	index.Write(binary.BigEndian.AppendUint32(nil, uint32(at)))
	return append(index.Bytes(), rest.Bytes()...), len(hashes), nil
}
