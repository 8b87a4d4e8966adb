package audit

import (
	"slices"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// Wrong passwords are events, too, but anybody can cause them, at any rate.
// So they are counted in memory and written by the next [Log.Seal]:
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
	first Entry // of those counted
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
		e := f.row(key, at.Add(rowWindow))
		e.due = at.Add(rowWindow)
	}
}

// row is that of a key, made where there is none. The lock is held.
func (f *sharedRows) row(key rowKey, due time.Time) *sharedRow {
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

func (f *sharedRows) add(key rowKey, e Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key = f.shares(key)
	if f.all[key] == nil && (key.user == 0 && len(f.all)-f.known >= failuresOfUnknown || key.user != 0 && f.known >= f.mostKnown) {
		key = rowKey{kind: key.kind}
	}
	if key.ip == "" {
		e.UserID, e.Session, e.Request = key.user, "", account.RequestInfo{}
	}
	row := f.row(key, e.At)
	if row.count == 0 {
		row.first = e
	}
	row.first.Details.Fields = union(row.first.Details.Fields, e.Details.Fields)
	row.count++
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

// dueRow is a row as it is when it is written.
type dueRow struct {
	key rowKey
	sharedRow
}

// takeDue returns what is to be written, and drops what was written a minute
// ago.
func (f *sharedRows) takeDue(now time.Time) (due []dueRow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, row := range f.all {
		switch {
		case now.Before(row.due):
		case row.count > 0:
			due = append(due, dueRow{key, *row})
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
func (f *sharedRows) written(rows []dueRow, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, row := range rows {
		shared := f.all[row.key]
		shared.count -= row.count
		shared.due = now.Add(rowWindow)
		shared.first.At = now // of those that came meanwhile
	}
}

// makeDue lets everything be written now.
func (f *sharedRows) makeDue(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, row := range f.all {
		row.due = now
	}
}
