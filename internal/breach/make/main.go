// Command make writes the list of breached passwords. It reads passwords, one
// on a line, from standard input; "make breached" gives it those that
// docs/decisions/0007-breached-passwords.md names.
package main

import (
	"fmt"
	"os"

	"github.com/yoozak/clients/internal/breach"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: make FILE < PASSWORDS")
		os.Exit(2)
	}
	made, entries, err := breach.Build(os.Stdin)
	if err == nil {
		err = os.WriteFile(os.Args[1], made, 0o644) //nolint:gosec // a source file
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "make: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("%d entries, %d bytes\n", entries, len(made))
}
