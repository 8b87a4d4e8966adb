package account

import "time"

// Mail is a row of the outbox: a mail that is owed because of a change that
// was committed. It holds no token: a mail's link is made when the mail is.
type Mail struct {
	ID        int64
	Kind      MailKind
	UserID    int64 // zero: an address that may be nobody's
	Email     string
	Language  string
	IP        string // of the request that caused it
	Details   MailDetails
	CreatedAt time.Time
	DueAt     time.Time // zero: delivered or given up
	Attempts  int
	SentAt    time.Time // zero: not yet, or given up
	Failure   string    // of the last attempt
	DelayKey  string    // not empty: it waits for the quota of its mailbox; only one has this key

	// Choices are the accounts that a mail to an address is about, each with a
	// link of its own. They are made when the mail is, and not stored.
	Choices []MailChoice
}

// MailChoice is one of several accounts that claim an address.
type MailChoice struct{ Username, Link string }

// MailDetails is what a mail tells beside its link. It is stored as JSON.
type MailDetails struct {
	Username string `json:"username,omitempty"`

	Email  string    `json:"email,omitempty"` // the other address of a change
	IP     string    `json:"ip,omitempty"`
	Device string    `json:"device,omitempty"`
	Until  time.Time `json:"until,omitzero"`

	// Verified says that whoever has the account has shown that they read the
	// mailbox that this mail goes to. Without it every name in the mail may be
	// a stranger's choice.
	Verified    bool   `json:"verified,omitempty"`
	FirstName   string `json:"first_name,omitempty"`
	OldUsername string `json:"old_username,omitempty"`

	Count   int    `json:"count,omitempty"`   // of what the operator is told of
	Problem string `json:"problem,omitempty"` // in English: the operator is told what the command line says

	RequestID string `json:"request_id,omitempty"` // that caused it, where an event is written later
}

// MailKind names a mail.
type MailKind string

// The mails there are. The first four carry a link with a [Challenge]; the
// first three go to addresses that are not proved, the others only to those that are.
const (
	MailResetPassword   MailKind = "reset_password"
	MailVerifyEmail     MailKind = "verify_email"
	MailConfirmEmail    MailKind = "confirm_email"
	MailEmailChanged    MailKind = "email_changed" // with the way to undo it
	MailPasswordChanged MailKind = "password_changed"
	MailAccountClosed   MailKind = "account_closed"
	MailUnusualAttempts MailKind = "unusual_attempts" // many wrong passwords from devices that are not known
	MailUsernameChanged MailKind = "username_changed"
	MailEmailRestored   MailKind = "email_restored" // to the address that an account had until the one before was taken back
	MailEmailNotice     MailKind = "email_notice"   // the address changed; without a way to undo it

	// To the operator.
	MailOperatorMails   MailKind = "operator_mails"   // mails were given up
	MailOperatorEvents  MailKind = "operator_events"  // events were changed or removed
	MailOperatorWebhook MailKind = "operator_webhook" // a webhook was turned off

	// MailResetRequest becomes a MailResetPassword for each user who has the
	// address, or nothing. It is never sent.
	MailResetRequest MailKind = "reset_request"
)

// MailUnwanted is the failure of a mail that was given up because what it
// was about is over. It is not tried again, whoever asks.
const MailUnwanted = "not wanted any more: the account or its address changed"

// MailRestored is the failure of a mail that waited in a backup: it may have
// gone out since. Who knows that it did not can try it again.
const MailRestored = "given up: the database was restored, and this mail may have gone out before"

// Awaited says that somebody waits for a mail of this kind: it carries what
// they asked for. The others are notices.
func (k MailKind) Awaited() bool {
	switch k {
	case MailResetRequest, MailResetPassword, MailVerifyEmail, MailConfirmEmail:
		return true
	}
	return false
}
