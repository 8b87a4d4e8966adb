package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script that completes the commands: for bash and zsh
// "source <(yoozak completion bash)", for fish "yoozak completion fish | source".
func (cmd completionCmd) Run(e env, line *kong.Context) error {
	var commands []string
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		for _, c := range n.Children {
			if c.Hidden || c.Type != kong.CommandNode {
				continue
			}
			commands = append(commands, strings.TrimSpace(path+" "+c.Name))
			walk(c, strings.TrimSpace(path+" "+c.Name))
		}
	}
	walk(line.Model.Node, "")
	out := e.stdout
	switch cmd.Shell {
	case "fish":
		fmt.Fprintln(out, "complete -c yoozak -f")
		for _, c := range commands {
			words := strings.Fields(c)
			before, last := words[:len(words)-1], words[len(words)-1]
			fmt.Fprintf(out, "complete -c yoozak -n 'test (string join \" \" (commandline -opc)[2..]) = %q' -a %s\n", strings.Join(before, " "), last)
		}
		return nil
	case "zsh":
		_, err := io.WriteString(out, strings.Replace(zshCompletion, "@@", strings.Join(commands, "\n"), 1))
		return err
	}
	_, err := io.WriteString(out, strings.Replace(bashCompletion, "@@", strings.Join(commands, "\n"), 1))
	return err
}

const bashCompletion = `_yoozak() {
  local typed="${COMP_WORDS[*]:1:COMP_CWORD-1}" c
  COMPREPLY=()
  while IFS= read -r c; do
    if { [ "${c% *}" = "$typed" ] && [ "${c% *}" != "$c" ]; } || { [ -z "$typed" ] && [ "${c#* }" = "$c" ]; }; then
      case "${c##* }" in "${COMP_WORDS[COMP_CWORD]}"*) COMPREPLY+=("${c##* }");; esac
    fi
  done <<'END'
@@
END
}
complete -F _yoozak yoozak
`

// zshCompletion works as a file called _yoozak in a folder of $fpath, too.
const zshCompletion = `#compdef yoozak
_yoozak() {
  local typed="${words[2,CURRENT-1]}" c
  local -a found
  while IFS= read -r c; do
    if [[ "${c% *}" = "$typed" && "$c" = *" "* || -z "$typed" && "$c" != *" "* ]]; then
      found+=("${c##* }")
    fi
  done <<'END'
@@
END
  compadd -a found
}
if [ "$funcstack[1]" = _yoozak ]; then
  _yoozak "$@"
else
  compdef _yoozak yoozak
fi
`
