package password

import (
	"context"
	"errors"
	"strings"

	"github.com/yoozak/clients/internal/argon2"
)

var errNotWeak = errors.New("not a salted md5 or sha1 hash")

// WrapWeak puts Argon2id over a salted md5 or sha1 hash of Django's, without
// the password, so that a stolen table is as slow to guess as if everybody
// had logged in since: wrapped$md5$salt$argon2id$v=19$…. It refuses any other
// hash.
func (h *Hasher) WrapWeak(ctx context.Context, hash string) (wrapped string, err error) {
	name, rest, _ := strings.Cut(hash, "$")
	salt, digest, ok := splitWeak(name, rest)
	if !ok {
		return "", errNotWeak
	}
	err = h.run(ctx, func() { wrapped = "wrapped$" + name + "$" + salt + newHash(h.deriver, digest, h.params) })
	return wrapped, err
}

// readWrapped reads md5$salt$argon2id$….
func readWrapped(rest string) matcher {
	parts := strings.SplitN(rest, "$", 3)
	if len(parts) != 3 || weakDigests[parts[0]] == nil || parts[1] == "" {
		return nil
	}
	weak, salt := weakDigests[parts[0]], parts[1]
	outer, err := parseOurs("$" + parts[2])
	if err != nil {
		return nil
	}
	return func(d *argon2.Deriver, plain string) bool { return outer.matches(d, weak(salt+plain)) }
}
