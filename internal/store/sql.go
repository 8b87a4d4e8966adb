package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// params is a list of n parameters: $1, $2, … after those before.
func params(before, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(before+i+1))
	}
	return b.String()
}

// tuples is what follows VALUES: ($1, $2), ($3, $4) for two rows of two.
func tuples(rows, columns int) string {
	all := make([]string, rows)
	for row := range all {
		all[row] = "(" + params(row*columns, columns) + ")"
	}
	return strings.Join(all, ", ")
}

// marks is tuples with ? rather than $1: to SQLite that is a name, which it
// looks for in a list for each value.
func marks(rows, columns int) string {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	return row + strings.Repeat(", "+row, rows-1)
}

// utcTime is where a time is scanned to: it becomes UTC, and NULL the zero
// time.
type utcTime time.Time

// asUTC scans into t.
func asUTC(t *time.Time) *utcTime { return (*utcTime)(t) }

// Scan is database/sql's.
func (t *utcTime) Scan(column any) error {
	switch at := column.(type) {
	case nil:
		*t = utcTime{}
	case time.Time:
		*t = utcTime(at.UTC())
	default:
		return fmt.Errorf("a column of %T is no time", column)
	}
	return nil
}

func scanTime(scan func(...any) error) (at time.Time, err error) {
	err = scan(asUTC(&at))
	return at, err
}

// nullTime stores the zero time as NULL.
func nullTime(t time.Time) sql.NullTime {
	return sql.NullTime{Time: t.UTC(), Valid: !t.IsZero()}
}
