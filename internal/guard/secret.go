package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
)

// Secret signs device tokens and hides what limits are counted by. It is
// random, the same for all servers, and encrypted as signing keys are: who
// has it can give themselves more tries at a password, and nothing else.
type Secret [sha256.Size]byte

// mac is for one purpose, so that what it gives for one is worthless for
// another.
func (s *Secret) mac(purpose string, data []byte) []byte {
	h := hmac.New(sha256.New, s[:])
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write(data)
	return h.Sum(nil)
}

// key is what is stored instead of a name, an address or an id: people type
// passwords where a name should be. 144 bits are enough not to meet by chance.
func (s *Secret) key(purpose, text string) string {
	return base64.RawURLEncoding.EncodeToString(s.mac(purpose, []byte(text))[:18])
}

// Digits is a code of six decimal digits that follows from a text, each as
// likely as any other: a number of 64 bits that lies beyond the last whole
// million is left out, and the next is taken.
func (s *Secret) Digits(text string) string {
	const million = 1_000_000
	for n := uint32(0); ; n++ {
		sum := s.mac("code", binary.BigEndian.AppendUint32([]byte(text), n))
		if v := binary.BigEndian.Uint64(sum); v < math.MaxUint64-math.MaxUint64%million {
			return fmt.Sprintf("%06d", v%million)
		}
	}
}
