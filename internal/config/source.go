package config

import (
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// Source is where settings come from. As an option of kong it reads every
// flag that has a variable, and keeps what is wrong with a value for [Load]:
// kong would stop at the first.
type Source struct {
	getenv  func(string) string
	flags   map[string]bool   // variables that a flag overrules
	texts   map[string]string // what those flags were given
	misread map[string]error  // what is wrong with a variable's value
}

// NewSource is given where variables are that have no flag.
func NewSource(getenv func(string) string) *Source {
	return &Source{getenv: getenv, flags: map[string]bool{}, texts: map[string]string{}, misread: map[string]error{}}
}

// Apply is kong's.
func (s *Source) Apply(k *kong.Kong) error {
	return kong.PostBuild(func(k *kong.Kong) error {
		return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
			if flag, is := node.(*kong.Flag); is && len(flag.Envs) > 0 {
				flag.Mapper = s
			}
			return next(nil)
		})
	}).Apply(k)
}

// Decode is kong's. It is asked for flags first, then for the variables and
// defaults of every command; the flags win.
func (s *Source) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	name := ctx.Value.Tag.Envs[0]
	isFlag := target.Addr().Pointer() != ctx.Value.Target.Addr().Pointer()
	text := "true" // of a flag alone
	next := ctx.Scan.Peek()
	if _, isBool := bools[strings.ToLower(next.String())]; isBool || target.Kind() != reflect.Bool || next.Type == kong.FlagValueToken {
		if err := ctx.Scan.PopValueInto("string", &text); err != nil {
			return err
		}
	}
	if s.flags[name] && !isFlag {
		return nil
	}
	s.flags[name] = isFlag
	if isFlag {
		s.texts[name] = text
	}
	delete(s.misread, name)
	if err := set(target, ctx.Value.Tag, Clean(text)); err != nil {
		s.misread[name] = err
	}
	return nil
}

// Flag returns what the flag of a variable was given, if it was.
func (s *Source) Flag(variable string) (text string, given bool) {
	text, given = s.texts[variable]
	return text, given
}

// Clean takes away what editors and files of variables leave at the ends of a
// text: a byte order mark and line ends. Every variable and every file of a
// setting is cleaned so.
func Clean(text string) string {
	return strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
}

// CleanEnvironment makes YOOZAK_X= the same as not setting it, as Docker's and
// systemd's files have it.
func CleanEnvironment() {
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "YOOZAK_") && Clean(value) == "" {
			_ = os.Unsetenv(name)
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
