package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/yoozak/clients/internal/django"
)

func printRemark(out io.Writer, m django.Issue) {
	verb := "skipped"
	if m.Note {
		verb = "note"
	}
	fmt.Fprintf(out, "%s\tid %s", verb, printable(m.ID))
	if m.Username != "" {
		fmt.Fprintf(out, "\t%q", shortened(m.Username))
	}
	fmt.Fprintf(out, "\t%s", m.Reason)
	if m.Owner != 0 {
		fmt.Fprintf(out, " by user %d", m.Owner)
	}
	fmt.Fprintln(out)
}

// printable is an id from outside; nearly always a number.
func printable(id string) string {
	if id == "" {
		return "-"
	}
	if strings.Trim(id, "0123456789") == "" {
		return id
	}
	return fmt.Sprintf("%q", shortened(id))
}

func shortened(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}

func printReport(out io.Writer, r django.Report, dryRun bool) error {
	if dryRun {
		fmt.Fprintln(out, "\nA dry run: nothing was changed. It would have been:")
	} else {
		fmt.Fprintln(out, "\nImported from Django:")
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	line := func(n int64, what string) { fmt.Fprintf(table, "\t%d\t  %s\n", n, what) }
	var skipped int64
	for _, n := range r.Skipped {
		skipped += n
	}
	line(r.Read, "users read")
	line(r.Imported, "imported")
	line(r.Updated, "updated")
	line(r.Unchanged, "unchanged since the last import")
	line(skipped, "skipped")
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		line(r.Skipped[reason], "   "+reason)
	}
	if r.Kept > 0 {
		line(r.Kept, "passwords kept that were chosen here")
	}
	if r.Gone > 0 {
		line(r.Gone, "users kept that are not in the source any more")
	}
	line(r.Revoked, "refresh tokens on the blacklist")
	if r.Verified > 0 {
		line(r.Verified, "addresses that count as verified from now on")
	}
	if r.Bare > 0 {
		line(r.Bare, "users with dates that have no time zone, read as UTC (with USE_TZ=False say --time-zone NAME, the project's TIME_ZONE)")
	}
	if r.Dead > 0 {
		line(r.Dead, "users whose password cannot be verified here: they have to choose another by mail")
	}
	if len(r.Formats) > 0 {
		fmt.Fprintf(table, "\t\t  password hashes:\n")
	}
	for _, format := range slices.Sorted(maps.Keys(r.Formats)) {
		line(r.Formats[format], "   "+format)
	}
	return table.Flush()
}
