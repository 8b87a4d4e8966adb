package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// entry is a security-relevant act as a rule tells of it.
type entry struct {
	kind    account.EventKind
	actor   account.Actor // empty: the user
	userID  int64
	session string // in which it was done
	request account.RequestInfo
	details account.EventDetails
	at      time.Time
}

// record adds an event in the transaction of its act: there is one if and
// only if the act is committed.
func (s *Service) record(ctx context.Context, tx *store.Store, a entry) error {
	if a.actor == "" {
		a.actor = account.ActorUser
	}
	return tx.AddEvent(ctx, withCommitment(account.Event{
		At: a.at.UTC().Truncate(time.Microsecond), Kind: a.kind, Actor: a.actor, Details: a.details.JSON(),
		EventPerson: account.EventPerson{
			UserID: a.userID, SessionID: a.session, RequestID: a.request.RequestID, IP: a.request.IP, UserAgent: a.request.UserAgent,
		},
	}))
}

// entryBy is what a caller does.
func entryBy(kind account.EventKind, caller *Caller, at time.Time) entry {
	return entry{kind: kind, userID: caller.User.ID, session: caller.SessionID, request: caller.Request, at: at}
}

// entryByStaff is what is done at the command line.
func (s *Service) entryByStaff(kind account.EventKind, userID int64, at time.Time) entry {
	return entry{kind: kind, actor: account.ActorStaff, userID: userID, details: account.EventDetails{Staff: s.o.Staff}, at: at}
}

// EventsPage is how many events a person gets at once.
const EventsPage = 50

// Events returns the caller's own events, the newest first, a page at a
// time; before is the last id of the page before, or missing.
func (s *Service) Events(ctx context.Context, caller *Caller, before account.Input) ([]account.Event, error) {
	f := store.EventFilter{UserID: caller.User.ID}
	if before.State != account.Missing {
		var err error
		if f.Before, err = strconv.ParseInt(before.Text, 10, 64); err != nil || f.Before < 1 {
			errs := account.Fields{}
			errs.Add("before", "field.integer", nil)
			return nil, errs.Err()
		}
	}
	return s.store.Events(ctx, f, EventsPage)
}

// ListEvents returns the newest events, for the staff: of a user, of a kind,
// or all.
func (s *Service) ListEvents(ctx context.Context, username string, kind account.EventKind, limit int) ([]account.Event, error) {
	f := store.EventFilter{Kind: kind}
	if username != "" {
		u, err := s.store.UserByUsername(ctx, username)
		if err != nil {
			return nil, asUserNotFound(err)
		}
		f.UserID = u.ID
	}
	return s.store.Events(ctx, f, limit)
}

// sealAtOnce is how many events one transaction seals: on SQLite nobody else
// writes meanwhile.
const sealAtOnce = 500

// SealEvents writes the rows that several acts share, where they are due, and gives every event that has
// none its place in the chain, in the order of their ids. Several servers
// may do it at once: they take turns.
//
// Events are not sealed in the transaction of their act, because then all
// logins of all servers would wait for one another.
func (s *Service) SealEvents(ctx context.Context) error {
	for _, f := range []*sharedRows{&s.failures, &s.repeats} {
		if err := s.writeShared(ctx, f); err != nil {
			return err
		}
	}
	for {
		// Most often there is nothing to do, and looking is no transaction.
		waiting, err := s.store.EventsToSeal(ctx, 1)
		if err != nil || len(waiting) == 0 {
			return err
		}
		n := 0
		err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			n, err = seal(ctx, tx)
			return err
		})
		if err != nil || n < sealAtOnce {
			return err
		}
	}
}

// seal gives up to sealAtOnce events their place and says how many.
func seal(ctx context.Context, tx *store.Store) (int, error) {
	chain, err := tx.LockEventChain(ctx)
	if err != nil {
		return 0, err
	}
	events, err := tx.EventsToSeal(ctx, sealAtOnce)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	head := chain.Head
	for _, e := range events {
		head = nextHead(head, e)
		if err := tx.SealEvent(ctx, e.ID, head); err != nil {
			return 0, err
		}
	}
	return len(events), tx.SetEventHead(ctx, head)
}

// FinishEvents writes and seals what is left when the server stops.
func (s *Service) FinishEvents(ctx context.Context) error {
	s.failures.makeDue(s.o.Now())
	s.repeats.makeDue(s.o.Now())
	return errors.Join(s.SealEvents(ctx), s.LogEventHead(ctx))
}

// LogEventHead logs the newest place in the chain and the hash there. Where
// logs go elsewhere, as they should, that is what a chain that somebody made
// anew, from the database alone, does not agree with.
func (s *Service) LogEventHead(ctx context.Context) error {
	chain, err := s.store.EventChain(ctx)
	if err == nil && chain.Head.Seq > 0 {
		s.o.Log.InfoContext(ctx, "head of the events", "head", HeadText(chain.Head))
	}
	return err
}

// HeadText is a head as people note it: NUMBER:HASH.
func HeadText(h account.EventHead) string {
	return strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.Hash)
}

// anonymiseUnattributed forgets the personal part of what was done by nobody we
// know. It is kept for as long as a closed account is, so that whoever is
// erased is also forgotten as the stranger who mistyped their own name.
func (s *Service) anonymiseUnattributed(ctx context.Context, tx *store.Store, now time.Time, most int) (int64, error) {
	n, err := tx.AnonymiseUnattributedEvents(ctx, now.Add(-s.o.EraseAfter), most)
	if err != nil || n == 0 {
		return 0, err
	}
	return int64(n), s.record(ctx, tx, entry{
		kind: account.EventEventsAnonymised, actor: account.ActorSystem, details: account.EventDetails{Count: n}, at: now,
	})
}

// removeSlack is how much longer than asked for the oldest event is kept, so
// that the removal, which is an event itself, happens once a day.
const removeSlack = 24 * time.Hour

// removeEvents removes events from the chain's beginning that are older than
// [Options.EventsKeep], and leaves the place and hash of the last.
func (s *Service) removeEvents(ctx context.Context, tx *store.Store, now time.Time, most int) (int64, error) {
	if s.o.EventsKeep == 0 {
		return 0, nil
	}
	chain, err := tx.LockEventChain(ctx)
	if err != nil {
		return 0, err
	}
	events, err := tx.SealedEvents(ctx, chain.Removed.Seq, chain.Head.Seq, most)
	if err != nil {
		return 0, err
	}
	before := now.Add(-s.o.EventsKeep).UTC()
	n := 0
	for n < len(events) && events[n].At.Before(before) {
		n++
	}
	if n == 0 || n < most && events[0].At.After(before.Add(-removeSlack)) {
		return 0, nil
	}
	last := account.EventHead{Seq: events[n-1].Seq, Hash: events[n-1].Hash}
	if err := tx.RemoveEvents(ctx, last); err != nil {
		return 0, err
	}
	return int64(n), s.record(ctx, tx, entry{
		kind: account.EventEventsRemoved, actor: account.ActorSystem, at: now,
		details: account.EventDetails{Count: n, Through: last.Seq, Hash: hex.EncodeToString(last.Hash), Before: before},
	})
}
