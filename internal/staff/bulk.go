package staff

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// BulkAct is an act on many users.
type BulkAct string

// The acts on many users.
const (
	BulkDisable BulkAct = "disable"
	BulkEnable  BulkAct = "enable"
	BulkSignOut BulkAct = "sign_out"
	BulkResend  BulkAct = "resend"
	BulkClose   BulkAct = "close"
)

// Bulk is whom an act on many users is about: those of a list of ids, or all
// whom a search means, and never both.
type Bulk struct {
	IDs    account.Input // a list, or a text with commas
	Query  Query
	Reason string
	DryRun bool // says what would be done
	Named  int  // so many of those to be done, and of those left out, are named to the agent at most; zero: all who are left out

	// Expected is what [Report.Digest] said of the dry run that somebody saw; empty:
	// none was seen. Where others are meant by now, nothing is done.
	Expected string
}

// ErrBulkChanged says that others are meant than those whom the dry run had: the
// report is that of another one.
var ErrBulkChanged = errors.New("others are meant than when it was looked at")

// MostBulk is how many users one act may be about.
const MostBulk = 10_000

// Left is somebody to whom an act was not done.
type Left struct {
	User account.User
	Why  LeftWhy
}

// LeftWhy is why.
type LeftWhy string

// Why somebody is left out.
const (
	LeftStaff     LeftWhy = "staff"
	LeftSelf      LeftWhy = "yourself"
	LeftAlready   LeftWhy = "already"    // nothing to do: it is so
	LeftClosed    LeftWhy = "closed"     // by its owner
	LeftNotActive LeftWhy = "not_active" // could not use what would be mailed
	LeftNoMail    LeftWhy = "no_address" // or it belongs to somebody else, or mails wait
	LeftGone      LeftWhy = "gone"       // erased meanwhile
)

// Report says what came of an act on many users.
type Report struct {
	Done []account.User // or, of a dry run, to be done
	Left []Left
}

// Digest stands for whom a dry run has to be done.
func (r Report) Digest() string {
	h := sha256.New()
	for _, u := range r.Done {
		_ = binary.Write(h, binary.BigEndian, u.ID) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Do does an act to many users, one after another, each in a transaction of its
// own: when it breaks, who was done is done, and doing it again does nobody
// twice. Staff and the agent are left out. Whom it finds is a look at a list, an
// event before anything is done.
func (s *Service) Do(ctx context.Context, act BulkAct, b Bulk) (Report, error) {
	needs := needsReason(!b.DryRun && (act == BulkDisable || act == BulkClose))
	reason, err := checkReason(b.Reason, needs)
	if err != nil {
		return Report{}, err
	}
	users, err := s.meantBy(ctx, b.IDs, b.Query, MostBulk)
	if err != nil {
		return Report{}, err
	}
	roles, err := s.roles(ctx)
	if err != nil {
		return Report{}, err
	}
	var plan Report
	for _, u := range users {
		if why := s.left(act, u, roles); why != "" {
			plan.Left = append(plan.Left, Left{u, why})
		} else {
			plan.Done = append(plan.Done, u)
		}
	}
	named := len(plan.Left)
	if b.Named > 0 {
		named = min(named, b.Named) + min(len(plan.Done), b.Named)
	}
	if err := s.names(ctx, named); err != nil {
		return Report{}, err
	}
	// Whoever has seen these in a dry run has that event. Of others the report names
	// those who are left out, and that may yet be anybody.
	seen := b.Expected != "" && b.Expected == plan.Digest()
	if !seen || b.DryRun {
		if err := s.listed(ctx, len(users)); err != nil {
			return Report{}, err
		}
	}
	switch {
	case b.DryRun:
		return plan, nil
	case b.Expected != "" && !seen:
		return plan, ErrBulkChanged
	}
	r := Report{Left: plan.Left}
	for _, u := range plan.Done {
		why, err := s.doOne(ctx, act, u, reason)
		if err != nil {
			return r, err
		}
		if why != "" {
			r.Left = append(r.Left, Left{u, why})
			continue
		}
		r.Done = append(r.Done, u)
	}
	return r, nil
}

// left says why an act is not for somebody, or nothing.
func (s *Service) left(act BulkAct, u account.User, roles map[int64]account.StaffMember) LeftWhy {
	_, isStaff := roles[u.ID]
	switch {
	case s.agent != nil && u.ID == s.agent.User.ID:
		return LeftSelf
	case isStaff:
		return LeftStaff
	case u.State() == account.UserClosed && act == BulkClose:
		return LeftAlready
	case u.State() == account.UserClosed:
		return LeftClosed
	case act == BulkDisable && !u.Active, act == BulkEnable && u.Active, act == BulkResend && !u.EmailVerifiedAt.IsZero():
		return LeftAlready
	case act == BulkResend && !u.Active:
		return LeftNotActive
	case act == BulkResend && u.Email == "":
		return LeftNoMail
	}
	return ""
}

// doOne does an act to one user, and says why not where that cannot be.
func (s *Service) doOne(ctx context.Context, act BulkAct, u account.User, reason string) (why LeftWhy, err error) {
	switch act {
	case BulkDisable:
		err = s.disable(ctx, u.ID, reason)
	case BulkEnable:
		err = s.enable(ctx, u.ID, reason)
	case BulkSignOut:
		_, err = s.EndSessions(ctx, u.ID, reason)
	case BulkResend:
		_, err = s.ResendVerification(ctx, u.ID, reason)
	case BulkClose:
		err = s.Close(ctx, u.ID, reason)
	}
	var e *account.Error
	switch {
	case err == nil:
		return "", nil
	case errors.Is(err, errAlready), act == BulkClose && errors.Is(err, account.ErrUserClosed): // by another, since we looked
		return LeftAlready, nil
	case errors.Is(err, account.ErrUserNotFound), errors.Is(err, account.ErrNotFound):
		return LeftGone, nil
	case errors.Is(err, account.ErrUserClosed):
		return LeftClosed, nil
	case errors.Is(err, account.ErrUserNotActive):
		return LeftNotActive, nil
	case errors.Is(err, account.ErrPermissionDenied): // a role since we looked
		return LeftStaff, nil
	case act == BulkResend && errors.As(err, &e) && (e.Kind == account.Invalid || e.Kind == account.Throttled):
		return LeftNoMail, nil
	}
	return "", err
}

// oneOfBoth is an error unless there is either a list of ids or a search:
// nobody means everybody by accident. An empty search does; one of blanks alone
// is a mistake, which a transport trims away: see [account.TypedInput].
func oneOfBoth(ids account.Input, q Query, f store.UserFilter) error {
	list := ids.State != account.Missing
	searched := f != (store.UserFilter{})
	if list && searched || !list && !searched && q.Search.State == account.Missing {
		return account.NonFieldError("field.one_of", nil)
	}
	if q.Search.Blank || account.TypedInput(f.Search).Blank {
		return account.FieldError("search", "field.blank", nil)
	}
	return nil
}

// meantBy returns the users of a list of ids, or all of a search, in the order
// of their ids. It refuses more than most; a list that is empty is nobody.
func (s *Service) meantBy(ctx context.Context, in account.Input, q Query, most int) ([]account.User, error) {
	filter, errs := s.filter(q)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if err := oneOfBoth(in, q, filter); err != nil {
		return nil, err
	}
	if in.State != account.Missing {
		return s.ofList(ctx, in, most)
	}
	var users []account.User
	err := s.walk(ctx, filter, func(u account.User) error {
		if users = append(users, u); len(users) > most {
			return account.NonFieldError("list.too_many", account.Args{"max": most})
		}
		return nil
	})
	if err != nil {
		return nil, asFieldError(err)
	}
	return users, nil
}

// walk calls fn with every user of a filter, in the order of their ids.
func (s *Service) walk(ctx context.Context, f store.UserFilter, fn func(account.User) error) error {
	for cursor := ""; ; {
		page, err := s.store.ListUsers(ctx, f, store.ByID, cursor, store.MaxUserPage)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if err := fn(u); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

func (s *Service) ofList(ctx context.Context, in account.Input, most int) ([]account.User, error) {
	ids, ok := readIDs(in)
	if !ok {
		return nil, account.FieldError("ids", "field.integer", nil)
	}
	if len(ids) > most {
		return nil, account.FieldError("ids", "list.too_many", account.Args{"max": most})
	}
	var users []account.User
	seen := map[int64]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		u, err := s.store.UserByID(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// readIDs reads a list of JSON, or a text with commas.
func readIDs(in account.Input) (ids []int64, ok bool) {
	if in.State == account.NotText {
		return ids, json.Unmarshal([]byte(in.JSON), &ids) == nil
	}
	for part := range strings.SplitSeq(in.Text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, in.State == account.Given
}
