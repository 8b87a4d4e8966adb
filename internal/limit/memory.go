package limit

import (
	"container/heap"
	"sync"
	"time"
)

// memory counts in this process, in a bounded number of keys. When all are
// in use, the key whose quota is whole again first makes room: the one that
// would be forgotten first anyway. So who wants a count of somebody else's
// forgotten needs more keys than there are places, and has to use up each of
// them for a longer time than that count is for.
type memory struct {
	mu     sync.Mutex
	places int
	counts map[string]*count
	queue  queue
}

// count is a key and when its quota is whole again, since the limiter began:
// the theoretical arrival time of the algorithm.
type count struct {
	key   string
	whole time.Duration
	place int // in the queue
}

func newMemory(places int) *memory {
	return &memory{places: places, counts: map[string]*count{}}
}

// take counts one use and returns zero, or counts nothing and returns how
// long to wait.
func (m *memory) take(key string, q Quota, now time.Duration) (wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counts[key]
	if c == nil {
		m.add(key, now+q.every(), now)
		return 0
	}
	if wait := c.whole - q.burst() - now; wait > 0 {
		return wait
	}
	c.whole = max(c.whole, now) + q.every()
	heap.Fix(&m.queue, c.place)
	return 0
}

// wait returns how long to wait for a use, and counts none.
func (m *memory) wait(key string, q Quota, now time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.counts[key]; c != nil {
		return max(0, c.whole-q.burst()-now)
	}
	return 0
}

// refuse notes that the quota of a key is used up for as long as wait.
func (m *memory) refuse(key string, q Quota, now, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	whole := now + wait + q.burst()
	if c := m.counts[key]; c != nil {
		c.whole = whole
		heap.Fix(&m.queue, c.place)
		return
	}
	m.add(key, whole, now)
}

// add has a new key counted. Two that are whole again go for each that comes,
// so that they do not stay for long.
func (m *memory) add(key string, whole, now time.Duration) {
	for range 2 {
		if len(m.queue) >= m.places || len(m.queue) > 0 && m.queue[0].whole <= now {
			delete(m.counts, heap.Pop(&m.queue).(*count).key)
		}
	}
	c := &count{key: key, whole: whole}
	m.counts[key] = c
	heap.Push(&m.queue, c)
}

// queue is a heap of counts, that which is whole again first at the top.
type queue []*count

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].whole < q[j].whole }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push appends a count.
func (q *queue) Push(c any) {
	c.(*count).place = len(*q)
	*q = append(*q, c.(*count))
}

// Pop takes the last count.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	return last
}
