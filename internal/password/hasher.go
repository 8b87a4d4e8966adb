// Package password hashes passwords with Argon2id, verifies the hashes that
// ToDjango made, and says which passwords are good enough. Hashing is slow on
// purpose, so a [Hasher] runs few at once, on threads of their own, and refuses
// what it could not do in time rather than piling it up. The package keeps
// nothing and never shows a password.
package password

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/yoozak/clients/internal/argon2"
	"github.com/yoozak/clients/internal/trace"
)

// Options configure a [Hasher]. The zero value of a field means its default.
type Options struct {
	Params Params        // of new hashes; [Default]
	Slots  int           // hashes at once; the number of cores
	Wait   time.Duration // how long a caller queues; 5 s
	Queue  int           // the most callers who queue, and as many again of [WithPriority]; 64 for each slot

	Now func() time.Time // by which hashes are made equally slow; nil: time.Now

	Portable bool // derive with x/crypto's Argon2id, not with ours; see [argon2.Options]

	// What the process does so that requests are answered beside hashes. Each
	// may be nil.
	Thread func()              // called first on each thread that hashes, which ends with the Hasher
	Hashed func()              // called after each hash, on its thread
	Waited func(time.Duration) // called before each hash with how long it queued
	Busy   func(busy bool)     // called when hashing begins, and when there was none for a second
}

// ErrBusy says that too many callers wait, or that one waited too long. Try
// again later.
var ErrBusy = errors.New("too many passwords wait to be hashed")

// Hasher runs hashes on a few threads of its own. Those of [WithPriority] go before
// others, but for every fourth; the clients of [ForClient] take turns.
type Hasher struct {
	params  Params
	deriver *argon2.Deriver
	slots   int
	wait    time.Duration
	queue   *queue
	start   sync.Once
	workers sync.WaitGroup
	running atomic.Int64
	now     func() time.Time
	usual   atomic.Int64 // how long a hash of ours takes, in nanoseconds; 0: not known yet

	thread func()
	hashed func()
	waited func(time.Duration)
	onBusy func(bool)
	mu     sync.Mutex
	busy   bool
	quiet  *time.Timer // runs while busy and nothing is hashed
}

// NewHasher makes a Hasher, which starts its threads with the first hash;
// [Hasher.Close] stops them.
func NewHasher(o Options) *Hasher {
	if o.Params == (Params{}) {
		o.Params = Default
	}
	if o.Slots <= 0 {
		o.Slots = runtime.GOMAXPROCS(0)
	}
	if o.Wait <= 0 {
		o.Wait = 5 * time.Second
	}
	if o.Queue <= 0 {
		o.Queue = 64 * o.Slots
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Hasher{
		params: o.Params, deriver: argon2.New(argon2.Options{Memory: o.Params.Memory, Portable: o.Portable}),
		slots: o.Slots, wait: o.Wait, queue: newQueue(o.Queue), now: o.Now, thread: func() {}, hashed: func() {}, waited: func(time.Duration) {}, onBusy: func(bool) {},
	}
	if o.Waited != nil {
		h.waited = o.Waited
	}
	if o.Thread != nil {
		h.thread = o.Thread
	}
	if o.Hashed != nil {
		h.hashed = o.Hashed
	}
	if o.Busy != nil {
		h.onBusy = o.Busy
	}
	return h
}

// Close waits for the hashes under way. Callers who queue get [ErrBusy].
func (h *Hasher) Close() {
	h.queue.close()
	h.workers.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.quiet != nil {
		h.quiet.Stop()
	}
	h.deriver.Release()
}

// Hash returns a new hash of a password's NFKC, in PHC form.
func (h *Hasher) Hash(ctx context.Context, plain string) (phc string, err error) {
	plain = norm.NFKC.String(plain)
	err = h.run(ctx, func() { phc = newHash(h.deriver, plain, h.params) })
	return phc, err
}

// normalForms are what may have been hashed when a person types plain: its NFKC,
// so that every keyboard makes the same password of the same characters
// (as NIST SP 800-63B-4 asks), and what was typed, which is what
// stands in our hashes from before we normalized.
func normalForms(plain string) []string {
	if normal := norm.NFKC.String(plain); normal != plain {
		return []string{normal, plain}
	}
	return []string{plain}
}

// Result says whether a password matches a hash and, if so, whether the hash
// is not what [Hasher.Hash] makes now: of another cost or form, or Django's.
type Result struct{ Match, Outdated bool }

// Verify compares a password with a hash of ours or Django's. A hash that
// nothing can match (it is empty, marked unusable, malformed or too costly)
// takes as long as a good one. So does one of Django's that is faster; a slower
// one takes as long as Django made it: until its user logs in, timing may
// tell that the user exists. A password that NFKC changes is tried against
// ours in both forms.
func (h *Hasher) Verify(ctx context.Context, hash, plain string) (r Result, err error) {
	matches, current := parse(hash, h.params)
	if matches == nil {
		return Result{}, h.VerifyNobody(ctx, plain)
	}
	ours := strings.HasPrefix(hash, "$")
	for i, form := range normalForms(plain) {
		err := h.run(ctx, func() {
			began := h.now()
			switch {
			case ours:
				r.Match = matches(h.deriver, form)
			case i == 0: // ToDjango hashes what was typed; the second time is for the time
				r.Match = matches(h.deriver, plain)
			}
			if !current && !r.Match {
				h.level(began, form)
			}
		})
		if err != nil {
			return Result{}, err
		}
		if r.Match {
			r.Outdated = !current || i > 0
			break
		}
	}
	return r, nil
}

// Usable says whether any password can match a hash.
func Usable(hash string) bool {
	matches, _ := parse(hash, Params{})
	return matches != nil
}

// matcher compares a password with one hash. It is slow: it runs in a slot.
type matcher func(d *argon2.Deriver, plain string) bool

// parse returns nil for a hash that nothing can match, and whether it is one
// that we would make at this cost.
func parse(hash string, p Params) (m matcher, current bool) {
	if ours, err := parseOurs(hash); err == nil {
		return ours.matches, ours.params == p && len(ours.tag) == tagSize && len(ours.salt) == saltSize
	}
	name, rest, _ := strings.Cut(hash, "$")
	switch read := djangos[name]; {
	case name == "wrapped":
		return readWrapped(rest), false
	case read != nil:
		return read(rest), false
	}
	return nil, false
}

// VerifyNobody takes as long as [Hasher.Verify] and never matches: for a
// user who does not exist.
func (h *Hasher) VerifyNobody(ctx context.Context, plain string) error {
	for _, form := range normalForms(plain) {
		if err := h.run(ctx, func() { h.nobody(form) }); err != nil {
			return err
		}
	}
	return nil
}

// Running is how many hashes are under way.
func (h *Hasher) Running() int { return int(h.running.Load()) }

// Waiting is how many hashes queue.
func (h *Hasher) Waiting() int { return h.queue.len() }

type (
	aheadKey  struct{}
	clientKey struct{}
)

// WithPriority is for a caller of whom more is known than of a stranger: with this
// context their hash is made before those that wait, of which every fourth
// has its turn all the same.
func WithPriority(ctx context.Context) context.Context {
	return context.WithValue(ctx, aheadKey{}, true)
}

// ForClient names the client for whom hashes are made with this context.
// Clients take turns, so that one who asks for many does not keep another
// waiting who asks for one. Hashes without a name share one client's turns.
func ForClient(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, clientKey{}, name)
}

func newJob(ctx context.Context, do func()) *job {
	j := &job{do: do, since: time.Now(), done: make(chan struct{}), ahead: ctx.Value(aheadKey{}) != nil}
	j.client, _ = ctx.Value(clientKey{}).(string)
	return j
}

func (h *Hasher) run(ctx context.Context, do func()) (err error) {
	ctx, span := trace.Step(ctx, "hash")
	defer func() { span.End(err) }()
	h.start.Do(func() {
		for range h.slots {
			h.workers.Go(h.work)
		}
	})
	j := newJob(ctx, do)
	if !h.queue.add(j) {
		return ErrBusy
	}
	late := time.NewTimer(h.wait)
	defer late.Stop()
	var gaveUp error
	select {
	case <-j.done:
	case <-late.C:
		gaveUp = ErrBusy
	case <-ctx.Done():
		gaveUp = ctx.Err()
	}
	if gaveUp != nil && h.queue.remove(j) {
		return gaveUp
	}
	<-j.done // maybe a worker was quicker
	return j.err
}

func (h *Hasher) work() {
	// All of a hash is on this thread, unless x/crypto makes it: its lanes are
	// goroutines of their own. Never unlocked: the thread ends with the worker,
	// and so does its priority, which cannot be raised again.
	runtime.LockOSThread()
	h.thread()
	for {
		j := h.queue.next()
		if j == nil {
			return
		}
		h.begin()
		h.waited(time.Since(j.since))
		j.do()
		h.end()
		close(j.done)
		h.hashed()
	}
}

// quietAfter is how long nothing must be hashed until it is quiet again.
const quietAfter = time.Second

func (h *Hasher) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running.Add(1)
	if h.quiet != nil {
		h.quiet.Stop()
	}
	if !h.busy {
		h.busy = true
		h.onBusy(true)
	}
}

func (h *Hasher) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running.Add(-1) > 0 {
		return
	}
	if h.quiet == nil {
		h.quiet = time.AfterFunc(quietAfter, h.calm)
	} else {
		h.quiet.Reset(quietAfter)
	}
}

func (h *Hasher) calm() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy && h.running.Load() == 0 {
		h.busy = false
		h.deriver.Release()
		h.onBusy(false)
	}
}
