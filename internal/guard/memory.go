package guard

import (
	"container/heap"
	"sync"
	"time"
)

// memory counts the uses of one quota in this process, in a bounded number of
// keys. When it is full, the key that is whole again first makes room: the
// one that would be forgotten first anyway. So who wants somebody else's count
// forgotten needs as many keys as there are places, each used more than that
// one. Each quota has a memory of its own, or keys of a slow one would push
// out all of a quick one.
type memory struct {
	mu     sync.Mutex
	counts map[string]*count
	queue  queue // of the same
}

// count is a key and when its quota is whole again, since the limiter began:
// the theoretical arrival time of the algorithm.
type count struct {
	key   string
	whole time.Duration
	place int // in the queue
}

// places is how many keys a memory has, about 4 MiB when full.
const places = 1 << 15

func newMemory() *memory { return &memory{counts: map[string]*count{}} }

// take counts one use and returns zero, or counts nothing and returns how
// long to wait.
func (m *memory) take(key string, q Quota, now time.Duration) (wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counts[key]
	if c == nil {
		m.add(key, now+q.every())
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
	m.add(key, whole)
}

func (m *memory) add(key string, whole time.Duration) {
	if len(m.queue) == places {
		delete(m.counts, heap.Pop(&m.queue).(*count).key)
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
