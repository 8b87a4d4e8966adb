package account

import (
	"encoding/json"
	"slices"
	"time"
)

// Event is a row of the log of security-relevant acts. Rows are only added.
// Two things may still happen to one: its personal part is forgotten, with
// its salt, when the person is erased; and the oldest rows are removed after
// their time. What stays is chained, so that nothing else goes unnoticed.
type Event struct {
	ID      int64
	At      time.Time // in microseconds
	Kind    EventKind
	Actor   Actor
	Details string // [EventDetails] as JSON, or empty: nothing personal

	EventPerson
	Salt       []byte // of the commitment; nil: the personal part was forgotten, or there was none
	Commitment []byte // to the personal part, which cannot be guessed from it without the salt

	Seq  int64  // the place in the chain; zero: not sealed yet
	Hash []byte // of the event and of the one before it in the chain
}

// EventPerson is what an event says of a person.
type EventPerson struct {
	UserID    int64  // whom it is about; zero: nobody we know, or forgotten
	SessionID string // in which it was done; empty: outside any
	RequestID string
	IP        string
	UserAgent string
}

// EventDetails is what an event tells beside its kind: never a value of the
// person's, for it stays when the person is erased.
type EventDetails struct {
	Service string    `json:"service,omitempty"` // whose credentials did or suffered it
	Count   int       `json:"count,omitempty"`   // of acts that share the row, or of rows
	Fields  []string  `json:"fields,omitempty"`  // that changed
	Staff   string    `json:"staff,omitempty"`   // the account of the operating system that ran the command
	Session string    `json:"session,omitempty"` // that ended
	Key     string    `json:"key,omitempty"`     // that was made
	Mail    int64     `json:"mail,omitempty"`    // that is tried again
	Webhook string    `json:"webhook,omitempty"` // that was made or changed
	Through int64     `json:"through,omitempty"` // the last place in the chain that was removed, or is there
	Hash    string    `json:"hash,omitempty"`    // of the event there
	Before  time.Time `json:"before,omitzero"`   // what is older was removed
}

// JSON is how the details are stored; nothing is the empty text.
func (d EventDetails) JSON() string {
	text, err := json.Marshal(d)
	if err != nil {
		panic("account: " + err.Error()) // texts, numbers and a time
	}
	if string(text) == "{}" {
		return ""
	}
	return string(text)
}

// ReadDetails is what the stored details say, as far as they can be read.
func (e Event) ReadDetails() (d EventDetails) {
	if e.Details != "" {
		_ = json.Unmarshal([]byte(e.Details), &d) // a row that was meddled with is for the verification to find
	}
	return d
}

// Actor is who did what an event tells.
type Actor string

// The actors.
const (
	ActorUser      Actor = "user"      // the person, by password, token or link
	ActorAnonymous Actor = "anonymous" // somebody who did not show who they are
	ActorStaff     Actor = "staff"     // by the command line
	ActorSystem    Actor = "system"    // the server by itself
	ActorService   Actor = "service"   // a program with credentials of its own
)

// EventKind names an event. docs/events.md says what each means; a test
// compares.
type EventKind string

// The events about a person.
const (
	EventRegistered             EventKind = "registered"
	EventLogin                  EventKind = "login"
	EventLoginFailed            EventKind = "login_failed"
	EventPasswordRefused        EventKind = "password_refused"
	EventLogout                 EventKind = "logout"
	EventLogoutAll              EventKind = "logout_all"
	EventSessionEnded           EventKind = "session_ended"
	EventRefreshReuse           EventKind = "refresh_reuse"
	EventSessionAdopted         EventKind = "session_adopted"
	EventPasswordChanged        EventKind = "password_changed"
	EventPasswordResetRequested EventKind = "password_reset_requested"
	EventPasswordReset          EventKind = "password_reset"
	EventEmailVerified          EventKind = "email_verified"
	EventEmailChangeRequested   EventKind = "email_change_requested"
	EventEmailChanged           EventKind = "email_changed"
	EventEmailChangeUndone      EventKind = "email_change_undone"
	EventEmailDisowned          EventKind = "email_disowned"
	EventEmailSet               EventKind = "email_set"
	EventAccountRecovered       EventKind = "account_recovered"
	EventUsernameChanged        EventKind = "username_changed"
	EventProfileChanged         EventKind = "profile_changed"
	EventDataExported           EventKind = "data_exported"
	EventAccountClosed          EventKind = "account_closed"
	EventAccountRestored        EventKind = "account_restored"
	EventUserCreated            EventKind = "user_created"
	EventUserDisabled           EventKind = "user_disabled"
	EventUserEnabled            EventKind = "user_enabled"
	EventPasswordSet            EventKind = "password_set"
)

// The events about nobody in particular.
const (
	EventAccountErased    EventKind = "account_erased"
	EventKeyCreated       EventKind = "key_created"
	EventKeyRotated       EventKind = "key_rotated"
	EventKeyRevoked       EventKind = "key_revoked"
	EventServiceCreated   EventKind = "service_created"
	EventServiceDisabled  EventKind = "service_disabled"
	EventMailRetried      EventKind = "mail_retried"
	EventWebhookCreated   EventKind = "webhook_created"
	EventWebhookDisabled  EventKind = "webhook_disabled"
	EventWebhookEnabled   EventKind = "webhook_enabled"
	EventWebhookRotated   EventKind = "webhook_rotated"
	EventWebhookReplayed  EventKind = "webhook_replayed"
	EventEventsAnonymised EventKind = "events_anonymised"
	EventEventsRemoved    EventKind = "events_removed"
	EventDatabaseRestored EventKind = "database_restored"
	EventEventsLost       EventKind = "events_lost"
)

var personKinds = []EventKind{
	EventRegistered, EventLogin, EventLoginFailed, EventPasswordRefused, EventLogout, EventLogoutAll, EventSessionEnded,
	EventRefreshReuse, EventSessionAdopted, EventPasswordChanged, EventPasswordResetRequested, EventPasswordReset,
	EventEmailVerified, EventEmailChangeRequested, EventEmailChanged, EventEmailChangeUndone, EventEmailDisowned,
	EventEmailSet, EventAccountRecovered, EventUsernameChanged, EventProfileChanged,
	EventDataExported, EventAccountClosed, EventAccountRestored, EventUserCreated, EventUserDisabled, EventUserEnabled,
	EventPasswordSet,
}

// PersonEventKinds are those that a person is shown of themselves.
func PersonEventKinds() []EventKind { return slices.Clone(personKinds) }

// EventKinds are all there are.
func EventKinds() []EventKind {
	return append(PersonEventKinds(), EventAccountErased, EventKeyCreated, EventKeyRotated, EventKeyRevoked, EventServiceCreated,
		EventServiceDisabled, EventMailRetried, EventWebhookCreated, EventWebhookDisabled, EventWebhookEnabled, EventWebhookRotated,
		EventWebhookReplayed, EventEventsAnonymised, EventEventsRemoved, EventDatabaseRestored, EventEventsLost)
}
