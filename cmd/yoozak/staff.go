package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/staff"
)

type userSearchCmd struct {
	Words []string `arg:"" help:"Parts of names, address or username, all of them, in any order; or an id."`
	Limit int      `help:"How many." default:"50"`
	JSON  bool     `name:"json" help:"One JSON object a line."`
	config.Database
}

// Run prints who is meant as a whole first, then who else is found.
func (cmd userSearchCmd) Run(e env) error {
	if cmd.Limit < 1 || cmd.Limit > staff.MostPageSize {
		return fmt.Errorf("--limit must be 1 to %d", staff.MostPageSize)
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		words := strings.Join(cmd.Words, " ")
		exact, err := a.Staff.ExactMatches(e.ctx, staff.Query{Search: account.TextInput(words)})
		if err != nil {
			return formatFieldErrors(err)
		}
		page, err := a.Staff.List(e.ctx, staff.Query{Search: account.TextInput(words), PageSize: account.TextInput(strconv.Itoa(cmd.Limit))})
		if err != nil {
			return formatFieldErrors(err)
		}
		list := userListCmd{JSON: cmd.JSON}.printer(e.stdout)
		printed := map[int64]bool{}
		for _, u := range append(exact, page.Users...) {
			if printed[u.ID] {
				continue
			}
			printed[u.ID] = true
			if err := list.print(u); err != nil {
				return err
			}
		}
		if page.Next != "" {
			fmt.Fprintln(e.stderr, "there are more: search for more words, or raise --limit")
		}
		return list.flush()
	})
}

// userReasonCmd is what is done to a user for a reason that must be given.
type userReasonCmd struct {
	Username string `arg:""`
	Reason   string `required:"" help:"Why: 10 to 500 characters." placeholder:"TEXT"`
	config.Database
	config.Accounts
}

type userEraseCmd struct {
	ID int64 `required:"" name:"id" help:"The user's id once more, because this cannot be undone."`
	userReasonCmd
}

func (cmd userEraseCmd) Run(e env) error {
	return withUser(e, groups{cmd.Database, cmd.Accounts}, cmd.Username, func(a *app.App, u account.User) error {
		if u.ID != cmd.ID {
			return fmt.Errorf("%s is not the user %d: nothing was erased", shown(cmd.Username), cmd.ID)
		}
		if _, err := a.Staff.Erase(e.ctx, u.ID, cmd.Reason); err != nil {
			return formatFieldErrors(err)
		}
		_, err := fmt.Fprintf(e.stdout, "erased user %d\n", u.ID)
		return err
	})
}

type userLogoutCmd struct {
	Username string `arg:""`
	Reason   string `help:"Why, for the events." placeholder:"TEXT"`
	config.Database
}

func (cmd userLogoutCmd) Run(e env) error {
	return withUser(e, groups{cmd.Database}, cmd.Username, func(a *app.App, u account.User) error {
		n, err := a.Staff.EndSessions(e.ctx, u.ID, cmd.Reason)
		if err != nil {
			return formatFieldErrors(err)
		}
		_, err = fmt.Fprintf(e.stdout, "ended %d sessions of %s\n", n, shown(u.Username))
		return err
	})
}

// withUser runs fn with the user who has a name.
func withUser(e env, g groups, username string, fn func(a *app.App, u account.User) error) error {
	return withApp(e, g, func(a *app.App) error {
		u, err := a.Staff.UserNamed(e.ctx, username)
		if err == nil {
			err = fn(a, u)
		}
		return withUsername(err, username)
	})
}

type userExportCmd struct {
	Search string `help:"Only people who are found by these words." placeholder:"WORDS"`
	Format string `enum:"csv,ndjson" default:"csv" help:"csv for spreadsheets, ndjson (one JSON object a line) for programs."`
	Reason string `required:"" help:"Why: 10 to 500 characters." placeholder:"TEXT"`
	config.Database
}

// Run writes the file to standard output, as it is.
func (cmd userExportCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		export, _, err := a.Staff.Exports(e.ctx, account.Input{}, staff.Query{Search: account.TextInput(cmd.Search)}, cmd.Format, cmd.Reason)
		if err != nil {
			return formatFieldErrors(err)
		}
		return export.Write(e.ctx, e.data)
	})
}

type userInviteCmd struct {
	Email     string `arg:"" placeholder:"ADDRESS"`
	FirstName string `help:"First name." placeholder:"NAME"`
	LastName  string `help:"Last name." placeholder:"NAME"`
	Language  string `help:"In which to write: fr, en or ar." default:"fr" enum:"fr,en,ar"`
	config.Database
	config.Addresses
}

func (cmd userInviteCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Addresses}, func(a *app.App) error {
		u, err := a.Staff.Invite(e.ctx, auth.Invited{
			Email: account.TextInput(cmd.Email), FirstName: account.TextInput(cmd.FirstName), LastName: account.TextInput(cmd.LastName), Language: account.TextInput(cmd.Language),
		}, cmd.Language)
		if err != nil {
			return formatFieldErrors(err)
		}
		_, err = fmt.Fprintf(e.stdout, "created user %d, %s; a link to choose a password is mailed by the running server\n", u.ID, shown(u.Username))
		return err
	})
}

type userRoleCmd struct {
	Username   string `arg:"" optional:""`
	Role       string `arg:"" optional:"" of:"support,manager,owner,none" help:"support, manager, owner, or none to take it."`
	FromDjango bool   `help:"Offer roles to people who were staff in Django: superusers are to be owners, others support."`
	Reason     string `help:"Why, for the events." placeholder:"TEXT"`
	Limit      int    `help:"How many of the staff are listed; 0 is all." default:"0"`
	JSON       bool   `name:"json" help:"One JSON object a line."`
	config.Database
	config.Mail
	config.HTTP
}

// Run lists the staff, or offers, changes or takes a role.
func (cmd userRoleCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Mail, cmd.HTTP}, func(a *app.App) error {
		switch {
		case cmd.FromDjango:
			return cmd.fromDjango(e, a)
		case cmd.Username == "":
			return cmd.list(e, a)
		}
		u, err := a.Staff.UserNamed(e.ctx, cmd.Username)
		if err != nil {
			return withUsername(err, cmd.Username)
		}
		m, err := a.Staff.Member(e.ctx, u.ID)
		has := err == nil
		if err != nil && !errors.Is(err, account.ErrNotFound) {
			return err
		}
		switch {
		case cmd.Role == "" && !has:
			_, err = fmt.Fprintf(e.stdout, "%s has no role\n", shown(u.Username))
			return err
		case cmd.Role == "":
			_, err = fmt.Fprintf(e.stdout, "%s: %s\n", shown(u.Username), roleText(m))
			return err
		case cmd.Role == "none":
			if err := a.Staff.Take(e.ctx, u.ID, cmd.Reason); err != nil {
				return formatFieldErrors(err)
			}
			_, err = fmt.Fprintf(e.stdout, "%s has no role any more; their sessions have ended\n", shown(u.Username))
			return err
		}
		role, err := staff.CheckRole(cmd.Role)
		if err != nil {
			return fmt.Errorf("there is no role %q; there are %v", cmd.Role, account.Roles())
		}
		if has && m.Counts() {
			if err := a.Staff.Change(e.ctx, u.ID, role, cmd.Reason); err != nil {
				return formatFieldErrors(err)
			}
			_, err = fmt.Fprintf(e.stdout, "%s: %s\n", shown(u.Username), role)
			return err
		}
		return offer(e, a, u, role)
	})
}

// offer offers a role by mail, or by a link on the terminal where no mail
// reaches people.
func offer(e env, a *app.App, u account.User, role account.Role) error {
	if a.Accounts.Delivers() {
		if err := a.Staff.Offer(e.ctx, u.ID, role); err != nil {
			return formatFieldErrors(err)
		}
		_, err := fmt.Fprintf(e.stdout, "%s: offered %s; the link to accept it is mailed by the running server, and works for three days\n", shown(u.Username), role)
		return err
	}
	link, err := a.Staff.OfferByLink(e.ctx, u.ID, role)
	if err != nil {
		return formatFieldErrors(err)
	}
	_, err = fmt.Fprintf(e.stdout, "%s: offered %s; mail is not configured, so hand over this link, which works once, for three days:\n%s\n", shown(u.Username), role, link)
	return err
}

func (cmd userRoleCmd) fromDjango(e env, a *app.App) error {
	offered, left, err := a.Staff.OfferToDjangosStaff(e.ctx)
	for _, u := range offered {
		fmt.Fprintf(e.stdout, "offered a role to %s\n", shown(u.Username))
	}
	for _, u := range left {
		fmt.Fprintf(e.stdout, "left out %s: no address of theirs is verified\n", shown(u.Username))
	}
	return err
}

// listedMember is one of the staff as "user role --json" prints it.
type listedMember struct {
	ID          int64        `json:"id"`
	Username    string       `json:"username"`
	Role        account.Role `json:"role"`
	GivenAt     time.Time    `json:"given_at"`
	AcceptedAt  *time.Time   `json:"accepted_at"`
	SuspendedAt *time.Time   `json:"suspended_at"`
}

func (cmd userRoleCmd) list(e env, a *app.App) error {
	members, err := a.Staff.Members(e.ctx)
	if err != nil {
		return err
	}
	out := jsonLines(e.stdout)
	table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	if !cmd.JSON {
		fmt.Fprintln(table, "ID\tUSERNAME\tROLE")
	}
	for _, m := range firstOf(cmd.Limit, members) {
		if cmd.JSON {
			err = out.Encode(listedMember{m.UserID, m.User.Username, m.Role, m.GivenAt, timeOrNull(m.AcceptedAt), timeOrNull(m.SuspendedAt)})
		} else {
			_, err = fmt.Fprintf(table, "%d\t%s\t%s\n", m.UserID, shown(m.User.Username), roleText(m))
		}
		if err != nil {
			return err
		}
	}
	return table.Flush()
}

func roleText(m staff.Member) string {
	switch m.State() {
	case account.RoleSuspended:
		return string(m.Role) + ", suspended " + m.SuspendedAt.Format(time.DateTime)
	case account.RoleOffered:
		return string(m.Role) + ", not accepted yet"
	}
	return string(m.Role)
}

// claimed adds to what is said of an address what makes it good: somebody has
// registered with it, and has not followed the link that was mailed.
func claimed(said, err error) error {
	var e *account.Error
	if !errors.As(err, &e) || !slices.ContainsFunc(e.Fields["email"], func(m account.Message) bool { return m.Key == "email.known" }) {
		return said
	}
	return fmt.Errorf("%w It is not proved: follow the link that was mailed there at the registration, and try again; or give another address", said)
}

type userCreateOwnerCmd struct {
	Email string `arg:"" optional:"" placeholder:"ADDRESS" help:"Asked for if it is not given."`
	config.Database
	config.Mail
	config.HTTP
	config.Addresses
}

// Run offers the role of the first owner.
func (cmd userCreateOwnerCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Mail, cmd.HTTP, cmd.Addresses}, func(a *app.App) error {
		email := strings.TrimSpace(cmd.Email)
		if email == "" {
			fmt.Fprint(e.stderr, "E-mail address of the owner: ")
			if _, err := fmt.Fscanln(e.stdin, &email); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
		link, err := a.Staff.FirstOwner(e.ctx, email, "fr")
		if err != nil {
			return claimed(formatFieldErrors(err), err)
		}
		if link == "" {
			_, err = fmt.Fprintln(e.stdout, "the link to become the owner is mailed by the running server, and works for three days")
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "mail is not configured: open this link, which works once, for three days\n%s\n", link)
		return err
	})
}
