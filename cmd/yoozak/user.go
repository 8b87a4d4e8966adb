package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
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
	Show        userShowCmd        `cmd:"" help:"Show what support needs of a user: the state of the account, the address, sessions."`
	Search      userSearchCmd      `cmd:"" help:"Find users by parts of their names, address or username, in any order."`
	Disable     userSwitchCmd      `cmd:"" help:"Keep a user from logging in and end their sessions."`
	Enable      userSwitchCmd      `cmd:"" help:"Let a disabled user log in again."`
	Restore     userSwitchCmd      `cmd:"" help:"Bring back an account that its owner closed, before it is erased."`
	Unlock      userUnlockCmd      `cmd:"" help:"Forget the wrong passwords that were tried for a user, so that the next try is not held up."`
	SetEmail    userSetEmailCmd    `cmd:"" help:"Correct a user's e-mail address, or give an account back to its owner."`
	Recover     userRecoverCmd     `cmd:"" help:"Give an account back to its owner, who lost the password or the second factor. Where it has a second factor, this waits, and the owner can stop it."`
	Close       userSwitchCmd      `cmd:"" help:"Close an account for its owner, who is told until when it can be restored."`
	Erase       userEraseCmd       `cmd:"" help:"Erase a user at once, with all that is held about them. It cannot be undone."`
	Logout      userLogoutCmd      `cmd:"" help:"End every session of a user."`
	Export      userExportCmd      `cmd:"" help:"Write users into a file: to standard output."`
	Invite      userInviteCmd      `cmd:"" help:"Create a user who is mailed the link to choose a password."`
	Role        userRoleCmd        `cmd:"" help:"List the staff, or offer, change or take the role of one."`
	CreateOwner userCreateOwnerCmd `cmd:"" help:"Make the first owner of the staff, by a link that is mailed, or printed where mail is not configured."`
	SetPassword userSetPasswordCmd `cmd:"" help:"Set a user's password and end their sessions. The password is asked for, or read from standard input."`
}

type userCreateCmd struct {
	Username  string `arg:"" help:"Letters, digits and @ . + - _"`
	Email     string `help:"E-mail address." placeholder:"ADDRESS"`
	FirstName string `help:"First name." placeholder:"NAME"`
	LastName  string `help:"Last name." placeholder:"NAME"`
	config.Database
	config.Passwords
	config.Mail
	config.Addresses
}

// Run creates a user by the rules of registration.
func (cmd userCreateCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Passwords, cmd.Mail, cmd.Addresses}, func(a *app.App) error {
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
	Limit           int  `help:"How many; 0 is all." default:"0"`
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
	if cmd.Limit < 0 {
		return errLimit
	}
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
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
		list := cmd.printer(e.stdout)
		var after int64
		err := eachPage(cmd.Limit, func(most int) ([]account.User, error) {
			for {
				users, err := st.Users(e.ctx, after, most)
				if err != nil || len(users) == 0 {
					return nil, err
				}
				after = users[len(users)-1].ID
				if cmd.DoubleAddresses {
					users = slices.DeleteFunc(users, func(u account.User) bool { return !doubles[u.ID] })
				}
				if len(users) > 0 {
					return users, nil
				}
			}
		}, list.print)
		return errors.Join(err, list.flush())
	})
}

// userPrinter prints users as lines of JSON or as a table.
type userPrinter struct {
	out   *json.Encoder
	table *table // nil: JSON
}

func (cmd userListCmd) printer(w io.Writer) userPrinter {
	if cmd.JSON {
		return userPrinter{out: json.NewEncoder(w)}
	}
	return userPrinter{table: newTable(w, "ID", "USERNAME", "E-MAIL", "ACTIVE", "JOINED", "LAST LOGIN")}
}

func (p userPrinter) flush() error {
	if p.table == nil {
		return nil
	}
	return p.table.flush()
}

func (p userPrinter) print(u account.User) error {
	if p.table == nil {
		l := listedUser{ID: u.ID, Username: u.Username, Email: u.Email, Active: u.Active, JoinedAt: u.JoinedAt}
		if !u.LastLoginAt.IsZero() {
			l.LastLogin = &u.LastLoginAt
		}
		if !u.ClosedAt.IsZero() {
			l.ClosedAt = &u.ClosedAt
		}
		return p.out.Encode(l)
	}
	active := fmt.Sprint(u.Active)
	if !u.ClosedAt.IsZero() {
		active = "closed"
	}
	return p.table.row(strconv.FormatInt(u.ID, 10), shown(u.Username), shown(u.Email), active, u.JoinedAt.Format(time.DateTime), never(u.LastLoginAt))
}

type userShowCmd struct {
	User string `arg:"" help:"Id, username or e-mail address. Everybody is shown who may be meant."`
	JSON bool   `name:"json" help:"One JSON object a line."`
	config.Database
}

// shownUser is a user as "user show --json" prints it.
type shownUser struct {
	ID              int64             `json:"id"`
	Username        string            `json:"username"`
	FormerUsernames []string          `json:"former_usernames"`
	FirstName       string            `json:"first_name"`
	LastName        string            `json:"last_name"`
	Email           string            `json:"email"`
	EmailVerifiedAt *time.Time        `json:"email_verified_at"`
	Language        string            `json:"language"`
	State           account.UserState `json:"state"`
	ClosedAt        *time.Time        `json:"closed_at"`
	JoinedAt        time.Time         `json:"joined_at"`
	LastLoginAt     *time.Time        `json:"last_login_at"`
	HasPassword     bool              `json:"has_password"`
	PasswordAt      time.Time         `json:"password_at"`
	Sessions        int               `json:"sessions"`
	SessionUsedAt   *time.Time        `json:"session_used_at"`
}

// Run shows everybody who may be meant.
func (cmd userShowCmd) Run(e env) error {
	who := strings.TrimSpace(cmd.User)
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		found, more, err := a.Staff.Show(e.ctx, who)
		if err != nil {
			return withUsername(err, who)
		}
		if more {
			fmt.Fprintf(e.stderr, "there are more than %d accounts with this address: the oldest are shown\n", len(found))
		}
		out := jsonLines(e.stdout)
		for i, u := range found {
			switch {
			case cmd.JSON:
				err = out.Encode(newShownUser(u))
			default:
				if i > 0 {
					fmt.Fprintln(e.stdout)
				}
				err = printUser(e.stdout, u)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func newShownUser(u staff.ShownUser) shownUser {
	v := shownUser{
		ID: u.ID, Username: u.Username, FormerUsernames: []string{}, FirstName: u.FirstName, LastName: u.LastName,
		Email: u.Email, EmailVerifiedAt: timeOrNull(u.EmailVerifiedAt), Language: u.Language, State: u.State(), ClosedAt: timeOrNull(u.ClosedAt),
		JoinedAt: u.JoinedAt, LastLoginAt: timeOrNull(u.LastLoginAt), HasPassword: u.HasPassword, PasswordAt: u.PasswordAt,
		Sessions: u.Sessions, SessionUsedAt: timeOrNull(u.SessionUsedAt),
	}
	for _, name := range u.Usernames {
		v.FormerUsernames = append(v.FormerUsernames, name.Username)
	}
	return v
}

// printUser prints a user in lines, of which those that say nothing are left
// out.
func printUser(w io.Writer, u staff.ShownUser) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(table, "%s:\t%s\n", name, text)
		}
	}
	line("id", strconv.FormatInt(u.ID, 10))
	line("username", shown(u.Username))
	for _, former := range u.Usernames {
		line("called before", shown(former.Username)+", until "+former.ChangedAt.Format(time.DateTime))
	}
	line("name", shown(strings.TrimSpace(u.FirstName+" "+u.LastName)))
	line("e-mail", addressText(u.User))
	line("language", shown(u.Language))
	line("state", stateText(u.User))
	line("joined", u.JoinedAt.Format(time.DateTime))
	line("last login", never(u.LastLoginAt))
	line("password", passwordText(u))
	line("sessions", sessionsText(u))
	return table.Flush()
}

func addressText(u account.User) string {
	switch {
	case u.Email == "":
		return "none"
	case u.EmailVerifiedAt.IsZero():
		return shown(u.Email) + ", not verified"
	}
	return shown(u.Email) + ", verified " + u.EmailVerifiedAt.Format(time.DateTime)
}

func stateText(u account.User) string {
	switch u.State() {
	case account.UserClosed:
		return "closed by its owner " + u.ClosedAt.Format(time.DateTime)
	case account.UserDisabled:
		return "disabled"
	case account.UserActive:
	}
	return "active"
}

func passwordText(u staff.ShownUser) string {
	if !u.HasPassword {
		return "none that opens the account"
	}
	return "set " + u.PasswordAt.Format(time.DateTime)
}

func sessionsText(u staff.ShownUser) string {
	if u.Sessions == 0 {
		return "none"
	}
	return fmt.Sprintf("%d, the last used %s", u.Sessions, u.SessionUsedAt.Format(time.DateTime))
}

func never(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.DateTime)
}

type userSetEmailCmd struct {
	Username string `arg:""`
	Email    string `arg:"" placeholder:"ADDRESS"`
	Recover  bool   `help:"Give the account back to its owner, who reads this address: ends every session, takes the password and every mailed link away, and mails a link to choose a password."`
	Reason   string `help:"Why; needed to recover an account that has a second factor." placeholder:"TEXT"`
	config.Database
	config.Recovery
	config.Mail
	config.Addresses
}

func (cmd userSetEmailCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Recovery, cmd.Mail, cmd.Addresses}, func(a *app.App) error {
		set, did := a.Staff.SetEmail, "changed; a link to verify the address, if it is not verified, is mailed by the running server"
		if cmd.Recover {
			set, did = a.Staff.Recover, givenBack
		}
		return reportRecovery(e, a, cmd.Username, did, func(id int64) error {
			return set(e.ctx, id, strings.TrimSpace(cmd.Email), cmd.Reason)
		})
	})
}

const givenBack = "given back; a link to choose a password is mailed by the running server"

// reportRecovery says what became of a command that waits where the account
// has a second factor.
func reportRecovery(e env, a *app.App, username, did string, do func(id int64) error) error {
	u, err := a.Staff.UserNamed(e.ctx, username)
	if err == nil {
		err = do(u.ID)
	}
	if err != nil {
		return formatFieldErrors(withUsername(err, username))
	}
	r, err := a.Staff.Recovery(e.ctx, u.ID)
	switch {
	case err == nil:
		did = "the account has a second factor, so this waits until " + r.ReadyAt.Format(time.DateTime) +
			" UTC; whoever reads an address that was proved is told and can stop it; then a link to finish it is mailed"
	case !errors.Is(err, staff.ErrNoRecovery):
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s\n", shown(username), did)
	return err
}

type userRecoverCmd struct {
	Username string `arg:""`
	Email    string `help:"Address that the owner reads, if not the account's." placeholder:"ADDRESS"`
	Reason   string `help:"Why; needed where the account has a second factor." placeholder:"TEXT"`
	Stop     bool   `help:"Stop the recovery that is running."`
	config.Database
	config.Recovery
	config.Addresses
}

func (cmd userRecoverCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Recovery, cmd.Addresses}, func(a *app.App) error {
		if cmd.Stop {
			return reportRecovery(e, a, cmd.Username, "the recovery was stopped", func(id int64) error { return a.Staff.StopRecovery(e.ctx, id, cmd.Reason) })
		}
		return reportRecovery(e, a, cmd.Username, givenBack, func(id int64) error {
			return a.Staff.Recover(e.ctx, id, strings.TrimSpace(cmd.Email), cmd.Reason)
		})
	})
}

// userSwitchCmd is "user disable", "enable" and "restore".
type userSwitchCmd struct {
	Username string `arg:""`
	Reason   string `help:"Why, for the events: 10 to 500 characters." placeholder:"TEXT"`
	config.Database
	config.Accounts
}

func (cmd userSwitchCmd) Run(e env, line *kong.Context) error {
	return withApp(e, groups{cmd.Database, cmd.Accounts}, func(a *app.App) error {
		u, err := a.Staff.UserNamed(e.ctx, cmd.Username)
		if err != nil {
			return withUsername(err, cmd.Username)
		}
		var done string
		switch line.Selected().Name {
		case "disable":
			done, err = "disabled", a.Staff.Disable(e.ctx, u.ID, cmd.Reason)
		case "enable":
			done, err = "enabled", a.Staff.Enable(e.ctx, u.ID, cmd.Reason)
		case "restore":
			done, err = "restored", a.Staff.Restore(e.ctx, u.ID, cmd.Reason)
		case "close":
			done, err = "closed", a.Staff.Close(e.ctx, u.ID, cmd.Reason)
		}
		if err != nil {
			return withUsername(formatFieldErrors(err), cmd.Username)
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
		u, err := a.Staff.UserNamed(e.ctx, cmd.Username)
		if err == nil {
			err = a.Staff.Unlock(e.ctx, u.ID, "")
		}
		if err != nil {
			return withUsername(err, cmd.Username)
		}
		_, err = fmt.Fprintf(e.stdout, "unlocked %s\n", shown(cmd.Username))
		return err
	})
}

type userSetPasswordCmd struct {
	Username string `arg:""`
	Reason   string `help:"Why; needed where mails go out, because then \"user recover\" mails the user a link." placeholder:"TEXT"`
	config.Database
	config.Passwords
	config.Mail
}

func (cmd userSetPasswordCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Passwords, cmd.Mail}, func(a *app.App) error {
		u, err := a.Staff.UserNamed(e.ctx, cmd.Username)
		if err != nil {
			return withUsername(err, cmd.Username)
		}
		plain, err := readPassword(e, cmd.Username)
		if err != nil {
			return err
		}
		if err := a.Staff.SetPassword(e.ctx, u.ID, plain, cmd.Reason); err != nil {
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
