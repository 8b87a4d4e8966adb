package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// A server notes the head of the chain in a file beside the database. A
// database whose chain does not go through a noted head is an older one: a
// backup that was put back, or a primary that was left behind. See
// docs/backup.md.

// note is a head that was seen, when, in a database that was last declared
// to come from a backup when, and on which PostgreSQL.
type note struct {
	Head     string    `json:"head"` // NUMBER:HASH
	At       time.Time `json:"at"`
	Restored time.Time `json:"restored,omitzero"`
	System   string    `json:"system,omitempty"`
	Timeline int64     `json:"timeline,omitempty"`

	head store.EventHead
}

// notes are the state of a [Log] about its file.
type notes struct {
	mu       sync.Mutex
	kept     []note // the oldest first
	unable   bool   // that the file cannot be written was logged
	diverged bool   // that the chain does not hold was logged
	release  func() // not nil: the start's check was put off, and changes are held until it is done
}

const (
	// keptNotes reach back further than a promotion may lose: the heads of
	// [mayLose], where each job notes another.
	keptNotes = 32

	// mayLose is how much a promoted standby may lack: what was not replicated
	// yet. More is a restore.
	mayLose = time.Minute
)

// OlderError says that the database is not the one that was seen before, or
// that events were taken from it.
type OlderError struct {
	File string
	What string
}

func (e *OlderError) Error() string {
	return fmt.Sprintf("the database is not the one that was served here before: %s. "+
		"If it was restored from a backup, run \"yoozak restored\" first: otherwise logged-out tokens and revoked keys are good again. "+
		"If another database is meant, remove %s. If neither, events were removed: see docs/backup.md", e.What, e.File)
}

// CheckHead holds the chain against the heads that were noted, before a server
// does anything. It returns an [*OlderError] for a database that was restored,
// and not declared to be, by "yoozak restored".
//
// On a standby, which may be behind and takes no changes, it puts that off, and
// has the store refuse all changes until [Log.NoteHead] has done it: a standby
// that is promoted takes changes at once, and may be an older database.
func (l *Log) CheckHead(ctx context.Context) error {
	if l.o.HeadFile == "" {
		return nil
	}
	chain, err := l.store.EventChain(ctx)
	if err != nil {
		return err
	}
	l.notes.mu.Lock()
	defer l.notes.mu.Unlock()
	removeUnfinished(l.o.HeadFile)
	l.notes.kept, err = readNotes(l.o.HeadFile)
	if errors.Is(err, fs.ErrNotExist) {
		if chain.Head.Seq > 0 {
			l.o.Log.WarnContext(ctx, "no head of the events was noted for this database: if it was restored from a backup, stop, and run \"yoozak restored\" first", "file", l.o.HeadFile)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("the note of the newest event, %s, cannot be read: %w; move it away if the database was not restored from a backup", l.o.HeadFile, err)
	}
	if l.behindNotes(l.store.Primary()) {
		l.notes.release = l.store.HoldChanges()
		l.o.Log.InfoContext(ctx, "this PostgreSQL is a standby: when it is promoted, its events are held against those that were noted, before anything is changed")
		return nil
	}
	return l.compare(ctx, chain, l.store.Primary())
}

// NoteHead notes the newest place in the chain, where it moved on. That it
// cannot be written is logged once, and is no error: the server is not the
// worse for it.
//
// Of a server that was started on a standby it does, after the promotion, what
// the start put off; an [*OlderError] is of that alone, and ends the server.
func (l *Log) NoteHead(ctx context.Context) error {
	if l.o.HeadFile == "" {
		return nil
	}
	if done, err := l.checkPutOff(ctx); err != nil || !done {
		return err
	}
	chain, err := l.store.EventChain(ctx)
	here := l.store.Primary()
	if err != nil || chain.Head.Seq == 0 || onStandby(here) {
		return err
	}
	l.notes.mu.Lock()
	defer l.notes.mu.Unlock()
	if l.notes.noted(chain.Head, here) {
		return nil
	}
	err = l.compare(ctx, chain, here)
	var older *OlderError
	switch {
	case errors.As(err, &older): // the next start refuses it
		if !l.notes.diverged {
			l.o.Log.ErrorContext(ctx, "the database was replaced by an older one while this server runs", "error", err.Error())
		}
		l.notes.diverged = true
		return nil
	case err != nil:
		return err
	}
	l.notes.diverged = false
	restored, err := l.store.RestoredAt(ctx)
	if err == nil {
		l.noteHead(ctx, chain.Head, here, restored)
	}
	return err
}

// checkPutOff does what [Log.CheckHead] put off, if the standby was promoted
// since, and reports whether there is nothing more of it to do.
func (l *Log) checkPutOff(ctx context.Context) (done bool, err error) {
	l.notes.mu.Lock()
	defer l.notes.mu.Unlock()
	if l.notes.release == nil {
		return true, nil
	}
	here, err := l.store.AskPrimary(ctx)
	if err != nil || l.behindNotes(here) {
		return false, err
	}
	chain, err := l.store.EventChain(ctx)
	if err != nil {
		return false, err
	}
	if err := l.compare(store.PastHold(ctx), chain, here); err != nil {
		return false, err
	}
	l.notes.release()
	l.notes.release = nil
	return true, nil
}

// behindNotes reports whether the database is a standby of the one that was
// noted.
func (l *Log) behindNotes(here store.Primary) bool {
	return len(l.notes.kept) > 0 && onStandby(here) && here.System == l.notes.kept[len(l.notes.kept)-1].System
}

// onStandby reports whether the database is read from a standby, which may be
// a little behind and takes no changes.
func onStandby(p store.Primary) bool { return p.System != "" && p.Timeline == 0 }

// noted reports whether the last note says all this.
func (n *notes) noted(head store.EventHead, at store.Primary) bool {
	if len(n.kept) == 0 {
		return false
	}
	last := n.kept[len(n.kept)-1]
	return sameHead(last.head, head) && last.System == at.System && last.Timeline == at.Timeline
}

func (l *Log) noteHead(ctx context.Context, head store.EventHead, on store.Primary, restored time.Time) {
	kept := append(slices.Clone(l.notes.kept), note{Head: HeadText(head), At: l.now(), Restored: restored, System: on.System, Timeline: on.Timeline, head: head})
	kept = kept[max(0, len(kept)-keptNotes):]
	if err := writeNotes(l.o.HeadFile, kept); err != nil {
		if !l.notes.unable {
			l.o.Log.WarnContext(ctx, "the head of the events cannot be noted, so that a restored backup would not be noticed", "file", l.o.HeadFile, "error", err.Error())
		}
		l.notes.unable = true
		return
	}
	l.notes.kept, l.notes.unable = kept, false
}

// compare holds the chain of a database against the notes. Those that it does
// not go through are forgotten where that is no mistake.
func (l *Log) compare(ctx context.Context, chain store.EventChain, here store.Primary) error {
	kept := l.notes.kept
	if len(kept) == 0 {
		return nil
	}
	last := kept[len(kept)-1]
	behind := here.System == last.System && here.Timeline > 0 && here.Timeline < last.Timeline
	holds, err := l.holds(ctx, chain, last.head)
	if err != nil || holds && !behind {
		return err
	}
	restored, err := l.store.RestoredAt(ctx)
	if err != nil {
		return err
	}
	// Not the time of the note: any clock that was wrong for a moment would
	// keep servers out of a database that was declared, or let them into one
	// that was not.
	if restored.After(last.Restored) {
		l.notes.kept = nil
		return nil
	}
	if behind {
		return &OlderError{File: l.o.HeadFile, What: fmt.Sprintf("its PostgreSQL is on timeline %d, and %d was used before: an old primary that was left behind", here.Timeline, last.Timeline)}
	}
	if here.System == last.System && here.System != "" && here.Timeline > last.Timeline {
		done, err := l.promoted(ctx, chain)
		if err != nil || done {
			return err
		}
	}
	what := fmt.Sprintf("its events end at number %d, and number %d was noted at %s", chain.Head.Seq, last.head.Seq, last.At.Format(time.DateTime+" UTC"))
	if chain.Head.Seq >= last.head.Seq {
		what = fmt.Sprintf("its event number %d is another than the one that was noted at %s", last.head.Seq, last.At.Format(time.DateTime+" UTC"))
	}
	return &OlderError{File: l.o.HeadFile, What: what}
}

// promoted reports whether the database lacks no more than a standby may that
// was promoted. Then that is an event.
func (l *Log) promoted(ctx context.Context, chain store.EventChain) (bool, error) {
	kept := l.notes.kept
	for i := len(kept) - 2; i >= 0; i-- {
		lost := kept[len(kept)-1].At.Sub(kept[i+1].At)
		if lost > mayLose {
			return false, nil
		}
		holds, err := l.holds(ctx, chain, kept[i].head)
		if err != nil {
			return false, err
		}
		if !holds {
			continue
		}
		last := kept[len(kept)-1].head
		err = l.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			return l.Record(ctx, tx, Entry{
				Kind: account.EventEventsLost, Actor: account.ActorSystem, At: l.now(),
				Details: account.EventDetails{Through: kept[i].head.Seq, Count: int(last.Seq - kept[i].head.Seq), Hash: hex.EncodeToString(last.Hash)},
			})
		})
		if err != nil {
			return false, err
		}
		l.o.Log.WarnContext(ctx, "PostgreSQL: the standby that was promoted lacks the newest events, and what was done with them",
			"chain_holds_at", kept[i].head.Seq, "noted", last.Seq, "within", lost.String())
		l.notes.kept = slices.Clone(kept[:i+1])
		return true, nil
	}
	return false, nil
}

// holds reports whether the chain goes through a head, or began after it.
func (l *Log) holds(ctx context.Context, chain store.EventChain, h store.EventHead) (bool, error) {
	switch {
	case h.Seq > chain.Head.Seq:
		return false, nil
	case h.Seq == chain.Head.Seq:
		return sameHead(h, chain.Head), nil
	case h.Seq < chain.Removed.Seq: // too old to be compared
		return true, nil
	case h.Seq == chain.Removed.Seq:
		return sameHead(h, chain.Removed), nil
	}
	events, err := l.store.SealedEvents(ctx, h.Seq-1, h.Seq, 1)
	if err != nil {
		return false, err
	}
	if len(events) == 0 { // or removed for its age since the chain was read
		now, err := l.store.EventChain(ctx)
		return now.Removed.Seq >= h.Seq, err
	}
	return sameHead(h, store.EventHead{Seq: events[0].Seq, Hash: events[0].Hash}), nil
}

func sameHead(a, b store.EventHead) bool { return a.Seq == b.Seq && bytes.Equal(a.Hash, b.Hash) }

// mostNoteBytes is more than the notes ever have.
const mostNoteBytes = 1 << 20

func readNotes(file string) ([]note, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostNoteBytes {
		return nil, errors.New("it is no file that this program wrote")
	}
	data, err := os.ReadFile(file) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	var kept []note
	if err := json.Unmarshal(data, &kept); err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, errors.New("it is empty")
	}
	for i := range kept {
		if kept[i].head, err = ParseHead(kept[i].Head); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// writeNotes puts another file in place of the one before, whole or not at
// all. Several servers may do it at once: each has a temporary file of its own.
func writeNotes(file string, kept []note) (err error) {
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+unfinished) // its owner's alone
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// unfinished is in the name of a file that is being written.
const unfinished = ".tmp"

// removeUnfinished removes what servers left that were killed while they
// wrote. What is younger than a minute may be another's that runs.
func removeUnfinished(file string) {
	folder := filepath.Dir(file)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), filepath.Base(file)+unfinished) && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}
