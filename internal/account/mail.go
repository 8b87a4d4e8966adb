package account

import (
	"slices"
	"time"
)

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

	// About says which of several things of its kind a notice tells: those are
	// counted apart, so that many of one do not hide another. It is not stored.
	About string

	// Choices are the accounts that a mail to an address is about, each with a
	// link of its own. They are made when the mail is, and not stored.
	Choices []MailChoice

	// Code is six digits, made when the mail is, and not stored; empty: there
	// is none.
	Code string
}

// MailState is what became of a mail.
type MailState string

// The states.
const (
	MailWaiting MailState = "waiting"
	MailSent    MailState = "sent"
	MailFailed  MailState = "failed" // given up
)

// State is what the columns say together.
func (m Mail) State() MailState {
	switch {
	case !m.SentAt.IsZero():
		return MailSent
	case !m.DueAt.IsZero():
		return MailWaiting
	}
	return MailFailed
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

	Factor     string     `json:"factor,omitempty"`      // the id of the one that was added
	FactorKind FactorKind `json:"factor_kind,omitempty"` // of the one that was added or removed

	Locked bool `json:"locked,omitempty"` // no password opens the account until another is chosen

	Keeps bool `json:"keeps,omitempty"` // of a recovery: it gives the account another address, and nothing else

	Role    Role  `json:"role,omitempty"`     // that is offered
	Agent   int64 `json:"agent,omitempty"`    // of the staff, whom it is about
	ByStaff bool  `json:"by_staff,omitempty"` // the staff had it sent: the IP is theirs, which no customer is told

	Count   int    `json:"count,omitempty"`   // of what the operator is told of, or of recovery codes that are left
	Problem string `json:"problem,omitempty"` // in English: the operator is told what the command line says

	RequestID string `json:"request_id,omitempty"` // that caused it, where an event is written later
	Trace     string `json:"trace,omitempty"`      // that goes on with its delivery; empty: none
	CodeHash  string `json:"code,omitempty"`       // of the [MailedCode] that it carries; empty: none
	Lane      string `json:"lane,omitempty"`       // of the known device or session that asked for it: its quota is not shared with strangers
}

// MailKind names a mail.
type MailKind string

// The mails there are. The first four, and MailFactorAdded, carry a link with a
// [Challenge]; the first three and a login's code go to addresses that are not
// proved, the others only to those that are.
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
	MailNewDevice       MailKind = "new_device"     // a login from where there was none before
	MailNotices         MailKind = "notices"        // more happened than is told one by one

	// Of a recovery with a waiting time. The first three are told to everybody who can
	// stop it; the last has the link that finishes it.
	MailRecoveryStarted MailKind = "recovery_started"
	MailRecoveryStopped MailKind = "recovery_stopped"
	MailRecoveryDone    MailKind = "recovery_done"
	MailRecoveryReady   MailKind = "recovery_ready"

	// Of second factors.
	MailFactorAdded     MailKind = "factor_added" // with the way to undo it
	MailFactorRemoved   MailKind = "factor_removed"
	MailFactorRefused   MailKind = "factor_refused" // a wrong one, after a right password
	MailFactorLocked    MailKind = "factor_locked"  // a hundred wrong ones in a row
	MailRecoveryUsed    MailKind = "recovery_used"
	MailRecoveryRenewed MailKind = "recovery_renewed"

	MailPasskeyCloned MailKind = "passkey_cloned" // there may be two of a passkey that is bound to a device

	MailLoginCode     MailKind = "login_code"     // a code to log in
	MailConfirmCode   MailKind = "confirm_code"   // a code to show again that it is oneself
	MailAddressProved MailKind = "address_proved" // by the first login with a code

	// By the staff.
	MailInvited         MailKind = "invited"          // the link to choose a first password
	MailAccountDisabled MailKind = "account_disabled" // without the reason
	MailAccountGiven    MailKind = "account_given"    // back, to who reads another address: to those that it had
	MailRoleOffered     MailKind = "role_offered"     // the link to accept a role
	MailStaffLooks      MailKind = "staff_looks"      // to owners: one of the staff looks at very many people

	// To the operator.
	MailOperatorMails   MailKind = "operator_mails"   // mails were given up
	MailOperatorEvents  MailKind = "operator_events"  // events were changed or removed
	MailOperatorWebhook MailKind = "operator_webhook" // a webhook was turned off
	MailOperatorRefused MailKind = "operator_refused" // messages of webhooks were given up

	// MailResetRequest becomes a MailResetPassword for each user who has the
	// address, or nothing. It is never sent.
	MailResetRequest MailKind = "reset_request"

	// MailLoginRequest becomes a MailLoginCode for the user who has the
	// address, or nothing. It is never sent.
	MailLoginRequest MailKind = "login_request"
)

// MailUnwanted is the failure of a mail that was given up because what it
// was about is over. It is not tried again, whoever asks.
const MailUnwanted = "not wanted any more: the account or its address changed"

// MailRestored is the failure of a mail that waited in a backup: it may have
// gone out since. Who knows that it did not can try it again.
const MailRestored = "given up: the database was restored, and this mail may have gone out before"

// ToOperator says that a mail of this kind is about the server, and about no
// customer.
func (k MailKind) ToOperator() bool { return slices.Contains(OperatorMails(), k) }

// OperatorMails are the kinds that go to the operator.
func OperatorMails() []MailKind {
	return []MailKind{MailOperatorMails, MailOperatorEvents, MailOperatorWebhook, MailOperatorRefused}
}

// Awaited says that somebody waits for a mail of this kind: it carries what
// they asked for. The others are notices.
func (k MailKind) Awaited() bool {
	switch k {
	case MailResetRequest, MailResetPassword, MailVerifyEmail, MailConfirmEmail, MailLoginRequest, MailLoginCode, MailConfirmCode, MailRecoveryReady, MailInvited, MailRoleOffered:
		return true
	}
	return false
}

// NoticeCount is how many notices of a kind a person was owed since a time.
type NoticeCount struct {
	Kind  string
	Since time.Time
	Count int
}
