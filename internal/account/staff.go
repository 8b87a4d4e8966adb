package account

import (
	"slices"
	"time"
)

// Role is what somebody of the staff is. What each may do is [Role.May].
type Role string

// The roles, each of which may do what the one before may.
const (
	Support Role = "support" // sees and finds users, helps them back in
	Manager Role = "manager" // changes accounts, too
	Owner   Role = "owner"   // runs the shop: staff, keys, webhooks, services
)

// Roles are all there are, the one that may do least first.
func Roles() []Role { return []Role{Support, Manager, Owner} }

// Permission is what a role may do. A route or a page of the staff needs one.
type Permission string

// The permissions.
const (
	SeeUsers        Permission = "users:see"     // find and look at users, their sessions, factors, mails and notes
	SeeEvents       Permission = "events:see"    // of users; those of staff need [ManageStaff]
	SeeMails        Permission = "mails:see"     // the queue, never what is in a mail
	EndSessions     Permission = "sessions:end"  // of users
	StartResets     Permission = "resets:start"  // mail a user the link for another password
	ResendMails     Permission = "mails:resend"  // a verification, a mail that failed
	UnlockLogins    Permission = "logins:unlock" // after wrong passwords
	WriteNotes      Permission = "notes:write"
	CreateUsers     Permission = "users:create"     // and invite them
	EditUsers       Permission = "users:edit"       // names and address
	DisableUsers    Permission = "users:disable"    // and enable them again
	ExportUsers     Permission = "users:export"     // one or many
	CloseUsers      Permission = "users:close"      // and restore them
	EraseUsers      Permission = "users:erase"      // for good
	StartRecoveries Permission = "recoveries:start" // of somebody who lost a factor
	DecideApprovals Permission = "approvals:decide" // as the second person
	SeeSystem       Permission = "system:see"       // version, database, settings without secrets
	ManageStaff     Permission = "staff:manage"     // roles, and acts on accounts of staff
	ManageKeys      Permission = "keys:manage"
	ManageWebhooks  Permission = "webhooks:manage"
	ManageServices  Permission = "services:manage"
)

// from says from which role on something may be done. It is the only place
// that says so.
var from = map[Permission]Role{
	SeeUsers: Support, SeeEvents: Support, SeeMails: Support, EndSessions: Support, StartResets: Support, ResendMails: Support,
	UnlockLogins: Support, WriteNotes: Support,
	CreateUsers: Manager, EditUsers: Manager, DisableUsers: Manager, ExportUsers: Manager, CloseUsers: Manager, EraseUsers: Manager,
	StartRecoveries: Manager, DecideApprovals: Manager, SeeSystem: Manager,
	ManageStaff: Owner, ManageKeys: Owner, ManageWebhooks: Owner, ManageServices: Owner,
}

// Permissions are all there are.
func Permissions() []Permission {
	all := make([]Permission, 0, len(from))
	for p := range from {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// May reports whether a role may do something. A role or a permission that
// there is not may do nothing.
func (r Role) May(p Permission) bool {
	least, there := from[p]
	return there && slices.Contains(Roles(), r) && slices.Index(Roles(), r) >= slices.Index(Roles(), least)
}

// Needed is the role from which on something may be done.
func (p Permission) Needed() Role { return from[p] }

// StaffMember is the role of a user.
type StaffMember struct {
	UserID      int64
	Role        Role
	GivenBy     int64 // zero: by a command, or by somebody who is gone
	GivenAt     time.Time
	AcceptedAt  time.Time // zero: not yet; then it counts for nothing
	SuspendedAt time.Time // zero: it is not; one who lost the last factor is, until an owner renews it
}

// RoleState is whether a role may be used, and why not.
type RoleState string

// The states.
const (
	RoleActive    RoleState = "active"
	RoleOffered   RoleState = "offered" // and not accepted yet
	RoleSuspended RoleState = "suspended"
)

// State is what the columns say together.
func (m StaffMember) State() RoleState {
	switch {
	case !m.SuspendedAt.IsZero():
		return RoleSuspended
	case m.AcceptedAt.IsZero():
		return RoleOffered
	}
	return RoleActive
}

// Counts reports whether the role may be used.
func (m StaffMember) Counts() bool { return m.State() == RoleActive }

// Note is what staff write down about a user.
type Note struct {
	ID        int64
	UserID    int64
	AuthorID  int64 // zero: somebody who is gone
	Text      string
	CreatedAt time.Time
}

// NoteMax is how many characters a note may have.
const NoteMax = 4000

// The lengths of a reason, in characters.
const (
	ReasonMin = 10
	ReasonMax = 500
)

// Approval is what one of the staff asked for that a second has to allow. Whom
// it is about does not change any more.
type Approval struct {
	ID        string
	Act       ApprovalAct
	Users     []int64 // in a list the first [ApprovalListed]
	Count     int     // how many they are
	Format    string  // of an export
	Reason    string
	AskedBy   int64
	AskedAt   time.Time
	ExpiresAt time.Time
	DecidedBy int64     // zero: nobody yet
	DecidedAt time.Time // zero: not yet
	Approved  bool
}

// ApprovalListed is how many of those whom an approval is about a list of them has.
const ApprovalListed = 1000

// ApprovalAct is what an [Approval] is for.
type ApprovalAct string

// The acts that may need a second person.
const (
	ApproveErase  ApprovalAct = "erase"
	ApproveExport ApprovalAct = "export"
)

// Needs is what somebody must be allowed to ask for it, and still when it is
// done.
func (a ApprovalAct) Needs() Permission {
	if a == ApproveExport {
		return ExportUsers
	}
	return EraseUsers
}

// Waits reports whether somebody may still decide.
func (a Approval) Waits(now time.Time) bool { return a.DecidedAt.IsZero() && now.Before(a.ExpiresAt) }

// Usable reports whether it may be done now.
func (a Approval) Usable(now time.Time) bool { return a.Approved && now.Before(a.ExpiresAt) }
