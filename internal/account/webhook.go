package account

import "time"

// WebhookType names what a webhook tells of. docs/webhooks.md says what each
// means; a test compares.
type WebhookType string

// The types there are.
const (
	ClientCreated      WebhookType = "client.created"
	ClientUpdated      WebhookType = "client.updated" // with the names of the fields
	ClientVerified     WebhookType = "client.verified"
	ClientEmailChanged WebhookType = "client.email_changed"
	ClientDisabled     WebhookType = "client.disabled"
	ClientEnabled      WebhookType = "client.enabled"
	ClientClosed       WebhookType = "client.closed"
	ClientRestored     WebhookType = "client.restored"
	ClientErased       WebhookType = "client.erased"
	SessionRevoked     WebhookType = "session.revoked" // one or several of a client's
	PasswordChanged    WebhookType = "password.changed"
)

// WebhookTest is what "yoozak webhook test" sends: about nobody, without a
// place, tried once.
const WebhookTest WebhookType = "webhook.test"

// WebhookTypes are those that a webhook may be limited to.
func WebhookTypes() []WebhookType {
	return []WebhookType{
		ClientCreated, ClientUpdated, ClientVerified, ClientEmailChanged, ClientDisabled, ClientEnabled, ClientClosed,
		ClientRestored, ClientErased, SessionRevoked, PasswordChanged,
	}
}

// Webhook is a subscription: an address that is told of acts.
type Webhook struct {
	ID          string
	URL         string
	Types       []WebhookType // none: all
	CreatedAt   time.Time
	DisabledAt  time.Time // zero: it is on
	DisabledWhy string

	Secret    []byte    // sealed, as it is stored
	OldSecret []byte    // the one before, which signs too until OldUntil; nil: none
	OldUntil  time.Time // zero: there is none

	Sequence int64 // the newest place that was given
	Version  int64 // changes with every command that its worker has to hear of

	AcceptedAt time.Time // when its receiver last accepted a client's message; zero: never
	GivenUp    int64     // messages, since all that were given up were last replayed
	GivenUpAt  time.Time // when the last was that it refused for too long; zero: none was
	GivenUpWhy string    // why the last attempt at that one failed
}

// DeliveryState is how far a [Delivery] is.
type DeliveryState string

// The states.
const (
	DeliveryNew       DeliveryState = "new"       // its worker has not seen it
	DeliveryWaiting   DeliveryState = "waiting"   // for its next attempt, or behind an earlier one of the same client
	DeliveryDelivered DeliveryState = "delivered" // the receiver answered 2xx
	DeliveryGivenUp   DeliveryState = "given_up"
)

// Delivery is what one webhook is told of one act, and what came of it.
type Delivery struct {
	Number    int64
	WebhookID string
	MessageID string // webhook-id: the same at each attempt
	Type      WebhookType
	UserID    int64 // whom it is about; zero: nobody, or they were erased
	Fields    []string
	At        time.Time // of the act, in microseconds
	Sequence  int64     // its place within the webhook; zero: none yet

	State    DeliveryState
	DueAt    time.Time // of the next attempt; zero: there is none, or an earlier one of the client comes first
	Attempts int
	FirstAt  time.Time // of the first attempt since it was owed or replayed
	TriedAt  time.Time // of the last
	Took     time.Duration
	Status   int    // of the last answer; zero: there was none
	Failure  string // of the last attempt
}

// DeliveryRestored is the failure of a delivery that waited in a backup: it
// may have been made since.
const DeliveryRestored = "given up: the database was restored, and this may have been delivered before"
