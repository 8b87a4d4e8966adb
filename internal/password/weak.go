package password

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // Django made such hashes
	"crypto/sha1" //nolint:gosec // Django made such hashes
	"encoding/hex"
	"strings"

	"github.com/yoozak/clients/internal/argon2"
)

// weakDigests are the hashes of Django's that cost nothing to guess.
var weakDigests = map[string]func(text string) string{
	"md5": func(text string) string {
		sum := md5.Sum([]byte(text)) //nolint:gosec // Django made such hashes
		return hex.EncodeToString(sum[:])
	},
	"sha1": func(text string) string {
		sum := sha1.Sum([]byte(text)) //nolint:gosec // Django made such hashes
		return hex.EncodeToString(sum[:])
	},
}

// readWeak reads md5$salt$digest.
func readWeak(name, rest string) matcher {
	salt, digest, ok := splitWeak(name, rest)
	if !ok {
		return nil
	}
	return func(_ *argon2.Deriver, plain string) bool {
		return hmac.Equal([]byte(weakDigests[name](salt+plain)), []byte(digest))
	}
}

// splitWeak refuses a hash without salt: one table of guesses opens them all.
func splitWeak(name, rest string) (salt, digest string, ok bool) {
	weak := weakDigests[name]
	salt, digest, _ = strings.Cut(rest, "$")
	return salt, digest, weak != nil && salt != "" && isHex(digest, len(weak("")))
}

func isHex(s string, size int) bool {
	return len(s) == size && strings.Trim(s, "0123456789abcdef") == ""
}

// Unsalted reports whether a hash is one of Django's without a salt, which
// is never accepted: one table of guesses opens them all.
func Unsalted(hash string) bool {
	name, _ := Format(hash)
	return strings.HasPrefix(name, "unsalted_") || name == "crypt"
}
