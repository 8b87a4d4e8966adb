package password

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // Django made such hashes
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"math/bits"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/yoozak/clients/internal/argon2"
)

// Bounds of the cost of a hash that Django made: at most 1 GiB and about 5 s
// of a core. Bcrypt's is in [bcrypts].
const (
	maxIterations = 10_000_000 // of PBKDF2
	maxScrypt     = 1 << 30    // bytes, memory times p
	maxArgon2     = 4 << 20    // KiB, memory times passes; and the bounds of ours
)

// djangos read a hash that Django made, from after its name and the first
// dollar. They return nil for one that nothing can match.
var djangos = map[string]func(rest string) matcher{
	"argon2":        readArgon2,
	"bcrypt":        func(rest string) matcher { return readBcrypt(rest, bcryptKey) },
	"bcrypt_sha256": func(rest string) matcher { return readBcrypt(rest, bcryptSHA256Key) },
	"md5":           func(rest string) matcher { return readWeak("md5", rest) },
	"pbkdf2_sha1":   func(rest string) matcher { return readPBKDF2(rest, sha1.New) },
	"pbkdf2_sha256": func(rest string) matcher { return readPBKDF2(rest, sha256.New) },
	"scrypt":        readScrypt,
	"sha1":          func(rest string) matcher { return readWeak("sha1", rest) },
}

// Format names the format of a hash in Django's words, whether or not anything
// can match it: "argon2" (which ours are), "pbkdf2_sha256", "unsalted_md5",
// "crypt". Others are "wrapped" (see [Hasher.WrapWeak]), "unusable" and
// "unknown". A weak hash is one of md5 or sha1.
func Format(hash string) (name string, weak bool) {
	name, rest, _ := strings.Cut(hash, "$")
	switch {
	case strings.HasPrefix(hash, "!"):
		return "unusable", false
	case strings.HasPrefix(hash, "$argon2id$"):
		return "argon2", false
	case isHex(hash, 32):
		return "unsalted_md5", true
	case weakDigests[name] != nil && strings.HasPrefix(rest, "$"):
		return "unsalted_" + name, true
	case djangos[name] != nil, name == "crypt", name == "wrapped":
		return name, weakDigests[name] != nil
	}
	return "unknown", false
}

// readArgon2 reads argon2$argon2id$v=19$m=…,t=…,p=…$salt$tag.
func readArgon2(rest string) matcher {
	h, err := parsePHC("$" + rest)
	if err != nil || uint64(h.params.Memory)*uint64(h.params.Time) > maxArgon2 {
		return nil
	}
	return h.matches
}

// readPBKDF2 reads pbkdf2_sha256$iterations$salt$tag.
func readPBKDF2(rest string, digest func() hash.Hash) matcher {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 || parts[1] == "" {
		return nil
	}
	iterations, ok := cost(parts[0], "", 1, maxIterations)
	salt, tag := parts[1], readTag(parts[2], digest().Size())
	if !ok || tag == nil {
		return nil
	}
	return func(_ *argon2.Deriver, plain string) bool {
		got, err := pbkdf2.Key(digest, plain, []byte(salt), int(iterations), len(tag))
		return err == nil && hmac.Equal(got, tag)
	}
}

// readScrypt reads scrypt$N$salt$r$p$tag.
func readScrypt(rest string) matcher {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || parts[1] == "" {
		return nil
	}
	n, ok := cost(parts[0], "", 2, maxScrypt/128)
	r, ok2 := cost(parts[2], "", 1, 64)
	p, ok3 := cost(parts[3], "", 1, 64)
	if !ok || !ok2 || !ok3 || bits.OnesCount32(n) != 1 || 128*uint64(n)*uint64(r)*uint64(p) > maxScrypt {
		return nil
	}
	salt, tag := parts[1], readTag(parts[4], 64)
	if tag == nil {
		return nil
	}
	return func(_ *argon2.Deriver, plain string) bool {
		got, err := scrypt.Key([]byte(plain), []byte(salt), int(n), int(r), int(p), len(tag))
		return err == nil && hmac.Equal(got, tag)
	}
}

func readTag(s string, size int) []byte {
	tag, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(tag) != size {
		return nil
	}
	return tag
}

// bcrypts are the hashes of the versions without a bug, of cost 4 to 16.
var bcrypts = regexp.MustCompile(`^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$`)

// readBcrypt reads bcrypt$$2b$cost$salt+tag.
func readBcrypt(rest string, key func(plain string) []byte) matcher {
	if !bcrypts.MatchString(rest) {
		return nil
	}
	return func(_ *argon2.Deriver, plain string) bool {
		k := key(plain)
		same := bcrypt.CompareHashAndPassword([]byte(rest), k) == nil
		// Bcrypt repeats a short key with a zero byte between: "a\x00a" is "a"
		// to it. Django takes no such password.
		return same && !bytes.Contains(k, []byte{0})
	}
}

// bcryptKey is the 72 bytes that bcrypt looks at.
func bcryptKey(plain string) []byte { return []byte(plain[:min(len(plain), 72)]) }

func bcryptSHA256Key(plain string) []byte {
	sum := sha256.Sum256([]byte(plain))
	return hex.AppendEncode(nil, sum[:])
}

// ToDjango is the way back: a hash as Django stores it. A wrapped hash stays
// as it is: Django knows no such hasher, so nothing matches it, but unlike an
// unusable one it lets the person ask for a new password by mail.
func ToDjango(hash string) string {
	if _, err := parseOurs(hash); err == nil {
		return "argon2" + hash
	}
	if strings.HasPrefix(hash, "$") {
		return unusable
	}
	return hash
}

// unusable is as long as Django's own, so that nothing that looks at it
// stumbles. No secret hangs on it.
const unusable = "!Vt3kXw8RzQ5mYb1NcJ6hPf0sLgD9uTa2EoHi7Kx4"
