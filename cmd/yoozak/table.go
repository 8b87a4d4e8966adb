package main

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// listLimit is of commands that list what may be much: they print it as they
// read it.
type listLimit struct {
	Limit int `help:"How many." default:"100"`
}

var errLimit = errors.New("--limit must be 1 or more")

// pageSize is how many rows are asked for, and held, at once.
const pageSize = 500

// eachPage gives what next finds to print, at most limit in all (0 is all),
// and keeps one page of it. next is told how many at most, goes on by itself,
// and finds nothing at the end.
func eachPage[T any](limit int, next func(most int) ([]T, error), print func(T) error) error {
	for had := 0; limit == 0 || had < limit; {
		most := pageSize
		if limit > 0 {
			most = min(most, limit-had)
		}
		page, err := next(most)
		if err != nil {
			return err
		}
		for _, v := range page {
			if err := print(v); err != nil {
				return err
			}
		}
		if had += len(page); len(page) == 0 {
			return nil
		}
	}
	return nil
}

// firstOf is the beginning of a list that is short by nature; 0 is all of it.
func firstOf[T any](limit int, all []T) []T {
	if limit > 0 && limit < len(all) {
		return all[:limit]
	}
	return all
}

// table prints rows in columns. It holds a page of them, by which it knows how
// wide a column is; in later rows a cell may push the others to the right.
type table struct {
	out    io.Writer
	rows   [][]string
	widths []int
	wide   bool // widths are known
}

func newTable(out io.Writer, headings ...string) *table {
	return &table{out: out, rows: [][]string{headings}}
}

// row adds a row.
func (t *table) row(cells ...string) error {
	t.rows = append(t.rows, cells)
	if len(t.rows) < pageSize {
		return nil
	}
	return t.flush()
}

// flush prints the rows that are held.
func (t *table) flush() error {
	if !t.wide {
		t.wide = true
		for _, row := range t.rows {
			for i, cell := range row {
				if i == len(t.widths) {
					t.widths = append(t.widths, 0)
				}
				t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", 2+max(0, t.widths[i]-utf8.RuneCountInString(cell))))
			}
		}
		b.WriteByte('\n')
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.out, b.String())
	return err
}
