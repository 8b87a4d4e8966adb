package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const staffColumns = `user_id, role, given_by, given_at, accepted_at, suspended_at`

func scanStaff(scan func(...any) error) (m account.StaffMember, err error) {
	var givenBy sql.NullInt64
	err = scan(&m.UserID, &m.Role, &givenBy, asUTC(&m.GivenAt), asUTC(&m.AcceptedAt), asUTC(&m.SuspendedAt))
	m.GivenBy = givenBy.Int64
	return m, err
}

// StaffMember returns the role of a user, or [ErrNotFound].
func (s *Store) StaffMember(ctx context.Context, userID int64) (account.StaffMember, error) {
	return queryRow(ctx, s, "read a role", scanStaff, `SELECT `+staffColumns+` FROM staff WHERE user_id = $1`, userID)
}

// StaffMembers returns everybody who has a role, also one that does not
// count, the first given first. There are few.
func (s *Store) StaffMembers(ctx context.Context) ([]account.StaffMember, error) {
	return queryAll(ctx, s, "list the staff", scanStaff, `SELECT `+staffColumns+` FROM staff ORDER BY given_at, user_id`)
}

// StaffAtWork returns the role by which one of the staff works in a session, or
// [ErrNotFound] when that counts no more, their account is not active, or the
// session has ended.
func (s *Store) StaffAtWork(ctx context.Context, userID int64, sessionID string) (account.Role, error) {
	return queryValue[account.Role](ctx, s, "ask whether one of the staff is at work", `
		SELECT m.role
		FROM staff m JOIN users u ON u.id = m.user_id JOIN sessions s ON s.user_id = u.id
		WHERE m.user_id = $1 AND s.id = $2
		  AND m.accepted_at IS NOT NULL AND m.suspended_at IS NULL AND u.is_active AND s.revoked_at IS NULL`, userID, sessionID)
}

// LockStaff lets one transaction at a time change who is staff: the last owner
// must stay, which each change has to see of the one before.
func (s *Store) LockStaff(ctx context.Context) error {
	_, err := s.exec(ctx, "lock the staff", `UPDATE staff SET role = role WHERE role = $1`, account.Owner)
	return err
}

// SetStaff gives a user a role, in place of the one before.
func (s *Store) SetStaff(ctx context.Context, m account.StaffMember) error {
	_, err := s.exec(ctx, "give a role", `
		INSERT INTO staff (`+staffColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id) DO UPDATE
		SET role = excluded.role, given_by = excluded.given_by, given_at = excluded.given_at,
		    accepted_at = excluded.accepted_at, suspended_at = excluded.suspended_at`,
		m.UserID, m.Role, orNull(m.GivenBy), m.GivenAt.UTC(), nullTime(m.AcceptedAt), nullTime(m.SuspendedAt))
	return err
}

// AcceptRole notes that a user accepted their role. It returns [ErrNotFound]
// when there is none that waits for it.
func (s *Store) AcceptRole(ctx context.Context, userID int64, at time.Time) error {
	return s.execOne(ctx, "accept a role", `UPDATE staff SET accepted_at = $1 WHERE user_id = $2 AND accepted_at IS NULL`, at.UTC(), userID)
}

// SuspendStaff suspends the role of a user, and reports whether there was one
// that counts.
func (s *Store) SuspendStaff(ctx context.Context, userID int64, at time.Time) (bool, error) {
	n, err := s.exec(ctx, "suspend a role", `
		UPDATE staff
		SET suspended_at = $1
		WHERE user_id = $2 AND suspended_at IS NULL AND accepted_at IS NOT NULL`, at.UTC(), userID)
	return n > 0, err
}

// DeleteStaff takes the role of a user. It returns [ErrNotFound] when there
// is none.
func (s *Store) DeleteStaff(ctx context.Context, userID int64) error {
	return s.execOne(ctx, "take a role", `DELETE FROM staff WHERE user_id = $1`, userID)
}

// StaffSeen says when staff worked in a session last; zero: never.
func (s *Store) StaffSeen(ctx context.Context, sessionID string) (time.Time, error) {
	at, err := queryRow(ctx, s, "read when staff worked in a session", scanTime, `SELECT seen_at FROM staff_sessions WHERE session_id = $1`, sessionID)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return at, err
}

// SeeStaff notes that staff worked in a session.
func (s *Store) SeeStaff(ctx context.Context, sessionID string, at time.Time) error {
	_, err := s.exec(ctx, "note that staff worked in a session", `
		INSERT INTO staff_sessions (session_id, seen_at)
		VALUES ($1, $2)
		ON CONFLICT (session_id) DO UPDATE SET seen_at = excluded.seen_at
		WHERE staff_sessions.seen_at < excluded.seen_at`, sessionID, at.UTC())
	return err
}

func scanNote(scan func(...any) error) (n account.Note, err error) {
	var author sql.NullInt64
	err = scan(&n.ID, &n.UserID, &author, &n.Text, asUTC(&n.CreatedAt))
	n.AuthorID = author.Int64
	return n, err
}

// AddNote stores a note about a user and fills in its id.
func (s *Store) AddNote(ctx context.Context, n *account.Note) (err error) {
	n.ID, err = queryValue[int64](ctx, s, "add a note", `
		INSERT INTO staff_notes (user_id, author_id, text, created_at)
		VALUES ($1, $2, $3, $4)
		RETURNING id`, n.UserID, orNull(n.AuthorID), n.Text, n.CreatedAt.UTC())
	return err
}

// Notes returns the newest notes about a user, or those before an id that is not
// zero, at most limit.
func (s *Store) Notes(ctx context.Context, userID, before int64, limit int) ([]account.Note, error) {
	return queryAll(ctx, s, "list notes", scanNote, `
		SELECT id, user_id, author_id, text, created_at
		FROM staff_notes
		WHERE user_id = $1 AND id < $2
		ORDER BY id DESC
		LIMIT $3`, userID, orNewest(before), limit)
}

// CountOwners says how many owners there are whose role counts and who can log
// in, but for one user.
func (s *Store) CountOwners(ctx context.Context, but int64) (int, error) {
	return queryValue[int](ctx, s, "count the owners", `
		SELECT count(*)
		FROM staff m JOIN users u ON u.id = m.user_id
		WHERE m.role = $1 AND m.accepted_at IS NOT NULL AND m.suspended_at IS NULL AND u.is_active AND u.id <> $2`, account.Owner, but)
}

// LastOwner reports whether a user is an owner beside whom no other one's role
// counts: also for one whose role is suspended, which the terminal can renew. One
// transaction at a time is let through, which sees what the one before did.
func (s *Store) LastOwner(ctx context.Context, userID int64) (bool, error) {
	m, err := s.StaffMember(ctx, userID)
	if errors.Is(err, ErrNotFound) || err == nil && (m.Role != account.Owner || m.AcceptedAt.IsZero()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := s.LockStaff(ctx); err != nil {
		return false, err
	}
	others, err := s.CountOwners(ctx, userID)
	return others == 0, err
}

// NoteLook notes that one of the staff looked at a user, and reports whether
// that had not been noted since a time.
func (s *Store) NoteLook(ctx context.Context, agentID, userID int64, since, at time.Time) (bool, error) {
	n, err := s.exec(ctx, "note a look", `
		INSERT INTO staff_looks (agent_id, user_id, seen_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (agent_id, user_id) DO UPDATE SET seen_at = excluded.seen_at
		WHERE staff_looks.seen_at <= $4`, agentID, userID, at.UTC(), since.UTC())
	return n > 0, err
}

// Looked reports whether one of the staff looked at a user since a time.
func (s *Store) Looked(ctx context.Context, agentID, userID int64, since time.Time) (bool, error) {
	return queryValue[bool](ctx, s, "look for a look", `
		SELECT EXISTS (SELECT 1 FROM staff_looks WHERE agent_id = $1 AND user_id = $2 AND seen_at > $3)`, agentID, userID, since.UTC())
}

// DeleteLooks forgets up to limit looks before a time, and says how many.
func (s *Store) DeleteLooks(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "forget looks", `
		DELETE FROM staff_looks
		WHERE (agent_id, user_id) IN (SELECT agent_id, user_id FROM staff_looks WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)`, before.UTC(), limit)
}

const approvalColumns = `id, act, users, format, reason, asked_by, asked_at, expires_at, decided_by, decided_at, approved`

func scanApproval(scan func(...any) error) (a account.Approval, err error) {
	var users string
	var decidedBy sql.NullInt64
	err = scan(&a.ID, &a.Act, &users, &a.Format, &a.Reason, &a.AskedBy, asUTC(&a.AskedAt), asUTC(&a.ExpiresAt), &decidedBy, asUTC(&a.DecidedAt), &a.Approved)
	if err == nil {
		err = json.Unmarshal([]byte(users), &a.Users)
	}
	a.DecidedBy, a.Count = decidedBy.Int64, len(a.Users)
	return a, err
}

// listedApproval are the columns of a list: of very many users it has the first,
// and their number.
var listedApproval = strings.Replace(approvalColumns, `users`, fmt.Sprintf(`substr(users, 1, %d)`, mostListed), 1) +
	`, CASE WHEN users = '[]' THEN 0 ELSE length(users) - length(replace(users, ',', '')) + 1 END`

// mostListed is how long the text of so many users is, at most.
const mostListed = len("[") + account.ApprovalListed*len("9223372036854775807,")

func scanListedApproval(scan func(...any) error) (a account.Approval, err error) {
	count := 0
	a, err = scanApproval(func(to ...any) error {
		err := scan(append(to, &count)...)
		if users := to[2].(*string); err == nil && !strings.HasSuffix(*users, "]") { // it was cut
			*users = (*users)[:strings.LastIndexByte(*users, ',')] + "]"
		}
		return err
	})
	a.Users, a.Count = a.Users[:min(len(a.Users), account.ApprovalListed)], count
	return a, err
}

// CreateApproval stores what waits for a second person.
func (s *Store) CreateApproval(ctx context.Context, a account.Approval) error {
	users, err := json.Marshal(a.Users)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "ask for an approval", `
		INSERT INTO staff_approvals (`+approvalColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.ID, a.Act, string(users), a.Format, a.Reason, a.AskedBy, a.AskedAt.UTC(), a.ExpiresAt.UTC(), orNull(a.DecidedBy), nullTime(a.DecidedAt), a.Approved)
	return err
}

// Approval returns what waits for a second person, or [ErrNotFound].
func (s *Store) Approval(ctx context.Context, id string) (account.Approval, error) {
	if !plainID(id) {
		return account.Approval{}, ErrNotFound
	}
	return queryRow(ctx, s, "find an approval", scanApproval, `SELECT `+approvalColumns+` FROM staff_approvals WHERE id = $1`, id)
}

// Approvals returns the newest of what waits for a second person, or waited,
// at most limit, each with the first of the users that it is about.
func (s *Store) Approvals(ctx context.Context, limit int) ([]account.Approval, error) {
	return queryAll(ctx, s, "list approvals", scanListedApproval, `
		SELECT `+listedApproval+`
		FROM staff_approvals
		ORDER BY asked_at DESC, id
		LIMIT $1`, limit)
}

// AskedApprovals returns when each of the approvals ends that one of the staff
// asked for and that have not yet, the first first.
func (s *Store) AskedApprovals(ctx context.Context, askedBy int64, now time.Time) ([]time.Time, error) {
	return queryAll(ctx, s, "list when approvals end", scanTime, `
		SELECT expires_at
		FROM staff_approvals
		WHERE asked_by = $1 AND expires_at > $2
		ORDER BY expires_at`, askedBy, now.UTC())
}

// DecideApproval notes what the second person said. Of several one succeeds;
// the others, and those who come too late, get [ErrNotFound].
func (s *Store) DecideApproval(ctx context.Context, id string, by int64, approved bool, at time.Time) error {
	return s.execOne(ctx, "decide an approval", `
		UPDATE staff_approvals
		SET decided_by = $1, decided_at = $2, approved = $3
		WHERE id = $4 AND decided_at IS NULL AND expires_at > $2`, by, at.UTC(), approved, id)
}

// UseApproval forgets an approval because what it allows is done now, once. It
// returns [ErrNotFound] when it allows nothing (any more).
func (s *Store) UseApproval(ctx context.Context, id string, at time.Time) error {
	return s.execOne(ctx, "use an approval", `DELETE FROM staff_approvals WHERE id = $1 AND approved AND expires_at > $2`, id, at.UTC())
}

// DeleteApprovalsOf forgets what one of the staff asked for or approved, and
// was not done.
func (s *Store) DeleteApprovalsOf(ctx context.Context, userID int64) error {
	_, err := s.exec(ctx, "forget approvals", `DELETE FROM staff_approvals WHERE asked_by = $1 OR decided_by = $1`, userID)
	return err
}

// DeleteApprovals forgets up to limit approvals that ended before a time, and
// says how many.
func (s *Store) DeleteApprovals(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete approvals", `
		DELETE FROM staff_approvals
		WHERE id IN (SELECT id FROM staff_approvals WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, before.UTC(), limit)
}
