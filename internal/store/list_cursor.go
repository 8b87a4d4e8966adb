package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A cursor is the place where a page ended, which may be somebody's address
// or name, and stands in URLs. So it is encrypted, by a key that all servers have;
// that also binds it to its list, and shows what was tampered with.

// cursorText is what a cursor says.
type cursorText struct {
	place
	Back  bool `json:"b,omitempty"` // the page ends before the place
	given bool
}

// cursorSecret is the name of the key of cursors.
const cursorSecret = "list cursors" //nolint:gosec // its name

// sealCursor makes a cursor of a list.
func (s *Store) sealCursor(ctx context.Context, c cursorText, f UserFilter, o UserOrdering) (string, error) {
	aead, err := s.cursorCipher(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // it never fails
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, text, listDigest(f, o))), nil
}

// openCursor reads a cursor, or returns [ErrCursor].
func (s *Store) openCursor(ctx context.Context, cursor string, f UserFilter, o UserOrdering) (c cursorText, err error) {
	if cursor == "" {
		return c, nil
	}
	aead, err := s.cursorCipher(ctx)
	if err != nil {
		return c, err
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(sealed) < aead.NonceSize() {
		return c, ErrCursor
	}
	text, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], listDigest(f, o))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return c, ErrCursor
	}
	c.given = true
	return c, nil
}

// listDigest says which list it is.
func listDigest(f UserFilter, o UserOrdering) []byte {
	text, err := json.Marshal(struct {
		UserFilter
		UserOrdering
	}{f.inUTC(), o})
	if err != nil {
		panic(err) // of plain fields; a year that JSON does not write was refused
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

func (f UserFilter) inUTC() UserFilter {
	for _, at := range []*time.Time{&f.JoinedAfter, &f.JoinedBefore, &f.LastLoginAfter, &f.LastLoginBefore} {
		*at = at.UTC()
	}
	return f
}

// cursorCipher is that of the key of cursors, which is made when it is first
// needed.
func (s *Store) cursorCipher(ctx context.Context) (cipher.AEAD, error) {
	if aead := s.cursors.Load(); aead != nil {
		return *aead, nil
	}
	key, err := s.Secret(ctx, cursorSecret)
	if errors.Is(err, ErrNotFound) {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh) // it never fails
		create := func(ctx context.Context, tx *Store) error {
			return tx.CreateSecret(ctx, cursorSecret, fresh, time.Now())
		}
		if s.db == nil {
			err = create(ctx, s)
		} else {
			err = s.Tx(ctx, create)
		}
		if err == nil {
			key, err = s.Secret(ctx, cursorSecret)
		}
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("read the key of cursors: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err == nil {
		s.cursors.Store(&aead)
	}
	return aead, err
}
