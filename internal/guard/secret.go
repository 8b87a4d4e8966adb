package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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
