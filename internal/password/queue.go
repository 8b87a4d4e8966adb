package password

import (
	"slices"
	"sync"
	"time"
)

// aheadInARow is how many jobs of [WithPriority] are done before one of the others
// has its turn: however many of those we know ask, strangers go on, too.
const aheadInARow = 3

// job is one hash to do.
type job struct {
	do     func()
	client string // whose turn it takes; see [ForClient]
	ahead  bool
	since  time.Time // when it began to wait
	done   chan struct{}
	err    error // why it was not done; set before done is closed
}

// queue holds the jobs that wait, those of [WithPriority] apart from the others. It
// is safe for concurrent use.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond
	closed bool
	ahead  turns
	others turns
	inARow int // jobs of ahead since the last of the others
}

func newQueue(size int) *queue {
	q := &queue{ahead: newTurns(size), others: newTurns(size)}
	q.filled.L = &q.mu
	return q
}

// add reports whether the job waits now.
func (q *queue) add(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !q.turnsOf(j).add(j) {
		return false
	}
	q.filled.Signal()
	return true
}

// next waits for a job and takes it; nil says that the queue was closed.
func (q *queue) next() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && q.ahead.waiting+q.others.waiting == 0 {
		q.filled.Wait()
	}
	switch {
	case q.closed:
		return nil
	case q.ahead.waiting > 0 && (q.others.waiting == 0 || q.inARow < aheadInARow):
		q.inARow++
		return q.ahead.next()
	}
	q.inARow = 0
	return q.others.next()
}

// remove takes a job out whose caller waits no longer, and reports whether it
// was still there.
func (q *queue) remove(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.turnsOf(j).remove(j)
}

// close refuses every job that waits, and all that come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, t := range []*turns{&q.ahead, &q.others} {
		for t.waiting > 0 {
			t.next().refuse()
		}
	}
	q.filled.Broadcast()
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ahead.waiting + q.others.waiting
}

func (q *queue) turnsOf(j *job) *turns {
	if j.ahead {
		return &q.ahead
	}
	return &q.others
}

func (j *job) refuse() {
	j.err = ErrBusy
	close(j.done)
}

// turns is a queue that clients share fairly: each has a line of its own, the
// lines take turns, and where there is no more room it is the longest line
// that loses its last job. So one client may have all the room that nobody
// else wants, and no client keeps another from getting in.
type turns struct {
	size    int // the most jobs
	waiting int
	lines   []*line // the first has the next turn; none is empty
	of      map[string]*line
}

type line struct {
	client string
	jobs   []*job
}

func newTurns(size int) turns { return turns{size: size, of: map[string]*line{}} }

// add reports whether there was room for the job, or another had to make it.
func (t *turns) add(j *job) bool {
	own := t.of[j.client]
	if t.waiting >= t.size && !t.makeRoom(own) {
		return false
	}
	if own == nil {
		own = &line{client: j.client}
		t.of[j.client] = own
		t.lines = append(t.lines, own)
	}
	own.jobs = append(own.jobs, j)
	t.waiting++
	return true
}

// makeRoom refuses the last job of the longest line, unless the line that
// wants the room would then be as long.
func (t *turns) makeRoom(wants *line) bool {
	has := 0
	if wants != nil {
		has = len(wants.jobs)
	}
	longest := slices.MaxFunc(t.lines, func(a, b *line) int { return len(a.jobs) - len(b.jobs) })
	if len(longest.jobs) <= has+1 {
		return false
	}
	last := longest.jobs[len(longest.jobs)-1]
	t.remove(last)
	last.refuse()
	return true
}

// next takes the first job of the line whose turn it is.
func (t *turns) next() *job {
	l := t.lines[0]
	j := l.jobs[0]
	t.lines = append(slices.Delete(t.lines, 0, 1), l)
	t.remove(j)
	return j
}

// remove reports whether the job was there.
func (t *turns) remove(j *job) bool {
	l := t.of[j.client]
	if l == nil {
		return false
	}
	i := slices.Index(l.jobs, j)
	if i < 0 {
		return false
	}
	l.jobs = slices.Delete(l.jobs, i, i+1)
	t.waiting--
	if len(l.jobs) == 0 {
		delete(t.of, l.client)
		t.lines = slices.DeleteFunc(t.lines, func(o *line) bool { return o == l })
	}
	return true
}
