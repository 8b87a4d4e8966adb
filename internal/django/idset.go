package django

// idSet holds ids that mostly follow one another: a bit each. The zero value
// is empty.
type idSet struct{ blocks map[int64]*[8]uint64 }

func (s *idSet) has(id int64) bool {
	b := s.blocks[id>>9]
	return b != nil && b[id>>6&7]&(1<<(id&63)) != 0
}

// add reports whether the id is new.
func (s *idSet) add(id int64) bool {
	if s.has(id) {
		return false
	}
	if s.blocks == nil {
		s.blocks = map[int64]*[8]uint64{}
	}
	b := s.blocks[id>>9]
	if b == nil {
		b = new([8]uint64)
		s.blocks[id>>9] = b
	}
	b[id>>6&7] |= 1 << (id & 63)
	return true
}
