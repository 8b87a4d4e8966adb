package account

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Kind groups errors by what a program does about them. The transport owns
// the table from kind to status.
type Kind uint8

// The kinds of errors.
const (
	Invalid      Kind = iota // the input must change; Fields says where
	Unauthorized             // credentials or token are missing or not good
	Unavailable              // come back later
	Throttled                // too many for now; Wait says how long
	NotFound                 // there is no such thing, or it is not the caller's
	Forbidden                // known, but not allowed to do this
	Conflict                 // not as things stand now
)

// Args are the values that a message names.
type Args = map[string]any

// Message is a text that is not chosen yet: a key of package locale and what
// to fill in.
type Message struct {
	Key  string
	Args Args

	place int // of its field among the fields
}

// TextKey and TextArgs are what package locale asks of an argument: a message
// may be part of another.
func (m Message) TextKey() string { return m.Key }

// TextArgs are what to fill in.
func (m Message) TextArgs() map[string]any { return m.Args }

// Term is an argument of a message that is itself a text to choose, by key.
type Term string

// TextKey is what package locale asks of an argument.
func (t Term) TextKey() string { return string(t) }

// Error is an answer that a client may see. Code is stable and is the key of
// its text; what a client reads of it is [CodeOf] that key.
type Error struct {
	Kind   Kind
	Code   string
	Fields Fields        // of Invalid
	Wait   time.Duration // of Throttled

	// Of ErrSecondFactor, ErrConfirmRequired and ErrPasskeyChanged: what may be shown, as
	// [FactorKind] and [MethodRecovery], the strongest first. Challenge goes
	// with it, where it is a login that goes on.
	Methods   []string
	Challenge string
}

// WaitSeconds is Wait as a Retry-After header has it (RFC 9110, section 10.2.3).
func (e *Error) WaitSeconds() int { return int(math.Ceil(e.Wait.Seconds())) }

// IsPasskey reports whether an error is that a passkey opens nothing.
func IsPasskey(err error) bool {
	return errors.Is(err, ErrPasskeyRefused) || errors.Is(err, ErrPasskeyChanged) || errors.Is(err, ErrNoPasskeys)
}

// Fields holds the messages for each field, in the order of detection. The
// fields have an order, too: that in which the rules look at them, which is
// the order of the request. Clients show people the first.
type Fields map[string][]Message

// Error names the code and the fields, never their values.
func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Code
	}
	return e.Code + ": " + strings.Join(e.Fields.Names(), ", ")
}

// Is lets errors.Is compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Add appends a message to a field.
func (f Fields) Add(field, key string, args Args) {
	place := len(f)
	if before := f[field]; len(before) > 0 {
		place = before[0].place
	}
	f[field] = append(f[field], Message{Key: key, Args: args, place: place})
}

// Names returns the names of the fields in their order.
func (f Fields) Names() []string {
	place := func(field string) int {
		if messages := f[field]; len(messages) > 0 {
			return messages[0].place
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(f), func(a, b string) int { return cmp.Compare(place(a), place(b)) })
}

// Err is nil when no field has a message.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: "invalid", Fields: f}
}

// FieldError is a refusal for one reason in one field.
func FieldError(field, key string, args Args) error {
	errs := Fields{}
	errs.Add(field, key, args)
	return errs.Err()
}

// NonFieldError is a refusal for one reason that lies in no field.
func NonFieldError(key string, args Args) error { return FieldError("non_field_errors", key, args) }

// ThrottledFor says that there were too many requests of this kind; the next
// is welcome after the time given.
func ThrottledFor(wait time.Duration) *Error {
	return &Error{Kind: Throttled, Code: "throttled", Wait: wait}
}

// Every error that a client may see, apart from those of the fields.
var (
	// ErrInvalidCredentials says that username and password do not open an
	// active account. It does not say which of the three is the reason.
	ErrInvalidCredentials = &Error{Kind: Unauthorized, Code: "invalid_credentials"}

	// ErrTokenInvalid and its kin are what is wrong with a token, in the
	// order in which it is looked at.
	ErrTokenInvalid   = &Error{Kind: Unauthorized, Code: "token_invalid"}
	ErrTokenNoExpiry  = &Error{Kind: Unauthorized, Code: "token_no_exp"}
	ErrTokenNoType    = &Error{Kind: Unauthorized, Code: "token_no_type"}
	ErrTokenWrongType = &Error{Kind: Unauthorized, Code: "token_wrong_type"}
	ErrTokenNoID      = &Error{Kind: Unauthorized, Code: "token_no_id"}
	ErrTokenNoUser    = &Error{Kind: Unauthorized, Code: "token_no_user"}

	// ErrUserNotFound and ErrUserInactive answer a good token whose user is
	// gone or may not log in any more.
	ErrUserNotFound = &Error{Kind: Unauthorized, Code: "user_not_found"}
	ErrUserInactive = &Error{Kind: Unauthorized, Code: "user_inactive"}

	// ErrNotAuthenticated says that this needs somebody who is logged in.
	ErrNotAuthenticated = &Error{Kind: Unauthorized, Code: "not_authenticated"}

	// ErrServiceUnknown says that client_id and client_secret are not those
	// of a service that may ask. It does not say which is the reason.
	ErrServiceUnknown = &Error{Kind: Unauthorized, Code: "invalid_client"}

	// ErrServiceScope says that a service was not given the scope for this.
	ErrServiceScope = &Error{Kind: Forbidden, Code: "unauthorized_client"}

	// ErrTokenUnsupported says that a token of this kind cannot be revoked.
	ErrTokenUnsupported = &Error{Kind: Invalid, Code: "unsupported_token_type"}

	// ErrSecondFactor says that username and password were right, and that a
	// second factor has to be shown with the challenge.
	ErrSecondFactor = &Error{Kind: Unauthorized, Code: "second_factor_required"}

	// ErrConfirmRequired says that the person has to show again that they are
	// themselves before this may be done.
	ErrConfirmRequired = &Error{Kind: Forbidden, Code: "confirm_required"}

	// ErrRecoveryRefused says that a recovery with a waiting time does not start:
	// one runs, was started lately, or was stopped by its account's owner.
	ErrRecoveryRefused = &Error{Kind: Forbidden, Code: "recovery_refused"}

	// ErrNoPasskeys says that this server knows of no passkeys.
	ErrNoPasskeys = &Error{Kind: NotFound, Code: "passkeys_off"}

	// ErrPasskeyRefused says that a passkey opens nothing. It does not say why.
	ErrPasskeyRefused = &Error{Kind: Unauthorized, Code: "passkey_refused"}

	// ErrPasskeyChanged says that a passkey is of another kind than it was when it
	// was added. Methods are the other ways in.
	ErrPasskeyChanged = &Error{Kind: Forbidden, Code: "passkey_changed"}

	// ErrPermissionDenied says that somebody known may not do this.
	ErrPermissionDenied = &Error{Kind: Forbidden, Code: "permission_denied"}

	// ErrStaffLogin says that somebody of the staff has to log in with their
	// second factor: too long ago, or not in this session.
	ErrStaffLogin = &Error{Kind: Forbidden, Code: "staff_login_required"}

	// ErrEditConflict says that somebody else edited a user meanwhile.
	ErrEditConflict = &Error{Kind: Conflict, Code: "edit_conflict"}

	// ErrUserClosed, ErrUserNotClosed and ErrUserNotActive say that an act is not
	// for an account in its state.
	ErrUserClosed    = &Error{Kind: Conflict, Code: "user_closed"}
	ErrUserNotClosed = &Error{Kind: Conflict, Code: "user_not_closed"}
	ErrUserNotActive = &Error{Kind: Conflict, Code: "user_not_active"}

	// ErrLastOwner says that the staff would have no owner any more.
	ErrLastOwner = &Error{Kind: Conflict, Code: "last_owner"}

	// ErrApprovalOver says that an approval was decided, used, is too old, or
	// void because of who asked or approved.
	ErrApprovalOver = &Error{Kind: Conflict, Code: "approval_over"}

	// ErrRoleOver says that a role is not offered (any more).
	ErrRoleOver = &Error{Kind: Conflict, Code: "role_over"}

	// ErrNotFound says that what the path names is not there, or belongs to
	// somebody else: the two must look alike.
	ErrNotFound = &Error{Kind: NotFound, Code: "not_found"}

	// ErrUnavailable says that the server cannot answer now: its database is
	// out of reach or its disk is full, or too many passwords wait to be
	// hashed.
	ErrUnavailable = &Error{Kind: Unavailable, Code: "unavailable"}
)

// NotReady says why a server cannot serve now. Reason is for anybody to read;
// Err, which may be nil, is for the log.
type NotReady struct {
	Reason string
	Err    error
}

func (e *NotReady) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap is for package errors.
func (e *NotReady) Unwrap() error { return e.Err }
