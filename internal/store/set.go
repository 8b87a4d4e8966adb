package store

import (
	"context"
	"fmt"
	"strings"
)

// A statement for many rows takes them as a table: its %s becomes the table v
// with the columns column1, column2 and so on. On PostgreSQL that is one
// statement of one text, with an array for each column, however many rows
// there are: what costs is the round trip, and a far database is asked as
// often for two thousand rows as for one. SQLite is in the process and takes
// the rows by portions.

// column is one column of such a table.
type column struct {
	rows   int
	kind   string // PostgreSQL's type
	values any    // a slice: PostgreSQL's array
	at     func(row int) any
}

func columnOf[T any](kind string, values []T) column {
	return column{rows: len(values), kind: kind, values: values, at: func(row int) any { return values[row] }}
}

// statement is one that is to be run with another: see [Store.execBoth].
type statement struct {
	query   string
	args    []any    // of a plain one
	columns []column // of one for many rows
}

// text is a statement as PostgreSQL is given it when so many parameters are
// another's.
func (st statement) text(before int) (query string, args []any) {
	if st.columns == nil {
		return st.query, st.args // it comes first
	}
	return onArrays(st.query, st.columns, before)
}

// execBoth runs two statements of which neither needs what the other does. On
// PostgreSQL they are one, so that the second costs no round trip: a statement
// that stands in WITH is run whether or not anything is read from it. The second
// is one for many rows, and is left out where it has none.
func (s *Store) execBoth(ctx context.Context, op string, first, second statement) (err error) {
	if s.dialect == postgresDialect && second.columns[0].rows > 0 {
		query, args := first.text(0)
		beside, more := second.text(len(args))
		_, err = s.exec(ctx, op, `WITH beside AS (`+beside+`)`+query, append(args, more...)...)
		return err
	}
	if first.columns == nil {
		_, err = s.exec(ctx, op, first.query, first.args...)
	} else {
		_, err = s.execSet(ctx, op, first.query, first.columns...)
	}
	if err == nil {
		_, err = s.execSet(ctx, op, second.query, second.columns...)
	}
	return err
}

// execSet runs a statement for many rows and returns how many it changed.
func (s *Store) execSet(ctx context.Context, op, query string, columns ...column) (n int64, err error) {
	err = s.eachSet(query, columns, func(query string, args []any) error {
		changed, err := s.exec(ctx, op, query, args...)
		n += changed
		return err
	})
	return n, err
}

// querySet returns what a statement for many rows yields.
func querySet[T any](ctx context.Context, s *Store, op string, scan func(scan func(...any) error) (T, error), query string, columns ...column) (all []T, err error) {
	err = s.eachSet(query, columns, func(query string, args []any) error {
		some, err := queryAll(ctx, s, op, scan, query, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// eachSet runs the statements that a statement for many rows is, none where
// there are no rows.
func (s *Store) eachSet(query string, columns []column, run func(query string, args []any) error) error {
	rows := columns[0].rows
	if rows == 0 {
		return nil
	}
	if s.dialect == postgresDialect {
		return run(onArrays(query, columns, 0))
	}
	row := 0
	for _, n := range portions(rows) {
		args := make([]any, 0, n*len(columns))
		for range n {
			for _, c := range columns {
				args = append(args, c.at(row))
			}
			row++
		}
		if err := run(fmt.Sprintf(query, "(VALUES "+marks(n, len(columns))+") AS v"), args); err != nil {
			return err
		}
	}
	return nil
}

// onArrays is a statement for many rows on PostgreSQL, when so many parameters
// are another's.
func onArrays(query string, columns []column, before int) (string, []any) {
	arrays, names, args := make([]string, len(columns)), make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		arrays[i], names[i], args[i] = fmt.Sprintf("$%d::%s[]", before+i+1, c.kind), fmt.Sprint("column", i+1), c.values
	}
	return fmt.Sprintf(query, "unnest("+strings.Join(arrays, ", ")+") AS v ("+strings.Join(names, ", ")+")"), args
}
