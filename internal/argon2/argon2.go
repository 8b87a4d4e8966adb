// Package argon2 derives Argon2id keys (RFC 9106, version 0x13). On Linux,
// where the processor has AVX2, it is code of our own, more than twice as
// fast as golang.org/x/crypto/argon2; elsewhere, and where that code does not
// pass its own check, it is that package. Both give the same keys.
//
// What may be relied on: the memory of a key lies outside Go's heap, is
// cleared after use and is in no core dump; the first half of the first pass
// reads memory in an order that does not depend on the password (section
// 3.4.1.3), so that who sees which memory is read learns of it at most what
// Argon2id lets them learn. It refuses Argon2d, Argon2i and version 0x10.
// Decision 18 says why we have it and what holds it.
package argon2

import (
	"bytes"
	"encoding/hex"
	"errors"
	"sync"

	portable "golang.org/x/crypto/argon2"
)

// Options configure a [Deriver].
type Options struct {
	Memory   uint32 // KiB of the usual key: memory of this size is used again
	Portable bool   // use x/crypto's code, whatever the processor has
}

// Deriver derives keys. It is safe for concurrent use; each key under way has
// memory of its own.
type Deriver struct {
	areas areas
	fast  bool
}

// New makes a Deriver, which maps memory when it needs some.
func New(o Options) *Deriver {
	d := &Deriver{fast: !o.Portable && Available()}
	d.areas.init(o.Memory)
	return d
}

// IDKey is the Argon2id key of a password, as x/crypto's function of this
// name gives it. It runs on one thread, however many lanes there are.
func (d *Deriver) IDKey(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte {
	if d.fast && time > 0 && threads > 0 && size > 0 { // what x/crypto says of others stays its business
		in := input{password: password, salt: salt, time: time, memory: memory, lanes: uint32(threads), size: size}
		if tag, err := d.areas.derive(in); err == nil {
			return tag
		}
		// No memory could be mapped. Go's heap may have some.
	}
	return portable.IDKey(password, salt, time, memory, threads, size)
}

// Release gives the memory back that no key uses.
func (d *Deriver) Release() { d.areas.release() }

// input is what a key is derived from; see RFC 9106, section 3.1.
type input struct {
	password, salt, secret, data []byte
	time                         uint32 // passes
	memory                       uint32 // KiB
	lanes                        uint32
	size                         uint32 // of the tag, in bytes
}

// Available reports whether this package's own code can be used here.
func Available() bool { return supported() && Check() == nil }

// Check derives a few keys that are known, with the code of this package, the
// first time that it is called, in a millisecond or two. It returns what is
// wrong with it: then every Deriver uses x/crypto's.
var Check = sync.OnceValue(func() error {
	if !supported() {
		return nil
	}
	var a areas // which keeps none
	for _, known := range knownAnswers {
		if err := known.check(&a); err != nil {
			return err
		}
	}
	return nil
})

// knownAnswer is a key in hexadecimal digits and what it is derived from.
type knownAnswer struct {
	input input
	tag   string
}

func (k knownAnswer) check(a *areas) error {
	tag, err := a.derive(k.input)
	if err == nil && hex.EncodeToString(tag) != k.tag {
		err = errors.New("a known Argon2id key came out wrong")
	}
	return err
}

// knownAnswers are not made by the code that they check: the first is that of
// RFC 9106, section 5.3; the others are of the Argon2 authors' C code.
var knownAnswers = []knownAnswer{
	{
		input{
			password: bytes.Repeat([]byte{1}, 32), salt: bytes.Repeat([]byte{2}, 16), secret: bytes.Repeat([]byte{3}, 8), data: bytes.Repeat([]byte{4}, 12),
			time: 3, memory: 32, lanes: 4, size: 32,
		},
		"0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
	},
	{
		input{password: []byte("kV7#pazouk-42lemon"), salt: []byte("0123456789abcdef"), time: 2, memory: 1028, lanes: 1, size: 32},
		"c3d6a7b75d5f5c79572230415737c7f8d8f5be80b849edd38b29e71db907a975",
	},
	{
		input{password: []byte("kV7#pazouk-42lemon"), salt: []byte("0123456789abcdef"), time: 4, memory: 24, lanes: 3, size: 32},
		"755f632d0242c28e530dc9cb2adfc868fe11a9cf662bee02642f8db7e50b6e1d",
	},
}
