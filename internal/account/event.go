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
	Reason    string // that staff gave
}

// EventDetails is what an event tells beside its kind: never a value of the
// person's, for it stays when the person is erased.
type EventDetails struct {
	Service  string    `json:"service,omitempty"`  // whose credentials did or suffered it
	Count    int       `json:"count,omitempty"`    // of acts that share the row, or of rows
	Fields   []string  `json:"fields,omitempty"`   // that changed
	Factor   string    `json:"factor,omitempty"`   // the kind of the one that was added or removed
	Staff    string    `json:"staff,omitempty"`    // the account of the operating system that ran the command
	Role     Role      `json:"role,omitempty"`     // that was given or taken
	Approval string    `json:"approval,omitempty"` // that was asked for, decided or used
	Second   int64     `json:"second,omitempty"`   // the user of the staff who approved it; zero: nobody had to
	Agent    int64     `json:"agent,omitempty"`    // the user of the staff who did it; zero: nobody of them
	Session  string    `json:"session,omitempty"`  // that ended
	Key      string    `json:"key,omitempty"`      // that was made
	Mail     int64     `json:"mail,omitempty"`     // that is tried again
	Webhook  string    `json:"webhook,omitempty"`  // that was made or changed
	Through  int64     `json:"through,omitempty"`  // the last place in the chain that was removed, or is there
	Hash     string    `json:"hash,omitempty"`     // of the event there
	Before   time.Time `json:"before,omitzero"`    // what is older was removed
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

// Message is an event in a sentence, without a value of the person's.
func (e Event) Message() Message {
	return Message{Key: "event." + string(e.Kind), Args: Args{"n": max(1, e.ReadDetails().Count)}}
}

// Actor is who did what an event tells.
type Actor string

// The actors.
const (
	ActorUser      Actor = "user"      // the person, by password, token or link
	ActorAnonymous Actor = "anonymous" // somebody who did not show who they are
	ActorStaff     Actor = "staff"     // by the command line, the console or the staff's API
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
	EventPasswordVoided         EventKind = "password_voided"
	EventLoginCodeRequested     EventKind = "login_code_requested"
	EventCodeRefused            EventKind = "code_refused"
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
	EventFactorRefused          EventKind = "factor_refused"
	EventFactorLocked           EventKind = "factor_locked"
	EventFactorAdded            EventKind = "factor_added"
	EventFactorRemoved          EventKind = "factor_removed"
	EventFactorUndone           EventKind = "factor_undone"
	EventRecoveryCodeUsed       EventKind = "recovery_code_used"
	EventRecoveryRenewed        EventKind = "recovery_codes_renewed"
	EventDeviceTrusted          EventKind = "device_trusted"
	EventDeviceTrustEnded       EventKind = "device_trust_ended"
	EventNotMe                  EventKind = "not_me"
	EventRecoveryStarted        EventKind = "recovery_started"
	EventRecoveryStopped        EventKind = "recovery_stopped"
	EventRecoveryFinished       EventKind = "recovery_finished"
	EventPasskeyCloned          EventKind = "passkey_cloned"
	EventUserEdited             EventKind = "user_edited"
	EventUserInvited            EventKind = "user_invited"
	EventUserExported           EventKind = "user_exported"
	EventSessionsEndedByStaff   EventKind = "sessions_ended_by_staff"
	EventLoginUnlocked          EventKind = "login_unlocked"
	EventRoleGiven              EventKind = "role_given"
	EventRoleAccepted           EventKind = "role_accepted"
	EventRoleSuspended          EventKind = "role_suspended"
	EventRoleTaken              EventKind = "role_taken"
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
	EventWebhookDeleted   EventKind = "webhook_deleted"
	EventWebhookReplayed  EventKind = "webhook_replayed"
	EventEventsAnonymised EventKind = "events_anonymised"
	EventEventsRemoved    EventKind = "events_removed"
	EventDatabaseRestored EventKind = "database_restored"
	EventEventsLost       EventKind = "events_lost"

	// What staff do with people, who are not shown it among their events.
	EventUserSeen      EventKind = "user_seen"
	EventNoteAdded     EventKind = "note_added"
	EventUsersListed   EventKind = "users_listed" // or searched
	EventUsersExported EventKind = "users_exported"
	EventStaffRefused  EventKind = "staff_refused" // what their role may not do

	EventApprovalAsked   EventKind = "approval_asked"
	EventApprovalGiven   EventKind = "approval_given"
	EventApprovalRefused EventKind = "approval_refused"
)

var personKinds = []EventKind{
	EventRegistered, EventLogin, EventLoginFailed, EventPasswordRefused, EventLogout, EventLogoutAll, EventSessionEnded,
	EventRefreshReuse, EventSessionAdopted, EventPasswordChanged, EventPasswordResetRequested, EventPasswordReset,
	EventPasswordVoided, EventLoginCodeRequested, EventCodeRefused,
	EventEmailVerified, EventEmailChangeRequested, EventEmailChanged, EventEmailChangeUndone, EventEmailDisowned,
	EventEmailSet, EventAccountRecovered, EventUsernameChanged, EventProfileChanged,
	EventDataExported, EventAccountClosed, EventAccountRestored, EventUserCreated, EventUserDisabled, EventUserEnabled,
	EventPasswordSet, EventFactorRefused, EventFactorLocked, EventFactorAdded, EventFactorRemoved, EventFactorUndone,
	EventRecoveryCodeUsed, EventRecoveryRenewed,
	EventDeviceTrusted, EventDeviceTrustEnded, EventNotMe, EventRecoveryStarted, EventRecoveryStopped, EventRecoveryFinished, EventPasskeyCloned,
	EventUserEdited, EventUserInvited, EventUserExported, EventSessionsEndedByStaff, EventLoginUnlocked,
	EventRoleGiven, EventRoleAccepted, EventRoleSuspended, EventRoleTaken,
}

// PersonEventKinds are those that a person is shown of themselves.
func PersonEventKinds() []EventKind { return slices.Clone(personKinds) }

// StaffEventKinds are what staff do with people, who are not shown it among
// their events: it is in their export.
func StaffEventKinds() []EventKind {
	return []EventKind{EventUserSeen, EventNoteAdded, EventUsersListed, EventUsersExported, EventStaffRefused}
}

// EventKinds are all there are.
func EventKinds() []EventKind {
	return append(PersonEventKinds(), EventAccountErased, EventKeyCreated, EventKeyRotated, EventKeyRevoked, EventServiceCreated,
		EventServiceDisabled, EventMailRetried, EventWebhookCreated, EventWebhookDisabled, EventWebhookEnabled, EventWebhookRotated,
		EventWebhookDeleted, EventWebhookReplayed, EventEventsAnonymised, EventEventsRemoved, EventDatabaseRestored, EventEventsLost,
		EventUserSeen, EventNoteAdded, EventUsersListed, EventUsersExported, EventStaffRefused,
		EventApprovalAsked, EventApprovalGiven, EventApprovalRefused)
}
