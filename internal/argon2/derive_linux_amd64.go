package argon2

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/sys/cpu"
)

// The names are those of RFC 9106, section 3.2, where there are any.

// block is 1 KiB.
type block [128]uint64

const blockSize = 1024

const (
	slices   = 4    // of a lane; what stands between two is a point at which lanes wait for each other
	version  = 0x13 // v
	argon2id = 2    // y
)

func supported() bool { return cpu.X86.HasAVX2 }

// begin and finish are the compression function G of section 3.5: begin has
// out be x ^ y (or, with keep, out ^ x ^ y), q what the rows of x ^ y become,
// and completes the first four words of each row of out; finish completes the
// others. So out[0], which says what the next block needs, is known while
// three quarters of the columns are still to do: finish asks the processor to
// fetch it meanwhile. x or y may be out; q must be none of them.
//
//go:noescape
func begin(out, q, x, y *block, keep bool)

//go:noescape
func finish(out, q, next *block)

// blocks is how many there are: m'.
func (in input) blocks() uint32 {
	return max(in.memory/(slices*in.lanes), 2) * slices * in.lanes
}

// scratchBlocks are those that a derivation needs beside its memory. They are
// cleared with it.
const scratchBlocks = 5

// derive derives a key in an area of in.blocks() + scratchBlocks, whatever is
// in it.
func (in input) derive(area []block) []byte {
	m := in.blocks()
	f := filling{
		memory: area[:m], lanes: in.lanes, length: m / in.lanes, segment: m / in.lanes / slices, passes: in.time,
		q: &area[m], q2: &area[m+1], zero: &area[m+2], counter: &area[m+3], addresses: &area[m+4],
	}
	*f.zero = block{}
	f.start(in.h0())
	for pass := range in.time {
		for slice := range uint32(slices) {
			for lane := range in.lanes {
				f.fill(pass, slice, lane)
			}
		}
	}
	return f.tag(in.size)
}

// h0 is the digest of everything that the key depends on.
func (in input) h0() []byte {
	h, _ := blake2b.New512(nil) // fails for a key that is too long
	number := func(n uint32) { _, _ = h.Write(binary.LittleEndian.AppendUint32(nil, n)) }
	for _, n := range []uint32{in.lanes, in.size, in.memory, in.time, version, argon2id} {
		number(n)
	}
	for _, text := range [][]byte{in.password, in.salt, in.secret, in.data} {
		number(uint32(len(text))) //nolint:gosec // what a person typed is no 4 GiB
		_, _ = h.Write(text)
	}
	return h.Sum(nil)
}

// longHash fills out with H' of the texts, section 3.3.
func longHash(out []byte, texts ...[]byte) {
	h, _ := blake2b.New(min(len(out), blake2b.Size), nil)                   // fails for a size that is not 1 to 64
	_, _ = h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(out)))) //nolint:gosec // 1024, or a tag's size, which is 32 bits
	for _, text := range texts {
		_, _ = h.Write(text)
	}
	v := h.Sum(nil)
	for len(out) > blake2b.Size {
		copy(out, v[:blake2b.Size/2])
		out = out[blake2b.Size/2:]
		if h.Reset(); len(out) < blake2b.Size {
			h, _ = blake2b.New(len(out), nil)
		}
		_, _ = h.Write(v)
		v = h.Sum(v[:0])
	}
	copy(out, v)
}

// filling is a derivation under way.
type filling struct {
	memory  []block // lane after lane
	lanes   uint32
	length  uint32 // of a lane: q in the RFC
	segment uint32 // blocks of a slice of a lane
	passes  uint32

	q, q2, zero, counter, addresses *block // scratch; q2 is for the addresses
}

// start computes the first two blocks of each lane.
func (f *filling) start(h0 []byte) {
	var text [blockSize]byte
	defer clear(text[:])
	for lane := range f.lanes {
		for i := range uint32(2) {
			longHash(text[:], h0, binary.LittleEndian.AppendUint32(nil, i), binary.LittleEndian.AppendUint32(nil, lane))
			b := &f.memory[lane*f.length+i]
			for w := range b {
				b[w] = binary.LittleEndian.Uint64(text[8*w:])
			}
		}
	}
}

// tag is H' of the exclusive or of the lanes' last blocks.
func (f *filling) tag(size uint32) []byte {
	c := f.q
	*c = f.memory[f.length-1]
	for lane := uint32(1); lane < f.lanes; lane++ {
		for w, v := range f.memory[(lane+1)*f.length-1] {
			c[w] ^= v
		}
	}
	var text [blockSize]byte
	defer clear(text[:])
	for w, v := range c {
		binary.LittleEndian.PutUint64(text[8*w:], v)
	}
	tag := make([]byte, size)
	longHash(tag, text[:])
	return tag
}

// fill computes a segment: the blocks of one slice of one lane.
func (f *filling) fill(pass, slice, lane uint32) {
	i := uint32(0)
	if pass == 0 && slice == 0 {
		i = 2 // see start
	}
	if i == f.segment {
		return
	}
	w := f.window(pass, slice, lane)
	// Data-independent addressing, section 3.4.1.2: where the first half of the
	// first pass reads depends on no password.
	independent := pass == 0 && slice < slices/2
	if independent {
		*f.counter = block{uint64(pass), uint64(lane), uint64(slice), uint64(len(f.memory)), uint64(f.passes), argon2id}
		f.nextAddresses()
	}
	at := lane*f.length + slice*f.segment + i
	before := at - 1
	if at == lane*f.length {
		before = at + f.length - 1
	}
	j := f.memory[before][0]
	if independent {
		j = f.addresses[i]
	}
	reference := w.reference(i, j)
	for {
		out := &f.memory[at]
		begin(out, f.q, &f.memory[before], &f.memory[reference], pass > 0)
		i++
		if i == f.segment {
			finish(out, f.q, out)
			return
		}
		j = out[0]
		if independent {
			if i%uint32(len(f.addresses)) == 0 {
				f.nextAddresses()
			}
			j = f.addresses[i%uint32(len(f.addresses))]
		}
		reference = w.reference(i, j)
		finish(out, f.q, &f.memory[reference])
		before, at = at, at+1
	}
}

// nextAddresses computes the next 128 pairs J1, J2.
func (f *filling) nextAddresses() {
	f.counter[6]++
	compress := func(x *block) {
		begin(f.addresses, f.q2, f.zero, x, false)
		finish(f.addresses, f.q2, f.addresses)
	}
	compress(f.counter)
	compress(f.addresses)
}

// window is which blocks those of a segment may refer to: section 3.4.2.
type window struct {
	lane, lanes uint32
	length      uint32
	start       uint32 // where it begins in a lane
	size        uint32 // without those of the segment itself
	ownLane     bool   // only
}

func (f *filling) window(pass, slice, lane uint32) window {
	w := window{lane: lane, lanes: f.lanes, length: f.length, ownLane: f.lanes == 1 || pass == 0 && slice == 0}
	if pass == 0 {
		w.size = slice * f.segment
	} else {
		w.size = f.length - f.segment
		w.start = (slice + 1) % slices * f.segment
	}
	return w
}

// reference maps the pair J1, J2 to the block that the i-th of the segment
// refers to.
func (w *window) reference(i uint32, j uint64) uint32 {
	lane, size := w.lane, w.size+i-1
	if !w.ownLane {
		if lane = uint32(j>>32) % w.lanes; lane != w.lane {
			size = w.size
			if i == 0 {
				size--
			}
		}
	}
	x := j & 0xffffffff
	x = x * x >> 32
	z := w.start + size - 1 - uint32(uint64(size)*x>>32)
	if z >= w.length {
		z -= w.length
	}
	return lane*w.length + z
}
