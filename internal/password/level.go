package password

import "time"

// level is to be called in the slot in which a hash was compared that is not
// what we would make now: Django's, or one of ours of another cost. Where that
// took less time than a hash of ours, it spends the rest of that time, so that
// a quick answer does not tell that somebody came from Django. What took
// longer cannot be hidden.
func (h *Hasher) level(began time.Time, plain string) {
	usual := time.Duration(h.usual.Load())
	if usual == 0 {
		h.nobody(plain)
		return
	}
	for {
		left := float64(usual-h.now().Sub(began)) / float64(usual)
		if left < 0.05 {
			return
		}
		p := h.params
		// Its time is that of its memory, or less, where the processor has room
		// for all of it: then there is a rest.
		p.Memory = max(uint32(left*float64(p.Memory)), 8*uint32(p.Threads))
		argon2Hash{variant: "argon2id", params: p, salt: make([]byte, saltSize), tag: make([]byte, tagSize)}.matches(h.deriver, plain)
	}
}

// nobody compares with a hash of ours that nothing matches, and notes how
// long that takes: the shortest of late, which was least disturbed.
func (h *Hasher) nobody(plain string) {
	began := h.now()
	argon2Hash{variant: "argon2id", params: h.params, salt: make([]byte, saltSize), tag: make([]byte, tagSize)}.matches(h.deriver, plain)
	took, usual := int64(h.now().Sub(began)), h.usual.Load()
	if usual == 0 || took < usual {
		h.usual.Store(took)
		return
	}
	h.usual.Store(usual + usual/64) // forget slowly: the machine may have become slower
}
