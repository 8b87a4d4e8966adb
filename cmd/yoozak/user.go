package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

type userCmd struct {
	Create      userCreateCmd      `cmd:"" help:"Create a user. The password is asked for, or read from standard input."`
	List        userListCmd        `cmd:"" help:"List users."`
	Disable     userSwitchCmd      `cmd:"" help:"Keep a user from logging in and end their sessions."`
	Enable      userSwitchCmd      `cmd:"" help:"Let a disabled user log in again."`
	Restore     userSwitchCmd      `cmd:"" help:"Bring back an account that its owner closed, before it is erased."`
	Unlock      userUnlockCmd      `cmd:"" help:"Forget the wrong passwords that were tried for a user, so that the next try is not held up."`
	SetEmail    userSetEmailCmd    `cmd:"" help:"Correct a user's e-mail address, or give an account back to its owner."`
	SetPassword userSetPasswordCmd `cmd:"" help:"Set a user's password and end their sessions. The password is asked for, or read from standard input."`
}

type userCreateCmd struct {
	Username  string `arg:"" help:"Letters, digits and @ . + - _"`
	Email     string `help:"E-mail address." placeholder:"ADDRESS"`
	FirstName string `help:"First name." placeholder:"NAME"`
	LastName  string `help:"Last name." placeholder:"NAME"`
	config.Database
	config.Passwords
}

// Run creates a user by the rules of registration.
func (cmd userCreateCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Passwords}, func(a *app.App) error {
		plain, err := readPassword(e, cmd.Username)
		if err != nil {
			return err
		}
		u, err := a.Staff.Create(e.ctx, account.RequestInfo{Language: "fr"}, auth.Registration{
			Username: account.TextInput(strings.TrimSpace(cmd.Username)), Password: plain,
			Email: account.TextInput(strings.TrimSpace(cmd.Email)), FirstName: account.TextInput(strings.TrimSpace(cmd.FirstName)),
			LastName: account.TextInput(strings.TrimSpace(cmd.LastName)),
		})
		if err != nil {
			return formatFieldErrors(err)
		}
		_, err = fmt.Fprintf(e.stdout, "created user %d, %s\n", u.ID, shown(u.Username))
		return err
	})
}

type userListCmd struct {
	JSON            bool `name:"json" help:"One JSON object a line."`
	DoubleAddresses bool `help:"Only users whose proof of their address does not count, because another account proved the same address before."`
	config.Database
}

// listedUser is a user as "user list --json" prints it.
type listedUser struct {
	ID        int64      `json:"id"`
	Username  string     `json:"username"`
	Email     string     `json:"email"`
	Active    bool       `json:"active"`
	JoinedAt  time.Time  `json:"joined_at"`
	LastLogin *time.Time `json:"last_login_at"`
	ClosedAt  *time.Time `json:"closed_at"`
}

// Run prints every user, in pages so that a million do not fill the memory.
func (cmd userListCmd) Run(e env) error {
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		if !cmd.JSON {
			fmt.Fprintln(table, "ID\tUSERNAME\tE-MAIL\tACTIVE\tJOINED\tLAST LOGIN")
		}
		doubles := map[int64]bool{}
		if cmd.DoubleAddresses {
			ids, err := st.DoubleProofs(e.ctx, 1_000_000)
			if err != nil {
				return err
			}
			for _, id := range ids {
				doubles[id] = true
			}
		}
		for after := int64(0); ; {
			users, err := st.Users(e.ctx, after, 500)
			if err != nil {
				return err
			}
			for _, u := range users {
				after = u.ID
				if cmd.DoubleAddresses && !doubles[u.ID] {
					continue
				}
				if err := cmd.print(e.stdout, table, u); err != nil {
					return err
				}
			}
			if len(users) == 0 {
				return table.Flush()
			}
		}
	})
}

func (cmd userListCmd) print(out, table io.Writer, u account.User) error {
	if cmd.JSON {
		l := listedUser{ID: u.ID, Username: u.Username, Email: u.Email, Active: u.Active, JoinedAt: u.JoinedAt}
		if !u.LastLoginAt.IsZero() {
			l.LastLogin = &u.LastLoginAt
		}
		if !u.ClosedAt.IsZero() {
			l.ClosedAt = &u.ClosedAt
		}
		return json.NewEncoder(out).Encode(l)
	}
	lastLogin := "never"
	if !u.LastLoginAt.IsZero() {
		lastLogin = u.LastLoginAt.Format(time.DateTime)
	}
	active := fmt.Sprint(u.Active)
	if !u.ClosedAt.IsZero() {
		active = "closed"
	}
	_, err := fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", u.ID, shown(u.Username), shown(u.Email), active, u.JoinedAt.Format(time.DateTime), lastLogin)
	return err
}

type userSetEmailCmd struct {
	Username string `arg:""`
	Email    string `arg:"" placeholder:"ADDRESS"`
	Recover  bool   `help:"Give the account back to its owner, who reads this address: ends every session, takes the password and every mailed link away, and mails a link to choose a password."`
	config.Database
}

func (cmd userSetEmailCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		set, did := a.Staff.SetEmail, "changed; a link to verify the address is mailed by the running server"
		if cmd.Recover {
			set, did = a.Staff.Recover, "given back; a link to choose a password is mailed by the running server"
		}
		if err := set(e.ctx, cmd.Username, strings.TrimSpace(cmd.Email)); err != nil {
			return formatFieldErrors(withUsername(err, cmd.Username))
		}
		_, err := fmt.Fprintf(e.stdout, "%s: %s\n", cmd.Username, did)
		return err
	})
}

// userSwitchCmd is "user disable", "enable" and "restore".
type userSwitchCmd struct {
	Username string `arg:""`
	config.Database
}

func (cmd userSwitchCmd) Run(e env, line *kong.Context) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) (err error) {
		var done string
		switch line.Selected().Name {
		case "disable":
			done, err = "disabled", a.Staff.Disable(e.ctx, cmd.Username)
		case "enable":
			done, err = "enabled", a.Staff.Enable(e.ctx, cmd.Username)
		case "restore":
			done, err = "restored", a.Staff.Restore(e.ctx, cmd.Username)
		}
		if err != nil {
			return withUsername(err, cmd.Username)
		}
		_, err = fmt.Fprintf(e.stdout, "%s %s\n", done, shown(cmd.Username))
		return err
	})
}

type userUnlockCmd struct {
	Username string `arg:""`
	config.Database
	config.Encryption
}

// Run forgets wrong tries; running servers see it at once.
func (cmd userUnlockCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Encryption}, func(a *app.App) error {
		if err := a.Staff.Unlock(e.ctx, cmd.Username); err != nil {
			return withUsername(err, cmd.Username)
		}
		_, err := fmt.Fprintf(e.stdout, "unlocked %s\n", shown(cmd.Username))
		return err
	})
}

type userSetPasswordCmd struct {
	Username string `arg:""`
	config.Database
	config.Passwords
}

func (cmd userSetPasswordCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Passwords}, func(a *app.App) error {
		plain, err := readPassword(e, cmd.Username)
		if err != nil {
			return err
		}
		if err := a.Staff.SetPassword(e.ctx, cmd.Username, plain); err != nil {
			return withUsername(formatFieldErrors(err), cmd.Username)
		}
		_, err = fmt.Fprintf(e.stdout, "password of %s set; their sessions have ended\n", shown(cmd.Username))
		return err
	})
}

// withUsername says which user is not there.
func withUsername(err error, username string) error {
	if errors.Is(err, staff.ErrClosed) {
		return fmt.Errorf("%w: yoozak user restore %s", err, shown(username))
	}
	if errors.Is(err, account.ErrUserNotFound) {
		return fmt.Errorf("there is no user %q", username)
	}
	return err
}

// formatFieldErrors puts the messages of bad fields into an error, in English as
// all that the command line says.
func formatFieldErrors(err error) error {
	var e *account.Error
	if !errors.As(err, &e) || e.Kind != account.Invalid {
		return err
	}
	var lines []string
	for _, field := range e.Fields.Names() {
		for _, m := range e.Fields[field] {
			lines = append(lines, field+": "+locale.Text("en", m.Key, m.Args))
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// readPassword asks twice on a terminal; otherwise it takes the first line
// of standard input. It is never an argument: every user of the machine can
// read those.
func readPassword(e env, username string) (account.Input, error) {
	if !term.IsTerminal(int(e.stdin.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(e.stdin, 64<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return account.Input{}, err
		}
		return account.TextInput(strings.TrimSpace(line)), nil
	}
	first, err := ask(e, "Password for "+shown(username)+": ")
	if err != nil {
		return account.Input{}, err
	}
	second, err := ask(e, "Again: ")
	if err != nil {
		return account.Input{}, err
	}
	if first != second {
		return account.Input{}, errors.New("the two passwords differ; nothing was changed")
	}
	return account.TextInput(strings.TrimSpace(first)), nil
}

func ask(e env, prompt string) (string, error) {
	fmt.Fprint(e.stderr, prompt)
	b, err := term.ReadPassword(int(e.stdin.Fd()))
	fmt.Fprintln(e.stderr)
	return string(b), err
}
