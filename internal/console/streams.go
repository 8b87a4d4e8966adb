package console

import "sync"

// mostStreams is how many streams one of the staff may have open here.
const mostStreams = 3

// streams counts those that are open.
type streams struct {
	mu   sync.Mutex
	open map[int64]int
}

func (s *streams) enter(userID int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[int64]int{}
	}
	if s.open[userID] >= mostStreams {
		return false
	}
	s.open[userID]++
	return true
}

func (s *streams) leave(userID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[userID]--; s.open[userID] == 0 {
		delete(s.open, userID)
	}
}
