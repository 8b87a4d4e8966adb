package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length of a key of a [Box] in bytes.
const KeySize = chacha20poly1305.KeySize

// What is sealed looks like "enc1:", the fingerprint of the key, ":", nonce
// and ciphertext. The number is that of the form, for the day when there is
// another.
const (
	sealedPrefix = "enc1:"
	headerSize   = len(sealedPrefix) + fingerprintSize + 1

	fingerprintSize = 16
)

// What can be wrong with what is stored.
var (
	// ErrNoKey says that it is sealed and the box has no key at all.
	ErrNoKey = errors.New("is encrypted, and YOOZAK_ENCRYPTION_KEY is not set")

	// ErrDamaged says that it was changed since it was sealed, or was sealed
	// in another place.
	ErrDamaged = errors.New("was changed since it was encrypted")
)

// OtherKeyError says that it is sealed with a key that the box does not
// have. Fingerprints tell keys apart and nothing about them.
type OtherKeyError struct{ Sealed, Ours string }

// Error names the fingerprints.
func (e *OtherKeyError) Error() string {
	return fmt.Sprintf("is encrypted with the key of fingerprint %s, and that of YOOZAK_ENCRYPTION_KEY is %s", e.Sealed, e.Ours)
}

// Box encrypts what is stored, with XChaCha20-Poly1305, whose nonces are
// long enough to be random. What it seals opens only in the context in which
// it was sealed (the row's id, say), so that whoever can write to the
// database cannot exchange two sealed values. A nil *Box has no key: it
// leaves things in clear, and opens what is in clear.
type Box struct{ keys []boxKey } // the first seals, all open

type boxKey struct {
	fingerprint string
	aead        cipher.AEAD
}

// NewBox makes a box that seals with a key and opens also what the old one
// sealed. Without any key it returns nil.
func NewBox(key, old Bytes) (*Box, error) {
	b := &Box{}
	for _, k := range []Bytes{key, old} {
		if k.Empty() {
			continue
		}
		aead, err := chacha20poly1305.NewX(k.Reveal())
		if err != nil {
			return nil, err
		}
		b.keys = append(b.keys, boxKey{fingerprint(k), aead})
	}
	if len(b.keys) == 0 {
		return nil, nil //nolint:nilnil // the box that leaves things in clear
	}
	return b, nil
}

func fingerprint(key Bytes) string {
	sum := sha256.Sum256(append([]byte("yoozak encryption key\x00"), key.Reveal()...))
	return hex.EncodeToString(sum[:fingerprintSize/2])
}

// Seal returns what to store.
func (b *Box) Seal(plain Bytes, context string) Bytes {
	if b == nil {
		return plain
	}
	k := b.keys[0]
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	header := sealedPrefix + k.fingerprint + ":"
	stored := append([]byte(header), nonce...)
	return NewBytes(k.aead.Seal(stored, nonce, plain.Reveal(), []byte(header+context)))
}

// Open returns what was sealed, or what was stored in clear. The errors are
// [ErrNoKey], [*OtherKeyError] and [ErrDamaged].
func (b *Box) Open(stored Bytes, context string) (Bytes, error) {
	if !Sealed(stored) {
		return stored, nil
	}
	if b == nil {
		return Bytes{}, ErrNoKey
	}
	raw := stored.Reveal()
	if len(raw) < headerSize+chacha20poly1305.NonceSizeX {
		return Bytes{}, ErrDamaged
	}
	header, nonce, text := raw[:headerSize], raw[headerSize:headerSize+chacha20poly1305.NonceSizeX], raw[headerSize+chacha20poly1305.NonceSizeX:]
	for _, k := range b.keys {
		if string(header) != sealedPrefix+k.fingerprint+":" {
			continue
		}
		plain, err := k.aead.Open(nil, nonce, text, append(bytes.Clone(header), context...))
		if err != nil {
			return Bytes{}, ErrDamaged
		}
		return NewBytes(plain), nil
	}
	return Bytes{}, &OtherKeyError{Sealed: sealedWith(raw), Ours: b.keys[0].fingerprint}
}

// Sealed reports whether something is stored encrypted.
func Sealed(stored Bytes) bool { return bytes.HasPrefix(stored.Reveal(), []byte(sealedPrefix)) }

// Current reports whether something is stored as Seal would store it now.
func (b *Box) Current(stored Bytes) bool {
	if b == nil {
		return !Sealed(stored)
	}
	return bytes.HasPrefix(stored.Reveal(), []byte(sealedPrefix+b.keys[0].fingerprint+":"))
}

// sealedWith is the fingerprint that a stored value names, if it is one:
// whoever writes to the database could put anything there.
func sealedWith(raw []byte) string {
	text := raw[len(sealedPrefix):min(headerSize-1, len(raw))]
	if _, err := hex.DecodeString(string(text)); err != nil {
		return "(unreadable)"
	}
	return string(text)
}
