package audit

import (
	"time"

	"github.com/yoozak/clients/internal/account"
)

// Entry is a security-relevant act as a rule tells of it.
type Entry struct {
	Kind    account.EventKind
	Actor   account.Actor // empty: the user
	UserID  int64
	Session string // in which it was done
	Request account.RequestInfo
	Details account.EventDetails
	Reason  string // that staff gave; it is forgotten with the person
	At      time.Time

	// For what the act tells to webhooks; nothing of it is in the event.
	Erased   int64               // whom an erasure is about, whose event must not name them
	Includes []account.EventKind // what the act did besides, that has no event of its own
}

// ByUser is what a user does, in a session or, if that is empty, outside any.
func ByUser(kind account.EventKind, userID int64, session string, req account.RequestInfo, at time.Time) Entry {
	return Entry{Kind: kind, UserID: userID, Session: session, Request: req, At: at}
}
