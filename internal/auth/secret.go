package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync/atomic"
)

// guardSecret signs device tokens and hides what limits are counted by. It is
// random, the same for all servers and never changes: who has it can give
// themselves more tries at a password, and nothing else.
type guardSecret [sha256.Size]byte

// secret returns the guard's secret, and makes it the first time.
func (s *Service) secret(ctx context.Context) (*guardSecret, error) {
	if known := s.guard.secret.Load(); known != nil {
		return known, nil
	}
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // never fails: crypto/rand ends the process instead
	value, err := s.store.Secret(ctx, "guard", fresh, s.o.Now())
	if err != nil {
		return nil, err
	}
	known := (*guardSecret)(value)
	s.guard.secret.Store(known)
	return known, nil
}

// limitSecret is the guard's secret, or nil where limits are off. The first
// time it needs a transaction of its own: what runs in a transaction is given
// the secret, and does not ask for it.
func (s *Service) limitSecret(ctx context.Context) (*guardSecret, error) {
	if s.o.Limits == nil {
		return nil, nil //nolint:nilnil // there is nothing to sign or to hide
	}
	return s.secret(ctx)
}

// mac is for one purpose, so that what it gives for one is worthless for
// another.
func (g *guardSecret) mac(purpose string, data []byte) []byte {
	h := hmac.New(sha256.New, g[:])
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write(data)
	return h.Sum(nil)
}

// key is what is stored instead of a name, an address or an id: people type
// passwords where a name should be. 144 bits are enough not to meet by chance.
func (g *guardSecret) key(purpose, text string) string {
	return base64.RawURLEncoding.EncodeToString(g.mac(purpose, []byte(text))[:18])
}

type secretPointer = atomic.Pointer[guardSecret]
