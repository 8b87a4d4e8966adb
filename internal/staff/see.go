package staff

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
)

// Seen is a person as staff see them.
type Seen struct {
	ShownUser
	Role            *account.StaffMember // nil: none
	RestorableUntil time.Time            // zero: not closed
}

// See returns a person, and notes that an agent looked at them. It returns
// [account.ErrNotFound] for nobody.
func (s *Service) See(ctx context.Context, id int64) (Seen, error) {
	if err := s.Look(ctx, id); err != nil {
		return Seen{}, err
	}
	u, err := s.User(ctx, id)
	if err != nil {
		return Seen{}, err
	}
	v := Seen{RestorableUntil: s.accounts.RestorableUntil(u)}
	if v.ShownUser, err = s.shownUser(ctx, u); err != nil {
		return Seen{}, err
	}
	m, err := s.store.StaffMember(ctx, id)
	if err == nil {
		v.Role = &m
	}
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return v, err
}

// Sessions returns a user's sessions that can be renewed, the last used first.
func (s *Service) Sessions(ctx context.Context, id int64) ([]account.Session, error) {
	if err := s.Look(ctx, id); err != nil {
		return nil, err
	}
	return s.renewable(ctx, id)
}

// renewable returns a user's sessions of which a token can be renewed, the last
// used first.
func (s *Service) renewable(ctx context.Context, id int64) ([]account.Session, error) {
	now := s.now()
	all, err := s.store.LiveSessions(ctx, id, now, now)
	return slices.DeleteFunc(all, func(sess account.Session) bool { return !sess.Renewable(now) }), err
}

// Factors returns a user's second factors, without what is secret, and how many
// recovery codes are left.
func (s *Service) Factors(ctx context.Context, id int64) (factors []account.Factor, codesLeft int, err error) {
	if err := s.Look(ctx, id); err != nil {
		return nil, 0, err
	}
	if factors, err = s.store.Factors(ctx, id); err != nil {
		return nil, 0, err
	}
	for i := range factors {
		factors[i].Secret, factors[i].PasswordBefore = nil, ""
	}
	codesLeft, err = s.store.RecoveryCodesLeft(ctx, id)
	return factors, codesLeft, err
}

// mostMails is how many mails of one user are shown.
const mostMails = 200

// MailsOf returns the newest mails to a user: never what was in them.
func (s *Service) MailsOf(ctx context.Context, id int64) ([]account.Mail, error) {
	if err := s.Look(ctx, id); err != nil {
		return nil, err
	}
	return s.store.MailsOf(ctx, id, 0, mostMails)
}

// MailsPage is MailsOf, a page at a time: those before an id.
func (s *Service) MailsPage(ctx context.Context, id int64, before account.Input) ([]account.Mail, error) {
	errs := account.Fields{}
	from := number(errs, beforeField, before)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if err := s.Look(ctx, id); err != nil {
		return nil, err
	}
	return s.store.MailsOf(ctx, id, from, EventsPage)
}

// mostNotes is how many notes about one user are shown.
const mostNotes = 200

// Notes returns the newest notes about a user, who may ask for them.
func (s *Service) Notes(ctx context.Context, id int64) ([]account.Note, error) {
	if err := s.Look(ctx, id); err != nil {
		return nil, err
	}
	return s.store.Notes(ctx, id, 0, mostNotes)
}

// NotesPage is Notes, a page at a time: those before an id, as many as have so
// many characters together, and one at least. more says that there are older
// ones.
func (s *Service) NotesPage(ctx context.Context, id int64, before account.Input, characters int) (notes []account.Note, more bool, err error) {
	errs := account.Fields{}
	from := number(errs, beforeField, before)
	if err := errs.Err(); err != nil {
		return nil, false, err
	}
	if err := s.Look(ctx, id); err != nil {
		return nil, false, err
	}
	if notes, err = s.store.Notes(ctx, id, from, EventsPage+1); err != nil {
		return nil, false, err
	}
	for i, n := range notes {
		if characters -= utf8.RuneCountInString(n.Text); i == EventsPage || i > 0 && characters < 0 {
			return notes[:i], true, nil
		}
	}
	return notes, false, nil
}

// AddNote writes a note about a user: about one of the staff an owner does, and
// nobody about themselves. An error is about the field "text".
func (s *Service) AddNote(ctx context.Context, id int64, in account.Input) (account.Note, error) {
	errs := account.Fields{}
	note := account.Note{UserID: id, Text: noteField.Read(errs, in), CreatedAt: s.now()}
	if len(errs) == 0 && !utf8.ValidString(note.Text) { // of a form
		errs.Add("text", "field.null_characters", nil)
	}
	if err := errs.Err(); err != nil {
		return account.Note{}, err
	}
	if s.agent != nil {
		note.AuthorID = s.agent.User.ID
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if _, err := tx.UserByID(ctx, id); err != nil {
			return err
		}
		if err := s.mayTouch(ctx, tx, id); err != nil {
			return err
		}
		if err := tx.AddNote(ctx, &note); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.by(account.EventNoteAdded, id, note.CreatedAt))
	})
	return note, asNotFound(s.asRefused(ctx, err))
}

// EventQuery is which events are asked for, as it came in.
type EventQuery struct {
	User, Agent, Kind, From, To, Before, After account.Input
}

// EventsPage is how many events are shown at once.
const EventsPage = 50

// FindEvents returns events, the newest first, a page at a time: those before
// or after an id. What staff do among themselves is an owner's business: others
// are shown events about people alone.
func (s *Service) FindEvents(ctx context.Context, q EventQuery) ([]account.Event, error) {
	f, err := s.eventFilter(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.store.Events(ctx, f, EventsPage)
}

// Newest is the place in the chain of the newest event that has one: where
// [Service.Follow] begins.
func (s *Service) Newest(ctx context.Context) (place int64, err error) {
	chain, err := s.store.EventChain(ctx)
	return chain.Head.Seq, err
}

// Follow returns events as they get their places in the chain, some seconds
// after their acts: those after a place, the oldest first, a page at a time, and
// the place from which to go on. Whoever goes on from there misses none.
func (s *Service) Follow(ctx context.Context, q EventQuery, place int64) (events []account.Event, next int64, err error) {
	f, err := s.eventFilter(ctx, q)
	if err != nil {
		return nil, place, err
	}
	newest, err := s.Newest(ctx)
	if err != nil || newest <= place {
		return nil, place, err
	}
	events, err = s.store.EventsPlaced(ctx, f, place, newest, EventsPage)
	switch {
	case err != nil:
		return nil, place, err
	case len(events) == EventsPage:
		return events, events[len(events)-1].Seq, nil
	}
	return events, newest, nil
}

// eventFilter reads which events are asked for, of those that the agent may
// see.
func (s *Service) eventFilter(ctx context.Context, q EventQuery) (store.EventFilter, error) {
	errs := account.Fields{}
	f := store.EventFilter{
		UserID: number(errs, userField, q.User), Agent: number(errs, agentField, q.Agent), Before: number(errs, beforeField, q.Before), After: number(errs, afterField, q.After),
		From: s.moment(errs, fromField.Name, q.From, 0), To: s.moment(errs, toField.Name, q.To, 1),
	}
	if kinds := kindField.Read(errs, q.Kind); kinds != "" {
		for kind := range strings.SplitSeq(kinds, ",") {
			f.Kinds = append(f.Kinds, account.EventKind(kind))
			if !slices.Contains(account.EventKinds(), account.EventKind(kind)) {
				errs.Add("kind", "field.choice", nil)
				break
			}
		}
	}
	if err := errs.Err(); err != nil {
		return f, err
	}
	if s.agent != nil && !s.agent.Role.May(account.ManageStaff) {
		f.NotStaff = true
		f.Not = append(f.Not, account.EventStaffRefused, account.EventRoleGiven, account.EventRoleAccepted, account.EventRoleSuspended, account.EventRoleTaken)
	}
	if f.UserID != 0 {
		return f, s.Look(ctx, f.UserID)
	}
	return f, nil
}

func number(errs account.Fields, f auth.Field, in account.Input) int64 {
	value := in.Text
	if value == "" && (in.State == account.Missing || in.State == account.Given) {
		return 0
	}
	n, err := parseID(value)
	if err != nil {
		errs.Add(f.Name, "field.integer", nil)
	}
	return n
}
