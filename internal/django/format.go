package django

import "strings"

// formats are the names that Django's hashes begin with. Any other beginning
// may be part of a password that somebody stored as it is, and is not named.
var formats = map[string]bool{
	"argon2": true, "pbkdf2_sha256": true, "pbkdf2_sha1": true, "bcrypt_sha256": true, "bcrypt": true,
	"scrypt": true, "md5": true, "sha1": true, "unsalted_md5": true, "unsalted_sha1": true, "crypt": true,
}

// format names the format of a hash, never more of it.
func format(hash string) string {
	name, _, found := strings.Cut(hash, "$")
	switch {
	case hash == "":
		return "none"
	case hash[0] == '!':
		return "unusable"
	case strings.HasPrefix(hash, "$argon2id$"):
		return "argon2"
	case found && formats[name]:
		return name
	case len(hash) == 32 && strings.Trim(hash, "0123456789abcdef") == "":
		return "unsalted_md5"
	}
	return "unknown"
}

// toDjango is a hash of ours as Django names it; others stay as they are.
func toDjango(hash string) string {
	if strings.HasPrefix(hash, "$argon2id$") {
		return "argon2" + hash
	}
	return hash
}
