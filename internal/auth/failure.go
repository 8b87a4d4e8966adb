package auth

import (
	"context"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Wrong passwords are events, too, but anybody can cause them, at any rate.
// So they are counted in memory and written by the next [Service.SealEvents]:
// for one user and IP address at most one row a minute, with how many there
// were. Nothing waits for that, so that the time of an answer does not tell
// whether a name is known. A process that is killed loses the last seconds.

// The most rows a minute and server. What is more shares a row without an IP
// address, then one without a user: it is counted, and no more told apart.
const (
	failureWindow     = time.Minute
	failuresPerUser   = 5
	failuresOfKnown   = 240
	failuresOfUnknown = 60 // apart, so that made-up names do not drown real ones
)

// failureKey is what shares a row.
type failureKey struct {
	kind account.EventKind
	user int64 // zero: nobody we know. What was typed is not kept: it may be a password
	ip   string
}

// failure is a row to be written.
type failure struct {
	first act // of those counted
	count int // zero: written; the entry stays until its minute is over
	due   time.Time
}

// failures are those that are not written yet, or were within the minute.
type failures struct {
	writing sync.Mutex // held by whoever writes
	mu      sync.Mutex
	all     map[failureKey]*failure
	perUser map[int64]int // entries
	known   int           // entries about a user
}

// failed notes a wrong password; the user is zero when the name is unknown.
func (s *Service) failed(a act) {
	a.actor = account.ActorAnonymous
	if a.kind != account.EventLoginFailed {
		a.actor = account.ActorUser
	}
	s.failures.add(a)
}

func (f *failures) add(a act) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all, f.perUser = map[failureKey]*failure{}, map[int64]int{}
	}
	key := failureKey{a.kind, a.userID, a.peer.IP}
	entry := f.all[key]
	if entry == nil && key.user != 0 && f.perUser[key.user] >= failuresPerUser {
		key.ip = ""
		entry = f.all[key]
	}
	if entry == nil && (key.user == 0 && len(f.all)-f.known >= failuresOfUnknown || key.user != 0 && f.known >= failuresOfKnown) {
		key.user, key.ip = 0, ""
		entry = f.all[key]
	}
	if key.ip == "" {
		a.userID, a.session, a.peer = key.user, "", account.Peer{}
	}
	if entry == nil {
		entry = &failure{due: a.at}
		f.all[key] = entry
		f.perUser[key.user]++
		if key.user != 0 {
			f.known++
		}
	}
	if entry.count == 0 {
		entry.first = a
	}
	entry.count++
}

// takeDue returns what is to be written, and drops what was written a minute
// ago.
func (f *failures) takeDue(now time.Time) map[failureKey]failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	due := map[failureKey]failure{}
	for key, entry := range f.all {
		switch {
		case now.Before(entry.due):
		case entry.count > 0:
			due[key] = *entry
		default:
			delete(f.all, key)
			if f.perUser[key.user]--; f.perUser[key.user] == 0 {
				delete(f.perUser, key.user)
			}
			if key.user != 0 {
				f.known--
			}
		}
	}
	return due
}

// written takes off what was.
func (f *failures) written(rows map[failureKey]failure, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, row := range rows {
		entry := f.all[key]
		entry.count -= row.count
		entry.due = now.Add(failureWindow)
		entry.first.at = now // of those that came meanwhile
	}
}

// makeDue lets everything be written now.
func (f *failures) makeDue(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, entry := range f.all {
		entry.due = now
	}
}

func (s *Service) writeFailures(ctx context.Context) error {
	s.failures.writing.Lock()
	defer s.failures.writing.Unlock()
	now := s.o.Now().UTC()
	rows := s.failures.takeDue(now)
	if len(rows) == 0 {
		return nil
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		for _, row := range rows {
			a := row.first
			if row.count > 1 {
				a.details.Count = row.count
			}
			if err := s.record(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.failures.written(rows, now)
	}
	return err
}
