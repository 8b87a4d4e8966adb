package auth

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// How much of a person's rows an export has, the newest of each kind. A
// person has fewer; a program that makes more must not make an answer without
// bound of them.
const (
	exportedRows   = 1000 // sessions, links, mails, deliveries
	exportedEvents = 10_000
	eventsAtOnce   = 500 // in memory
)

// Export is everything that is held about one person: a field for each table
// that has rows of theirs, but for the events, which [Service.ExportEvents]
// reads. A test fails when a table is forgotten.
type Export struct {
	At          time.Time
	User        account.User
	HasPassword bool // some password opens the account
	Sessions    []account.Session
	Challenges  []account.Challenge
	Mails       []account.Mail
	Usernames   []store.UsernameChange // before the present one
	Deliveries  []account.Delivery     // what other programs were told
	Trusted     []account.TrustedDevice
	Places      []time.Time // when they logged in last at each place that is known
	Notices     []account.NoticeCount
	Recoveries  []account.Recovery
	Role        *account.StaffMember // in the staff; nil: none
	Notes       []account.Note       // that staff wrote about the person

	Factors       []account.Factor // also those that wait to be confirmed
	RecoveryCodes []store.RecoveryCode
	Passkeys      []account.Credential
	Codes         []account.MailedCode

	// There are older ones, which were left out.
	SessionsTruncated, ChallengesTruncated, MailsTruncated, DeliveriesTruncated, CodesTruncated, NotesTruncated bool
}

// Export returns everything that is held about the caller (law 09-08,
// article 7; GDPR, articles 15 and 20). That somebody took all of it is an
// event, too, and in it. It returns [account.ThrottledFor] for who asks too
// often.
func (s *Service) Export(ctx context.Context, caller *Caller) (Export, error) {
	if err := s.guard.AllowUser(ctx, guard.ExportPerUser, caller.User.ID); err != nil {
		return Export{}, err
	}
	proof, err := s.requireProof(ctx, caller, Field{}, account.Input{})
	if err != nil {
		return Export{}, err
	}
	u, now := proof.User, s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return s.audit.Record(ctx, tx, entryBy(account.EventDataExported, caller, now))
	})
	if err != nil {
		return Export{}, err
	}
	e := Export{At: now, User: u, HasPassword: password.Usable(u.PasswordHash)}
	if e.Sessions, err = s.store.Sessions(ctx, u.ID, exportedRows+1); err != nil {
		return Export{}, err
	}
	if e.Challenges, err = s.store.Challenges(ctx, u.ID, exportedRows+1); err != nil {
		return Export{}, err
	}
	if e.Passkeys, err = s.store.Credentials(ctx, u.ID); err != nil {
		return Export{}, err
	}
	if e.Mails, err = s.store.MailsOf(ctx, u.ID, 0, exportedRows+1); err != nil {
		return Export{}, err
	}
	if e.Usernames, err = s.store.UsernameChanges(ctx, u.ID, time.Time{}); err != nil {
		return Export{}, err
	}
	if e.Factors, err = s.store.FactorsOf(ctx, u.ID); err != nil {
		return Export{}, err
	}
	if e.RecoveryCodes, err = s.store.RecoveryCodes(ctx, u.ID); err != nil {
		return Export{}, err
	}
	if e.Deliveries, err = s.store.DeliveriesOf(ctx, u.ID, exportedRows+1); err != nil {
		return Export{}, err
	}
	if e.Trusted, err = s.store.TrustedDevices(ctx, u.ID); err != nil {
		return Export{}, err
	}
	if e.Places, err = s.store.Places(ctx, u.ID, exportedRows); err != nil {
		return Export{}, err
	}
	if e.Notices, err = s.store.Notices(ctx, u.ID, exportedRows); err != nil {
		return Export{}, err
	}
	if e.Recoveries, err = s.store.Recoveries(ctx, u.ID); err != nil {
		return Export{}, err
	}
	if e.Notes, err = s.store.Notes(ctx, u.ID, 0, exportedRows+1); err != nil {
		return Export{}, err
	}
	if m, err := s.store.StaffMember(ctx, u.ID); err == nil {
		e.Role = &m
	} else if !errors.Is(err, store.ErrNotFound) {
		return Export{}, err
	}
	if e.Codes, err = s.store.MailedCodes(ctx, u.ID, exportedRows+1); err != nil {
		return Export{}, err
	}
	e.Codes, e.CodesTruncated = atMostRows(e.Codes)
	e.Notes, e.NotesTruncated = atMostRows(e.Notes)
	e.Deliveries, e.DeliveriesTruncated = atMostRows(e.Deliveries)
	e.Sessions, e.SessionsTruncated = atMostRows(e.Sessions)
	e.Challenges, e.ChallengesTruncated = atMostRows(e.Challenges)
	e.Mails, e.MailsTruncated = atMostRows(e.Mails)
	return e, nil
}

func atMostRows[T any](rows []T) ([]T, bool) {
	if len(rows) > exportedRows {
		return rows[:exportedRows], true
	}
	return rows, false
}

// ExportEvents calls fn with the events of an export, the newest first, and
// reports whether there are older ones, which were left out. Few are in
// memory at once, however long fn takes; it stops when ctx ends.
func (s *Service) ExportEvents(ctx context.Context, e Export, fn func(account.Event) error) (truncated bool, err error) {
	f := store.EventFilter{UserID: e.User.ID}
	for n := 0; n < exportedEvents; {
		events, err := s.store.Events(ctx, f, min(eventsAtOnce, exportedEvents-n))
		if err == nil {
			err = ctx.Err() // a page that was read when the client left is for nobody
		}
		if err != nil || len(events) == 0 {
			return false, err
		}
		for _, ev := range events {
			if err := fn(ev); err != nil {
				return false, err
			}
		}
		n += len(events)
		f.Before = events[len(events)-1].ID
	}
	rest, err := s.store.Events(ctx, f, 1)
	return len(rest) > 0, err
}

// EventsPage is how many events a person gets at once.
const EventsPage = 50

// Events returns the caller's own events, the newest first, a page at a
// time; before is the last id of the page before, or missing.
func (s *Service) Events(ctx context.Context, caller *Caller, before account.Input) ([]account.Event, error) {
	f := store.EventFilter{UserID: caller.User.ID, Not: account.StaffEventKinds()}
	if before.State != account.Missing {
		var err error
		if f.Before, err = strconv.ParseInt(before.Text, 10, 64); err != nil || f.Before < 1 {
			return nil, account.FieldError("before", "field.integer", nil)
		}
	}
	return s.store.Events(ctx, f, EventsPage)
}

// Security is what a person sees of how safe their account is.
type Security struct {
	User     account.User
	Sessions int  // live ones
	Told     bool // notices reach them: the address is proved, and mails go out
}

// Security returns what the caller may know of their own account's safety.
func (s *Service) Security(ctx context.Context, caller *Caller) (Security, error) {
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return Security{}, err
	}
	live, err := s.Sessions(ctx, caller)
	return Security{User: u, Sessions: len(live), Told: s.o.Mail.Delivers && !u.EmailVerifiedAt.IsZero()}, err
}
