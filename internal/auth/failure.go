package auth

import (
	"context"
	"slices"
	"strings"
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
//
// What a caller does over and over shares rows as well, or a free account
// could fill the disk: the first change of its kind within a minute has its
// event in its own transaction, and the rest are counted: see repeats.

// The most rows a minute and server. What is more shares a row without an IP
// address, then one without a user: it is counted, and no more told apart.
const (
	rowWindow         = time.Minute
	rowsPerUser       = 5
	failuresOfKnown   = 240
	failuresOfUnknown = 60     // apart, so that made-up names do not drown real ones
	repeatsOfKnown    = 10_000 // beyond it each act has its own event again
)

// rowKey is what shares a row.
type rowKey struct {
	kind    account.EventKind
	user    int64 // zero: nobody we know. What was typed is not kept: it may be a password
	ip      string
	session string // of a caller
	fields  string // that a caller changed
}

// sharedRow is a row to be written.
type sharedRow struct {
	first entry // of those counted
	count int   // zero: written; the entry stays until its minute is over
	due   time.Time
}

// sharedRows are those that are not written yet, or were within the minute.
type sharedRows struct {
	mostKnown int // entries about a user

	writing sync.Mutex // held by whoever writes
	mu      sync.Mutex
	all     map[rowKey]*sharedRow
	perUser map[int64]int // entries
	known   int           // entries about a user
}

// recordFailure notes a wrong password; the user is zero when the name is unknown.
func (s *Service) recordFailure(a entry) {
	a.actor = account.ActorAnonymous
	if a.kind != account.EventLoginFailed {
		a.actor = account.ActorUser
	}
	s.failures.add(rowKey{kind: a.kind, user: a.userID, ip: a.request.IP}, a)
}

// changeKey is what the same caller's changes of the same fields share.
func changeKey(a entry) rowKey {
	return rowKey{a.kind, a.userID, a.request.IP, a.session, strings.Join(a.details.Fields, " ")}
}

// recordChange is record for what a caller may do over and over. The event is
// added in the transaction unless the same was done within the minute; then,
// and always in the end, changed must be called once the act is committed.
func (s *Service) recordChange(ctx context.Context, tx *store.Store, a entry) (changed func(), err error) {
	key := changeKey(a)
	if s.repeats.has(key, a.at) {
		return func() { s.repeats.add(key, a) }, nil
	}
	return func() { s.repeats.open(key, a.at) }, s.record(ctx, tx, a)
}

// has reports whether an act would share a row: one is to be written, or was
// within the minute.
func (f *sharedRows) has(key rowKey, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.all[f.shares(key)]
	return e != nil && (e.count > 0 || now.Before(e.due))
}

// shares is the key itself or, where the user has rows enough, the one of
// what has no row of its own.
func (f *sharedRows) shares(key rowKey) rowKey {
	if f.all[key] == nil && key.user != 0 && f.perUser[key.user] >= rowsPerUser {
		return rowKey{kind: key.kind, user: key.user}
	}
	return key
}

// open notes that a row was written: what comes within the minute shares the
// next.
func (f *sharedRows) open(key rowKey, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key = f.shares(key); f.all[key] != nil || f.known < f.mostKnown {
		e := f.entry(key, at.Add(rowWindow))
		e.due = at.Add(rowWindow)
	}
}

// entry is that of a key, made where there is none. The lock is held.
func (f *sharedRows) entry(key rowKey, due time.Time) *sharedRow {
	if f.all == nil {
		f.all, f.perUser = map[rowKey]*sharedRow{}, map[int64]int{}
	}
	e := f.all[key]
	if e == nil {
		e = &sharedRow{due: due}
		f.all[key] = e
		f.perUser[key.user]++
		if key.user != 0 {
			f.known++
		}
	}
	return e
}

func (f *sharedRows) add(key rowKey, a entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key = f.shares(key)
	if f.all[key] == nil && (key.user == 0 && len(f.all)-f.known >= failuresOfUnknown || key.user != 0 && f.known >= f.mostKnown) {
		key = rowKey{kind: key.kind}
	}
	if key.ip == "" {
		a.userID, a.session, a.request = key.user, "", account.RequestInfo{}
	}
	e := f.entry(key, a.at)
	if e.count == 0 {
		e.first = a
	}
	e.first.details.Fields = union(e.first.details.Fields, a.details.Fields)
	e.count++
}

// union is what is in either list, in the order of the alphabet where they
// differ.
func union(a, b []string) []string {
	if slices.Equal(a, b) {
		return a
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// takeDue returns what is to be written, and drops what was written a minute
// ago.
func (f *sharedRows) takeDue(now time.Time) map[rowKey]sharedRow {
	f.mu.Lock()
	defer f.mu.Unlock()
	due := map[rowKey]sharedRow{}
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
func (f *sharedRows) written(rows map[rowKey]sharedRow, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, row := range rows {
		entry := f.all[key]
		entry.count -= row.count
		entry.due = now.Add(rowWindow)
		entry.first.at = now // of those that came meanwhile
	}
}

// makeDue lets everything be written now.
func (f *sharedRows) makeDue(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, entry := range f.all {
		entry.due = now
	}
}

// writeShared writes the rows that are due.
func (s *Service) writeShared(ctx context.Context, f *sharedRows) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	now := s.o.Now().UTC()
	rows := f.takeDue(now)
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
		f.written(rows, now)
	}
	return err
}
