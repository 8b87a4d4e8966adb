package secret_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/yoozak/clients/internal/secret"
)

func key(fill byte) secret.Bytes { return secret.NewBytes(bytes.Repeat([]byte{fill}, secret.KeySize)) }

func newBox(t *testing.T, key, old secret.Bytes) *secret.Box {
	t.Helper()
	b, err := secret.NewBox(key, old)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var plain = secret.NewBytes([]byte(planted))

func TestBoxOpensWhatItSealed(t *testing.T) {
	t.Parallel()
	one := newBox(t, key(1), secret.Bytes{})
	sealed := one.Seal(plain, "row 1")
	if bytes.Contains(sealed.Reveal(), []byte(planted)) || !secret.Sealed(sealed) || !one.Current(sealed) {
		t.Errorf("not sealed: %q", sealed.Reveal())
	}
	if again := one.Seal(plain, "row 1"); again.Equal(sealed) {
		t.Error("two seals of one text are the same: the nonce is not random")
	}
	if got, err := one.Open(sealed, "row 1"); err != nil || !got.Equal(plain) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := one.Open(plain, "row 1"); err != nil || !got.Equal(plain) || one.Current(plain) {
		t.Errorf("in clear: %v, %v", got, err)
	}
	changed := newBox(t, key(2), key(1))
	if got, err := changed.Open(sealed, "row 1"); err != nil || !got.Equal(plain) || changed.Current(sealed) {
		t.Errorf("with the key as the old one: %v, %v", got, err)
	}
	if sealed := changed.Seal(plain, "x"); !changed.Current(sealed) || one.Current(sealed) {
		t.Error("the old key seals")
	}
}

func TestBoxRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	one := newBox(t, key(1), secret.Bytes{})
	sealed := one.Seal(plain, "row 1").Reveal()
	for name, test := range map[string]struct {
		box     *secret.Box
		context string
		want    error // nil: an OtherKeyError
	}{
		"another row":       {one, "row 2", secret.ErrDamaged},
		"no key":            {nil, "row 1", secret.ErrNoKey},
		"another key":       {newBox(t, key(2), secret.Bytes{}), "row 1", nil},
		"two others":        {newBox(t, key(2), key(3)), "row 1", nil},
		"row moved by text": {one, "row 1\x00", secret.ErrDamaged},
	} {
		got, err := test.box.Open(secret.NewBytes(sealed), test.context)
		var other *secret.OtherKeyError
		if (test.want == nil) != errors.As(err, &other) || test.want != nil && !errors.Is(err, test.want) || !got.Empty() {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, test.want)
		}
	}
	for i := range sealed { // every bit of it matters
		for bit := range 8 {
			tampered := bytes.Clone(sealed)
			tampered[i] ^= 1 << bit
			if got, err := one.Open(secret.NewBytes(tampered), "row 1"); err == nil && got.Equal(plain) {
				t.Errorf("byte %d, bit %d: it opens", i, bit)
			}
		}
	}
	for n := range sealed {
		if got, err := one.Open(secret.NewBytes(sealed[:n]), "row 1"); err == nil && secret.Sealed(secret.NewBytes(sealed[:n])) {
			t.Errorf("cut to %d bytes: it opens as %q", n, got.Reveal())
		}
	}
}

func TestBoxWithoutAKeyLeavesThingsInClear(t *testing.T) {
	t.Parallel()
	none := newBox(t, secret.Bytes{}, secret.Bytes{})
	if none != nil || !none.Seal(plain, "x").Equal(plain) || !none.Current(plain) {
		t.Error("a box without a key does something")
	}
	if _, err := secret.NewBox(secret.NewBytes([]byte("short")), secret.Bytes{}); err == nil {
		t.Error("a short key is taken")
	}
}

func FuzzOpen(f *testing.F) {
	one, err := secret.NewBox(key(1), secret.Bytes{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one.Seal(plain, "row").Reveal())
	f.Add([]byte("enc1:"))
	f.Add([]byte("enc1:0123456789abcdef:"))
	f.Add([]byte("enc1:\xff\n"))
	f.Fuzz(func(t *testing.T, stored []byte) {
		got, err := one.Open(secret.NewBytes(stored), "another row")
		if err == nil && !bytes.Equal(got.Reveal(), stored) {
			t.Errorf("%q opens as %q", stored, got.Reveal())
		}
	})
}
