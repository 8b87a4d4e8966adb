package argon2

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	portable "golang.org/x/crypto/argon2"
	"golang.org/x/sys/unix"

	"github.com/yoozak/clients/internal/yoozaktest"
)

// needs stops a test on a machine on which there is nothing to test.
func needs(t testing.TB) {
	t.Helper()
	if !supported() {
		t.Fatal("this processor has no AVX2, so that nothing of this package is tested")
	}
}

// TestKnownAnswers were made by the Argon2 authors' C code: testdata/record.sh.
// The last is that of RFC 9106.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	needs(t)
	data, err := os.ReadFile("testdata/known.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Password, Salt, Tag         string
		Time, Memory, Lanes, Length uint32
	}
	if err := json.Unmarshal(data, &rows); err != nil || len(rows) < 40 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var a areas
	a.init(64)
	for _, row := range rows {
		in := input{password: []byte(row.Password), salt: []byte(row.Salt), time: row.Time, memory: row.Memory, lanes: row.Lanes, size: row.Length}
		if err := (knownAnswer{in, row.Tag}).check(&a); err != nil {
			t.Errorf("%+v: %v", row, err)
		}
	}
	for _, k := range knownAnswers {
		if err := k.check(&a); err != nil {
			t.Errorf("%+v: %v", k, err)
		}
	}
}

func TestCheckFindsAWrongKey(t *testing.T) {
	t.Parallel()
	needs(t)
	if err := Check(); err != nil || !Available() {
		t.Errorf("our code does not pass its check: %v", err)
	}
	for _, k := range knownAnswers {
		var a areas
		k.input.password = append([]byte{0}, k.input.password...)
		if err := k.check(&a); err == nil {
			t.Errorf("another password has the key %s", k.tag)
		}
	}
}

// random is a source of inputs that are the same each time.
type random struct{ *rand.Rand }

func (r random) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestKeysAreThoseOfXCrypto derives in areas in which everything may stand.
func TestKeysAreThoseOfXCrypto(t *testing.T) {
	t.Parallel()
	needs(t)
	r := random{rand.New(rand.NewPCG(9106, 0x13))}
	var dirty areas
	dirty.init(19456)
	for i := range yoozaktest.Long(400, 20000) {
		in := input{
			password: r.bytes(r.IntN(140)), salt: r.bytes(r.IntN(80)),
			time: 1 + r.Uint32N(4), memory: r.Uint32N(600), lanes: 1 + r.Uint32N(6), size: 4 + r.Uint32N(197),
		}
		if i%40 == 0 { // a whole one
			in.time, in.memory = 1+r.Uint32N(2), 19456-r.Uint32N(64)
		}
		same(t, &dirty, in)
	}
	for _, in := range []input{{}, {salt: []byte("salt")}, {password: []byte("x")}, {password: r.bytes(1 << 16), salt: r.bytes(1 << 12)}} {
		for lanes := range uint32(6) {
			for passes := range uint32(4) {
				in.time, in.memory, in.lanes, in.size = passes+1, 8*(lanes+1)+passes, lanes+1, 32
				same(t, &dirty, in)
			}
		}
	}
}

// same compares our key with x/crypto's, in an area that is full of what
// looks like results.
func same(t *testing.T, a *areas, in input) {
	t.Helper()
	n := int(in.blocks()) + scratchBlocks
	dirt, err := a.take(n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range dirt.blocks[:n] {
		for w := range dirt.blocks[i] {
			dirt.blocks[i][w] = uint64(i*w) * 0x9e3779b97f4a7c15
		}
	}
	got := in.derive(dirt.blocks[:n])
	a.put(dirt)
	want := portable.IDKey(in.password, in.salt, in.time, in.memory, uint8(in.lanes), in.size)
	if !bytes.Equal(got, want) {
		t.Fatalf("t=%d m=%d p=%d size %d password %x salt %x:\ngot  %x\nwant %x", in.time, in.memory, in.lanes, in.size, in.password, in.salt, got, want)
	}
}

func FuzzKeysAreThoseOfXCrypto(f *testing.F) {
	needs(f)
	f.Add([]byte("kV7#pazouk-42lemon"), []byte("0123456789abcdef"), uint8(2), uint16(64), uint8(1), uint8(32), false)
	f.Add([]byte(""), []byte(""), uint8(1), uint16(0), uint8(6), uint8(4), true)
	f.Add([]byte("x"), []byte("0123456789abcdef"), uint8(4), uint16(1024), uint8(3), uint8(200), false)
	f.Add([]byte("x"), []byte("0123456789abcdef"), uint8(252), uint16(19456), uint8(1), uint8(64), false)
	var areas [2]Deriver
	areas[0].fast = true
	areas[0].areas.init(128)
	f.Fuzz(func(t *testing.T, password, salt []byte, time uint8, memory uint16, lanes, size uint8, off bool) {
		passes, m, p, n := uint32(time)%4+1, uint32(memory)%1024, lanes%6+1, uint32(size)%200+1
		if time > 250 { // few are large: they take long
			m = uint32(memory) % 19457
		}
		d := &areas[0]
		if off {
			d = &areas[1]
		}
		got, want := d.IDKey(password, salt, passes, m, p, n), portable.IDKey(password, salt, passes, m, p, n)
		if !bytes.Equal(got, want) {
			t.Errorf("t=%d m=%d p=%d size %d:\ngot  %x\nwant %x", passes, m, p, n, got, want)
		}
	})
}

// TestBlocks compares begin and finish with G as section 3.5 of the RFC has
// it, on words at which carries and products are at their limits.
func TestBlocks(t *testing.T) {
	t.Parallel()
	needs(t)
	r := random{rand.New(rand.NewPCG(3, 5))}
	extreme := []uint64{0, 1, 1<<64 - 1, 1 << 63, 1<<63 - 1, 0xffffffff, 0xffffffff00000000, 0x80000000, 0x7fffffff, 0x8000000080000000, 0x0123456789abcdef}
	word := func(kind int) uint64 {
		switch kind {
		case 0:
			return extreme[r.IntN(len(extreme))]
		case 1:
			return r.Uint64()
		}
		return extreme[kind%len(extreme)]
	}
	for i := range yoozaktest.Long(20000, 2000000) {
		var x, y, old, q, out block
		for w := range x {
			x[w], y[w], old[w], q[w] = word(i%13), word(i/13%13), r.Uint64(), r.Uint64()
		}
		want := compress(&x, &y)
		kept := want
		for w := range kept {
			kept[w] ^= old[w]
		}
		both := func(out, x, y *block, keep bool) {
			begin(out, &q, x, y, keep)
			for row := range 8 {
				first := *out
				if want := [4]uint64(want[16*row : 16*row+4]); !keep && [4]uint64(first[16*row:16*row+4]) != want {
					t.Fatalf("round %d: begin leaves row %d with %x, want %x", i, row, first[16*row:16*row+4], want)
				}
			}
			finish(out, &q, x)
		}
		if both(&out, &x, &y, false); out != want {
			t.Fatalf("round %d: G(x, y) is wrong", i)
		}
		out = old
		if both(&out, &x, &y, true); out != kept {
			t.Fatalf("round %d: what was there before is not kept", i)
		}
		inX, inY := x, y
		if both(&inX, &inX, &y, false); inX != want {
			t.Fatalf("round %d: G(x, y) in x is wrong", i)
		}
		if both(&inY, &x, &inY, false); inY != want {
			t.Fatalf("round %d: G(x, y) in y is wrong", i)
		}
	}
}

// compress is G, slowly: R = X ^ Y is 8 rows of 8 pairs of words; P on the
// rows gives Q, P on the columns of Q gives Z; the result is Z ^ R.
func compress(x, y *block) block {
	var r block
	for w := range r {
		r[w] = x[w] ^ y[w]
	}
	z := r
	for row := range 8 {
		var at [16]int
		for w := range at {
			at[w] = 16*row + w
		}
		permute(&z, at)
	}
	for column := range 8 {
		var at [16]int
		for w := range at {
			at[w] = 16*(w/2) + 2*column + w%2
		}
		permute(&z, at)
	}
	for w := range z {
		z[w] ^= r[w]
	}
	return z
}

// permute is P of section 3.6 on sixteen of a block's words.
func permute(b *block, at [16]int) {
	for _, g := range [][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}, {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}} {
		a, b, c, d := &b[at[g[0]]], &b[at[g[1]]], &b[at[g[2]]], &b[at[g[3]]]
		add := func(a, b uint64) uint64 { return a + b + 2*(a&0xffffffff)*(b&0xffffffff) }
		*a = add(*a, *b)
		*d = bits.RotateLeft64(*d^*a, -32)
		*c = add(*c, *d)
		*b = bits.RotateLeft64(*b^*c, -24)
		*a = add(*a, *b)
		*d = bits.RotateLeft64(*d^*a, -16)
		*c = add(*c, *d)
		*b = bits.RotateLeft64(*b^*c, -63)
	}
}

// TestNothingOutsideTheAreaIsTouched derives in areas between pages that
// nobody may read: whoever does ends the process.
func TestNothingOutsideTheAreaIsTouched(t *testing.T) {
	t.Parallel()
	needs(t)
	page := os.Getpagesize()
	for _, in := range []input{
		{time: 1, memory: 8, lanes: 1, size: 32}, {time: 2, memory: 64, lanes: 2, size: 64}, {time: 3, memory: 200, lanes: 6, size: 200},
		{time: 2, memory: 4096, lanes: 1, size: 32}, {time: 2, memory: 19456, lanes: 1, size: 32},
	} {
		in.password, in.salt = []byte("kV7#pazouk-42lemon"), []byte("0123456789abcdef")
		n := int(in.blocks()) + scratchBlocks
		size := (n*blockSize + page - 1) / page * page
		mapped, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		for _, guard := range [][]byte{mapped[:page], mapped[page+size:]} {
			if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
				t.Fatal(err)
			}
		}
		want := portable.IDKey(in.password, in.salt, in.time, in.memory, uint8(in.lanes), in.size)
		for _, first := range []int{page, page + size - n*blockSize} { // against either end
			area := unsafe.Slice((*block)(unsafe.Pointer(&mapped[first])), n)
			if got := in.derive(area); !bytes.Equal(got, want) {
				t.Errorf("%+v: got %x, want %x", in, got, want)
			}
		}
		if err := unix.Munmap(mapped); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	needs(t)
	d := New(Options{Memory: 1024})
	defer d.Release()
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			salt := binary.LittleEndian.AppendUint64(nil, uint64(worker))
			for i := range uint32(12) {
				passes, memory := i%3+1, uint32(256)<<(i%4) // smaller, usual and larger areas
				got := d.IDKey([]byte("x"), salt, passes, memory, 1, 32)
				if want := portable.IDKey([]byte("x"), salt, passes, memory, 1, 32); !bytes.Equal(got, want) {
					t.Errorf("t=%d m=%d: got %x, want %x", passes, memory, got, want)
				}
				if worker == 0 {
					d.Release() // of what the others do not use
				}
			}
		})
	}
	wg.Wait()
}

func TestMemoryIsClearedAndGoesBack(t *testing.T) {
	t.Parallel()
	needs(t)
	d := New(Options{Memory: 256})
	for _, memory := range []uint32{256, 64, 512} {
		d.IDKey([]byte("x"), []byte("0123456789abcdef"), 2, memory, 1, 32)
		if len(d.areas.free) != 1 || len(d.areas.free[0].blocks) != 256+scratchBlocks {
			t.Fatalf("after a key of %d KiB: %d areas are kept, want one of the usual size", memory, len(d.areas.free))
		}
		for i, b := range d.areas.free[0].blocks {
			if b != (block{}) {
				t.Fatalf("block %d is not cleared", i)
			}
		}
	}
	// Two at once leave two; the one that nobody needs goes.
	one, err := d.areas.take(8)
	two, err2 := d.areas.take(8)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	d.areas.put(one)
	d.areas.free[0].used = time.Now().Add(-2 * keepFor)
	d.areas.put(two)
	if len(d.areas.free) != 1 {
		t.Errorf("%d areas are kept, want the one that is used", len(d.areas.free))
	}
	// The collector takes an address in the heap that is not mapped any more,
	// and is given to Go later, for a mistake that ends the process.
	for _, f := range d.areas.free[1:cap(d.areas.free)] {
		if f.mapped != nil {
			t.Error("the address of an area that was given back is still in the heap")
		}
	}
	d.Release()
	if len(d.areas.free) != 0 {
		t.Errorf("%d areas are kept after Release", len(d.areas.free))
	}
}

func TestNothingIsAllocatedForEachBlock(t *testing.T) {
	needs(t)
	d := New(Options{Memory: 1024})
	defer d.Release()
	salt := []byte("0123456789abcdef")
	if n := testing.AllocsPerRun(10, func() { d.IDKey(salt, salt, 2, 1024, 1, 32) }); n > 50 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkIDKey(b *testing.B) {
	salt := []byte("0123456789abcdef")
	for name, o := range map[string]Options{"ours": {Memory: 19456}, "x-crypto": {Memory: 19456, Portable: true}} {
		b.Run(name, func(b *testing.B) {
			d := New(o)
			defer d.Release()
			for b.Loop() {
				d.IDKey(salt, salt, 2, 19456, 1, 32)
			}
		})
	}
}

func BenchmarkBlock(b *testing.B) {
	needs(b)
	var x, y, q, out block
	for b.Loop() {
		begin(&out, &q, &x, &y, true)
		finish(&out, &q, &x)
	}
}
