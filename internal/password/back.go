package password

import "strings"

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
