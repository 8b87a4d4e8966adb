package config

import (
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// CleanEnvironment takes away what files of variables leave at the ends of
// values, and makes YOOZAK_X= the same as not setting it, as Docker's and
// systemd's files have it.
func CleanEnvironment() {
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "YOOZAK_") {
			continue
		}
		switch meant := Clean(value); {
		case meant == "":
			_ = os.Unsetenv(name)
		case meant != value:
			_ = os.Setenv(name, meant)
		}
	}
}

// Unknown lists the variables that begin with prefix and that no command of a
// program reads: mostly a slip of the pen, which would leave a setting at its
// default without a word.
func Unknown(program *kong.Node, prefix string) []string {
	known := map[string]bool{"YOOZAK_IMPORT_SOURCE": true}
	_ = kong.Visit(program, func(node kong.Visitable, next kong.Next) error {
		if flag, is := node.(*kong.Flag); is {
			for _, name := range flag.Envs {
				known[name] = true
				known[strings.TrimSuffix(name, "_FILE")] = true // a secret has no flag but that of its file
			}
		}
		return next(nil)
	})
	var unknown []string
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, prefix) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}
