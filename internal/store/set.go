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
		arrays, names, args := make([]string, len(columns)), make([]string, len(columns)), make([]any, len(columns))
		for i, c := range columns {
			arrays[i], names[i], args[i] = fmt.Sprintf("$%d::%s[]", i+1, c.kind), fmt.Sprint("column", i+1), c.values
		}
		return run(fmt.Sprintf(query, "unnest("+strings.Join(arrays, ", ")+") AS v ("+strings.Join(names, ", ")+")"), args)
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
