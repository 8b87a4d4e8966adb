package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	portable "golang.org/x/crypto/argon2"

	"github.com/yoozak/clients/internal/argon2"
)

// Params are the cost of a hash.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8  // lanes
}

// Default is OWASP's second choice for Argon2id: about 20 ms of a core.
var Default = Params{Memory: 19456, Time: 2, Threads: 1}

// Sizes of what we make (RFC 9106, section 4), and bounds of what we take: a
// row that somebody wrote must not cost more than this.
const (
	saltSize  = 16
	tagSize   = 32
	maxMemory = 1 << 20 // KiB
	maxTime   = 64
)

// variants are the Argon2s that we have code of. We make argon2id only; what
// is argon2i is Django's.
var variants = map[string]func(d *argon2.Deriver, plain, salt []byte, time, memory uint32, threads uint8, size uint32) []byte{
	"argon2id": (*argon2.Deriver).IDKey,
	"argon2i": func(_ *argon2.Deriver, plain, salt []byte, time, memory uint32, threads uint8, size uint32) []byte {
		return portable.Key(plain, salt, time, memory, threads, size)
	},
}

// argon2Hash is a hash in its parts.
type argon2Hash struct {
	variant   string
	params    Params
	salt, tag []byte
}

var errNotPHC = errors.New("not an Argon2 hash in PHC form")

// parseOurs reads an Argon2id hash in PHC form.
func parseOurs(s string) (argon2Hash, error) {
	h, err := parsePHC(s)
	if h.variant != "argon2id" {
		return argon2Hash{}, errNotPHC
	}
	return h, err
}

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$tag, or another variant,
// strictly. Version 16, which hashes do not state, and Argon2d are refused:
// x/crypto does not have them.
func parsePHC(s string) (argon2Hash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || variants[parts[1]] == nil || parts[2] != "v=19" {
		return argon2Hash{}, errNotPHC
	}
	h := argon2Hash{variant: parts[1]}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return argon2Hash{}, errNotPHC
	}
	m, ok := cost(costs[0], "m=", 8, maxMemory)
	t, ok2 := cost(costs[1], "t=", 1, maxTime)
	p, ok3 := cost(costs[2], "p=", 1, 255)
	if !ok || !ok2 || !ok3 || m < 8*p {
		return argon2Hash{}, errNotPHC
	}
	h.params = Params{Memory: m, Time: t, Threads: uint8(p)} //nolint:gosec // bounded above
	var err, err2 error
	h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.tag, err2 = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || err2 != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.tag) < 16 || len(h.tag) > 64 {
		return argon2Hash{}, errNotPHC
	}
	return h, nil
}

func cost(s, prefix string, least, most uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || digits != strconv.FormatUint(n, 10) || uint32(n) < least || uint32(n) > most {
		return 0, false
	}
	return uint32(n), true
}

func (h argon2Hash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$%s$%s", h.variant, h.params.Memory, h.params.Time, h.params.Threads, b64(h.salt), b64(h.tag))
}

// newHash is slow: it runs in a slot.
func newHash(d *argon2.Deriver, plain string, p Params) string {
	h := argon2Hash{variant: "argon2id", params: p, salt: make([]byte, saltSize)}
	_, _ = rand.Read(h.salt) // never fails: crypto/rand ends the process instead
	h.tag = h.derive(d, plain, tagSize)
	return h.String()
}

// matches is slow: it runs in a slot.
func (h argon2Hash) matches(d *argon2.Deriver, plain string) bool {
	return subtle.ConstantTimeCompare(h.derive(d, plain, len(h.tag)), h.tag) == 1
}

func (h argon2Hash) derive(d *argon2.Deriver, plain string, size int) []byte {
	p := h.params
	return variants[h.variant](d, []byte(plain), h.salt, p.Time, p.Memory, p.Threads, uint32(size)) //nolint:gosec // at most 64
}
