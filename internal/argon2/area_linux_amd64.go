package argon2

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// areas lends memory to derivations. It lies outside Go's heap: so it costs
// no collection, can be on huge pages, and goes back to the system at once.
type areas struct {
	usual int // blocks of those that are kept
	mu    sync.Mutex
	free  []area // the one that was used last comes last
}

// area is mapped memory.
type area struct {
	mapped []byte
	blocks []block // within mapped
	used   time.Time
}

// keepFor is how long an area is kept while others are enough.
const keepFor = time.Second

// init says how much memory the usual derivation needs.
func (a *areas) init(memory uint32) {
	if memory > 0 {
		a.usual = int(input{memory: memory, lanes: 1}.blocks()) + scratchBlocks
	}
}

// derive derives a key. The error says that there is no memory.
func (a *areas) derive(in input) ([]byte, error) {
	n := int(in.blocks()) + scratchBlocks
	borrowed, err := a.take(n)
	if err != nil {
		return nil, err
	}
	defer func() {
		// Nothing is left there by which the password could be guessed faster
		// than by its hash. (Go's heap has the password itself, and h0, until
		// they are collected and written over, as with x/crypto.)
		clear(borrowed.blocks[:n])
		a.put(borrowed)
	}()
	return in.derive(borrowed.blocks[:n]), nil
}

func (a *areas) take(n int) (area, error) {
	if n > a.usual {
		return mapArea(n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := len(a.free) - 1; last >= 0 {
		taken := a.free[last]
		a.free[last] = area{} // no address of what may be unmapped stays in the heap
		a.free = a.free[:last]
		return taken, nil
	}
	return mapArea(a.usual)
}

func (a *areas) put(given area) {
	if len(given.blocks) != a.usual {
		given.unmap()
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	given.used = time.Now()
	a.free = append(a.free, given)
	if oldest := a.free[0]; given.used.Sub(oldest.used) > keepFor {
		last := copy(a.free, a.free[1:])
		a.free[last] = area{}
		a.free = a.free[:last]
		oldest.unmap()
	}
}

func (a *areas) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.free {
		f.unmap()
	}
	a.free = nil
}

// hugePage is the size of amd64's.
const hugePage = 2 << 20

// mapArea maps n blocks or more, all of them zero.
func mapArea(n int) (area, error) {
	size := n * blockSize
	mapped, err := unix.Mmap(-1, 0, size+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return area{}, err
	}
	// From where huge pages begin. What is not touched takes no memory.
	first := -uintptr(unsafe.Pointer(&mapped[0])) % hugePage //nolint:gosec // an address, to be rounded
	// An error means that the kernel does not do such things: it goes without.
	_ = unix.Madvise(mapped[first:][:size:size], unix.MADV_HUGEPAGE)
	_ = unix.Madvise(mapped, unix.MADV_DONTDUMP)
	blocks := unsafe.Slice((*block)(unsafe.Pointer(&mapped[first])), n) //nolint:gosec // n blocks are within mapped
	return area{mapped: mapped, blocks: blocks}, nil
}

func (a area) unmap() { _ = unix.Munmap(a.mapped) } // fails for what is not mapped
