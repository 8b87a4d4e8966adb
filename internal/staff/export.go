package staff

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Export is many users to be written into a file.
type Export struct {
	s      *Service
	ids    []int64 // of an approval; nil: those of the filter
	filter store.UserFilter
	format string
	reason string
	by     account.Approval // by which it is done; zero: none was needed
	Count  int64            // how many are expected
}

// The formats of an export. CSV is for spreadsheets, JSON lines for programs.
const (
	CSV    = "csv"
	NDJSON = "ndjson"
)

// Format is csv or ndjson.
func (e *Export) Format() string { return e.format }

// Exports checks what is to be exported: those of a list, or all whom a search
// means (an empty search is everybody). A reason is needed; where there have to
// be two persons, waits is what the second has to approve, and the list is
// written down. That it begins is an event, before the first byte, with how
// many are expected.
func (s *Service) Exports(ctx context.Context, ids account.Input, q Query, format, reason string) (e *Export, waits *account.Approval, err error) {
	if reason, err = checkReason(reason, mustGiveReason); err != nil {
		return nil, nil, err
	}
	f, errs := s.filter(q)
	if format = formatField.Read(errs, account.TextInput(format)); format == "" {
		format = CSV
	}
	if err := errs.Err(); err != nil {
		return nil, nil, err
	}
	if err := oneOfBoth(ids, q, f); err != nil {
		return nil, nil, err
	}
	e = &Export{s: s, filter: f, format: format, reason: reason}
	switch {
	case ids.State != account.Missing || s.NeedsSecond():
		users, err := s.meantBy(ctx, ids, q, MostFrozen)
		if err != nil {
			return nil, nil, err
		}
		e.ids = make([]int64, 0, len(users))
		for _, u := range users {
			e.ids = append(e.ids, u.ID)
		}
		e.Count = int64(len(e.ids))
	default:
		count, err := s.store.CountUsers(ctx, f)
		if err != nil {
			return nil, nil, asFieldError(err)
		}
		e.Count = count.N
	}
	if s.NeedsSecond() {
		waits, err = s.ask(ctx, account.ApproveExport, e.ids, format, reason)
		return nil, waits, err
	}
	return e, nil, e.note(ctx, int(e.Count), expected)
}

// ExportApproved is Exports for what a second person approved.
func (s *Service) ExportApproved(ctx context.Context, id string) (*Export, error) {
	a, err := s.usable(ctx, id, account.ApproveExport)
	if err != nil {
		return nil, err
	}
	e := &Export{s: s, ids: a.Users, format: a.Format, reason: a.Reason, by: a, Count: int64(a.Count)}
	if e.ids == nil {
		e.ids = []int64{}
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.use(ctx, tx, a); err != nil {
			return err
		}
		return e.record(ctx, tx, a.Count, expected)
	})
	return e, err
}

// What the two events of an export tell.
const (
	expected = "expected"
	written  = "written"
	broken   = "broken"
)

func (e *Export) record(ctx context.Context, tx *store.Store, n int, what string) error {
	ev := e.s.by(account.EventUsersExported, 0, e.s.now())
	if len(e.ids) == 1 && what == expected { // they may know
		ev = e.s.by(account.EventUserExported, e.ids[0], ev.At)
	}
	ev.Details.Count, ev.Details.Fields, ev.Reason = n, []string{what, e.format}, e.reason
	ev.Details.Approval, ev.Details.Second = e.by.ID, e.by.DecidedBy
	return e.s.audit.Record(ctx, tx, ev)
}

// note is record in a transaction of its own.
func (e *Export) note(ctx context.Context, n int, what string) error {
	return e.s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return e.record(ctx, tx, n, what) })
}

// Write writes the file as it reads the users, so that a million take little
// memory. That it ended, or broke, is another event, with how many were written.
func (e *Export) Write(ctx context.Context, w io.Writer) (err error) {
	n := 0
	defer func() {
		what := written
		if err != nil {
			what = broken
		}
		err = errors.Join(err, e.note(context.WithoutCancel(ctx), n, what))
	}()
	out := bufio.NewWriterSize(w, 32<<10)
	row, end := e.rows(out)
	err = e.each(ctx, func(u account.User) error {
		if n%store.MaxUserPage == 0 {
			if err := e.s.atWork(ctx, e.s.store); err != nil {
				return err
			}
		}
		n++
		return row(u)
	})
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	return out.Flush()
}

// each calls fn with every user of the export, in the order of their ids.
func (e *Export) each(ctx context.Context, fn func(account.User) error) error {
	if e.ids != nil {
		for _, id := range e.ids {
			u, err := e.s.store.UserByID(ctx, id)
			if errors.Is(err, store.ErrNotFound) { // erased meanwhile
				continue
			}
			if err == nil {
				err = fn(u)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := e.s.walk(ctx, e.filter, fn); err != nil {
		return err
	}
	return ctx.Err()
}

// exported is a line of JSON.
type exported struct {
	ID          int64      `json:"id"`
	Username    string     `json:"username"`
	Email       string     `json:"email"`
	FirstName   string     `json:"first_name"`
	LastName    string     `json:"last_name"`
	Language    string     `json:"language"`
	State       string     `json:"state"`
	VerifiedAt  *time.Time `json:"email_verified_at"`
	JoinedAt    time.Time  `json:"date_joined"`
	LastLoginAt *time.Time `json:"last_login"`
	ClosedAt    *time.Time `json:"closed_at"`
}

var columns = []string{"id", "username", "email", "first_name", "last_name", "language", "state", "email_verified_at", "date_joined", "last_login", "closed_at"}

// rows returns what writes a user, and what ends the file.
func (e *Export) rows(out *bufio.Writer) (row func(account.User) error, end func() error) {
	if e.format == NDJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return func(u account.User) error {
			return enc.Encode(exported{
				u.ID, u.Username, u.Email, u.FirstName, u.LastName, u.Language, string(u.State()),
				orNull(u.EmailVerifiedAt), u.JoinedAt, orNull(u.LastLoginAt), orNull(u.ClosedAt),
			})
		}, func() error { return nil }
	}
	// A French spreadsheet takes semicolons, and letters that are not Latin only
	// after a byte order mark.
	_, _ = out.WriteString("\ufeff")
	c := csv.NewWriter(out)
	c.Comma, c.UseCRLF = ';', true
	_ = c.Write(columns) // an error stays, and c.Error has it
	return func(u account.User) error {
			return c.Write([]string{
				strconv.FormatInt(u.ID, 10), cell(u.Username), cell(u.Email), cell(u.FirstName), cell(u.LastName), u.Language, string(u.State()),
				moment(u.EmailVerifiedAt), moment(u.JoinedAt), moment(u.LastLoginAt), moment(u.ClosedAt),
			})
		}, func() error {
			c.Flush()
			return c.Error()
		}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// formula is where a cell may begin that a spreadsheet takes for a formula: at the
// beginning of a text, and after what parts cells, or lines, in the files of
// another country: an English spreadsheet splits ours at commas, in whatever
// quotes.
var formula = regexp.MustCompile(`(?:^|[,;|\t\r\n])["\s]*[=+\-@＝＋－＠]`)

// cell keeps a spreadsheet from taking what somebody called themselves for a
// formula, a number or a day: an apostrophe makes it text.
func cell(value string) string {
	text := formula.ReplaceAllStringFunc(value, func(begin string) string {
		last, size := utf8.DecodeLastRuneInString(begin)
		return begin[:len(begin)-size] + "'" + string(last)
	})
	if value != "" && strings.ContainsRune("\t\r\n", rune(value[0])) || text == value && isNumber(value) {
		return "'" + text
	}
	return text
}

// isNumber reports whether a spreadsheet would write a text in another way, as
// a number or a day: 0612345678 without its zero, 1E5 as 100000, 3-4 as the
// third of April. One of at most fifteen digits that begins with none stays as
// it is.
func isNumber(value string) bool {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, value)
	if digits == "" || strings.Trim(value, "0123456789 .,:/-eE") != "" {
		return false
	}
	return digits != value || len(digits) > 15 || digits[0] == '0' && len(digits) > 1
}
