package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/staff"
)

type restoredCmd struct {
	IDs int64 `name:"ids" default:"1000000" placeholder:"N" help:"How many ids of users to leave out: more than there were registrations since the backup."`
	Yes bool  `help:"Do not ask."`
	config.Database
}

const restoredQuestion = `This is for a database that was just restored from a backup, before the first server starts on it. It
  - ends every session and revokes every signing key: everybody logs in again;
  - makes every mailed link worthless, and gives up the mails and the deliveries of webhooks that wait;
  - refuses the tokens that Django issued until now;
  - leaves out %d ids of users.
Nothing of it can be undone. Type yes to go on: `

// Run declares that the database came from a backup.
func (cmd restoredCmd) Run(e env) error {
	if cmd.IDs < 1 || cmd.IDs > maxSkippedIDs {
		return fmt.Errorf("--ids must be from 1 to %d", int64(maxSkippedIDs))
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		if err := confirm(e, cmd.Yes, fmt.Sprintf(restoredQuestion, cmd.IDs), "yes", "this ends every session"); err != nil {
			return err
		}
		r, err := a.Staff.Restored(e.ctx, cmd.IDs)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, `%d sessions ended; %d signing keys revoked, the next start makes others, and another secret of device tokens
%d mailed links are worthless; %d waiting mails given up ("yoozak mail list" has them, "yoozak mail retry" sends one all the same)
%d waiting deliveries of webhooks given up ("yoozak webhook replay" tells them all the same); their numbers go on with a gap, by which receivers see it
tokens that Django issued before %s are refused
the next user gets the id %d

What this cannot know of, and you have to do again if it happened since the backup:
  - passwords that were changed are the old ones again; so are addresses and usernames;
  - people who were disabled, or closed their account, or were erased, are there again;
  - who registered is gone, and registers again;
  - with YOOZAK_JWT_ALGORITHM=HS256 the key is YOOZAK_JWT_SECRET: change it if it was changed.
`, r.Sessions, r.Keys, r.Links, r.Mails, r.Told, r.At.Format(time.DateTime+" UTC"), r.NextID)
		if len(r.Webhooks) > 0 {
			fmt.Fprintln(e.stdout, `  - webhooks that were turned off are on again, and sign with the secrets of the backup. These are on; "yoozak webhook disable" ends one:`)
			for _, w := range r.Webhooks {
				fmt.Fprintf(e.stdout, "      %s\t%s\n", w.ID, shown(staff.ShownURL(w.URL)))
			}
		}
		if len(r.Services) == 0 {
			_, err = fmt.Fprintln(e.stdout, "No service may ask about tokens.")
			return err
		}
		fmt.Fprintln(e.stdout, `  - services that were disabled may ask again. These may; "yoozak service disable" ends one:`)
		for _, v := range r.Services {
			if _, err = fmt.Fprintf(e.stdout, "      %s\t%s\n", v.ID, shown(v.Name)); err != nil {
				return err
			}
		}
		return err
	})
}

// maxSkippedIDs keeps ids below what JavaScript counts exactly.
const maxSkippedIDs = 1_000_000_000_000

// confirm asks on a terminal whether what cannot be undone is meant, until the
// word is typed or anything else. Elsewhere somebody has to have said --yes.
func confirm(e env, yes bool, question, word, what string) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(e.stdin.Fd())) {
		return fmt.Errorf("%s: say --yes", what)
	}
	fmt.Fprint(e.stderr, question)
	answer, err := bufio.NewReader(io.LimitReader(e.stdin, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != word {
		return errors.New("nothing was changed")
	}
	return nil
}
