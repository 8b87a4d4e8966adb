package main

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/account"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script that has a shell ask [completeCmd] what may stand where
// the cursor is: for bash and zsh "source <(yoozak completion bash)", for fish
// "yoozak completion fish | source".
func (cmd completionCmd) Run(e env) error {
	_, err := io.WriteString(e.stdout, map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[cmd.Shell])
	return err
}

// completeCmd is what those scripts call.
type completeCmd struct {
	Words []string `arg:"" optional:"" help:"The words after the program's name, up to the one that is being typed."`
}

// fileNames stands for a list that the shell knows better.
const fileNames = ":files"

// Run prints what the last word may become, one a line: the word, a tab and
// what it means, or [fileNames]. It reads no setting and no database.
func (cmd completeCmd) Run(e env, line *kong.Context) error {
	for _, c := range complete(line.Model.Node, cmd.Words) {
		if _, err := fmt.Fprintln(e.stdout, c); err != nil {
			return err
		}
	}
	return nil
}

// complete is told the words of a command line after the program's name, of
// which the last is being typed.
func complete(program *kong.Node, words []string) (found []string) {
	words, split := joinAssigned(words)
	if len(words) == 0 {
		words = []string{""}
	}
	typed := words[len(words)-1]
	at := placeOf(program, words[:len(words)-1])
	add := func(before string, c ...string) {
		for _, c := range c {
			if c == fileNames || strings.HasPrefix(before+c, typed) {
				found = append(found, before+c)
			}
		}
	}
	name, _, assigned := strings.Cut(typed, "=")
	switch {
	case at.value != nil:
		add("", choices(at.value)...)
	case at.words: // "--" was typed: no flags come any more
	case assigned && strings.HasPrefix(name, "--"):
		before := name + "="
		if split {
			before, typed = "", strings.TrimPrefix(typed, before)
		}
		if flag := flagNamed(at.node, name); flag != nil {
			if values := choices(flag.Value); slices.Contains(values, fileNames) {
				found = append(found, fileNames)
			} else {
				add(before, values...)
			}
		}
		return found
	case strings.HasPrefix(typed, "-"):
		for _, flag := range flagsOf(at.node) {
			add("", "--"+flag.Name+meaning(flag.Help))
			if flag.Tag.Negatable != "" {
				add("", "--no-"+flag.Name+meaning("Not: "+flag.Help))
			}
		}
		return found
	}
	if at.value == nil && at.position == 0 {
		for _, c := range at.node.Children {
			if !c.Hidden && c.Type == kong.CommandNode {
				add("", c.Name+meaning(c.Help))
			}
		}
	}
	if at.value == nil && at.position < len(at.node.Positional) {
		add("", choices(at.node.Positional[at.position])...)
	}
	return found
}

// joinAssigned puts together what bash takes apart at each "=", and says whether
// it did so with the last word.
func joinAssigned(words []string) (joined []string, last bool) {
	for i := 0; i < len(words); i++ {
		last = false
		if words[i] == "=" && len(joined) > 0 && strings.HasPrefix(joined[len(joined)-1], "--") {
			joined[len(joined)-1] += "="
			if i++; i < len(words) {
				joined[len(joined)-1] += words[i]
			}
			last = true
			continue
		}
		joined = append(joined, words[i])
	}
	return joined, last
}

// place is where a command line stands.
type place struct {
	node     *kong.Node
	position int         // of the next argument
	value    *kong.Value // of the flag before; nil: none waits for one
	words    bool        // "--" was given
}

func placeOf(program *kong.Node, words []string) place {
	at := place{node: program}
	for _, w := range words {
		child := slices.IndexFunc(at.node.Children, func(c *kong.Node) bool { return c.Name == w })
		switch {
		case at.value != nil:
			at.value = nil
		case w == "--" && !at.words:
			at.words = true
		case strings.HasPrefix(w, "-") && !at.words:
			if flag := flagNamed(at.node, w); flag != nil && !flag.IsBool() {
				at.value = flag.Value
			}
		case at.position == 0 && child >= 0:
			at.node = at.node.Children[child]
		default:
			at.position++
		}
	}
	return at
}

// flagsOf are those that a command takes: its own, those of the command that it
// stands for, and those of the program.
func flagsOf(n *kong.Node) []*kong.Flag {
	flags := slices.Concat(n.AllFlags(true)...)
	if n.DefaultCmd != nil {
		flags = append(flags, n.DefaultCmd.Flags...)
	}
	return flags
}

func flagNamed(n *kong.Node, name string) *kong.Flag {
	flags := flagsOf(n)
	i := slices.IndexFunc(flags, func(f *kong.Flag) bool { return "--"+f.Name == name })
	if i < 0 {
		return nil
	}
	return flags[i]
}

// choices are what a flag or an argument may be, where it is one of some.
func choices(v *kong.Value) []string {
	of := v.Target.Type()
	if of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case v.Tag.Get("of") != "":
		return strings.Split(v.Tag.Get("of"), ",")
	case of == reflect.TypeFor[account.EventKind]():
		return texts(account.EventKinds())
	case of == reflect.TypeFor[account.WebhookType]():
		return texts(account.WebhookTypes())
	case of.Kind() == reflect.Bool:
		return []string{"on", "off"}
	case v.Tag.PlaceHolder == "PATH":
		return []string{fileNames}
	}
	return nil
}

func texts[T ~string](values []T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// meaning is the first sentence of a help text, after a tab.
func meaning(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return "\t" + strings.TrimSuffix(first, ".")
}

// Each shell calls the program that is typed, wherever it is; for yoozakctl,
// which root alone may run, the program that it runs.

const bashCompletion = `_yoozak() {
  local program=${COMP_WORDS[0]} typed=${COMP_WORDS[COMP_CWORD]} line
  [ "${program##*/}" = yoozak ] || program=yoozak
  [ "$typed" = = ] && typed=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = :files ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$typed")
    else
      COMPREPLY+=("${line%%$'\t'*}")
    fi
  done < <("$program" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _yoozak yoozak yoozakctl
`

// zshCompletion works as a file called _yoozak in a folder of $fpath, too.
const zshCompletion = `#compdef yoozak yoozakctl
_yoozak() {
  local program=$words[1] line
  local -a found shown
  [[ ${program:t} = yoozak ]] || program=yoozak
  while IFS= read -r line; do
    if [[ $line = :files ]]; then
      compset -P '--*='
      _files
      return
    fi
    found+=("${line%%$'\t'*}")
    shown+=("${line/$'\t'/  -- }")
  done < <("$program" complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  compadd -l -d shown -a found
}
if [ "$funcstack[1]" = _yoozak ]; then
  _yoozak "$@"
else
  compdef _yoozak yoozak yoozakctl
fi
`

const fishCompletion = `function __yoozak_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  set -l program $words[1]
  string match -qr '(^|/)yoozak$' -- $program; or set program yoozak
  set -l found ($program complete $words[2..] "$typed" 2>/dev/null)
  if test "$found[1]" = :files
    set -l flag (string match -r '^--[^=]*=' -- "$typed")
    __fish_complete_path (string replace -- "$flag" '' "$typed") | string replace -r -- '^' "$flag"
  else
    printf '%s\n' $found
  end
end
complete -c yoozak -f -a '(__yoozak_complete)'
complete -c yoozakctl -w yoozak
`
