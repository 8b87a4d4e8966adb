package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on a terminal, and a count now and then elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	began    time.Time
	shown    time.Time
	drawn    bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, began: time.Now(), shown: time.Now()}
	if f, ok := out.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) show(done float64, users int64) {
	every := 10 * time.Second
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if time.Since(p.shown) < every {
		return
	}
	p.shown = time.Now()
	if !p.terminal {
		fmt.Fprintf(p.out, "%d users read, %.0f %%\n", users, 100*done)
		return
	}
	const width = 40
	full := int(done * width)
	fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %3.0f %%  %d users, %.0f a second",
		strings.Repeat("#", full), strings.Repeat(".", width-full), 100*done, users, float64(users)/time.Since(p.began).Seconds())
	p.drawn = true
}

// clear makes room for another line.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) end() { p.clear() }
