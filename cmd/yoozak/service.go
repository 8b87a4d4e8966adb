package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/store"
)

type serviceCmd struct {
	Create  serviceCreateCmd  `cmd:"" help:"Let another program ask about tokens. Prints its secret, once."`
	List    serviceListCmd    `cmd:"" help:"List services."`
	Disable serviceDisableCmd `cmd:"" help:"Keep a service from asking again, at once."`
}

type serviceCreateCmd struct {
	Name     string   `arg:"" help:"What you call it, such as orders."`
	Scope    []string `default:"introspect" of:"introspect,revoke" placeholder:"SCOPES" help:"What it may do: introspect (ask whether a token is good), revoke (end its session), or both, separated by a comma."`
	Audience string   `placeholder:"NAME" help:"Tokens for others than this audience are none of its business (see YOOZAK_JWT_AUDIENCE)."`
	JSON     bool     `name:"json" help:"As a JSON object."`
	config.Database
}

// Run creates a service. The secret goes to standard output, so that it can
// be put where it belongs without being seen.
func (cmd serviceCreateCmd) Run(e env) error {
	v := account.OAuthClient{Name: cmd.Name, Audience: cmd.Audience}
	for _, scope := range cmd.Scope {
		v.Scopes = append(v.Scopes, account.Scope(strings.TrimSpace(scope)))
	}
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		created, plain, err := a.Staff.CreateOAuthClient(e.ctx, v)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.stderr, "The secret is shown this once; only its hash is stored.")
		if cmd.JSON {
			return json.NewEncoder(e.stdout).Encode(struct { //nolint:gosec // to be shown, once
				ID     string `json:"client_id"`
				Secret string `json:"client_secret"`
			}{created.ID, plain.Reveal()})
		}
		_, err = fmt.Fprintf(e.stdout, "client_id: %s\nclient_secret: %s\n", created.ID, plain.Reveal())
		return err
	})
}

type serviceListCmd struct {
	Limit int  `help:"How many; 0 is all." default:"0"`
	JSON  bool `name:"json" help:"One JSON object a line."`
	config.Database
}

// listedService is a service as "service list --json" prints it.
type listedService struct {
	ID         string     `json:"client_id"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	Audience   string     `json:"audience"` // empty: any
	CreatedAt  time.Time  `json:"created_at"`
	DisabledAt *time.Time `json:"disabled_at"`
}

// Run lists services, never what opens them.
func (cmd serviceListCmd) Run(e env) error {
	return withStore(e, groups{cmd.Database}, func(st *store.Store) error {
		all, err := st.OAuthClients(e.ctx)
		if err != nil {
			return err
		}
		out := jsonLines(e.stdout)
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		if !cmd.JSON {
			fmt.Fprintln(table, "CLIENT ID\tNAME\tSCOPES\tAUDIENCE\tCREATED\tDISABLED")
		}
		for _, v := range firstOf(cmd.Limit, all) {
			scopes := make([]string, len(v.Scopes))
			for i, scope := range v.Scopes {
				scopes[i] = string(scope)
			}
			if cmd.JSON {
				if err := out.Encode(listedService{v.ID, v.Name, scopes, v.Audience, v.CreatedAt, timeOrNull(v.DisabledAt)}); err != nil {
					return err
				}
				continue
			}
			disabled, audience := "-", "any"
			if !v.DisabledAt.IsZero() {
				disabled = v.DisabledAt.Format(time.DateTime)
			}
			if v.Audience != "" {
				audience = shown(v.Audience)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, shown(v.Name), strings.Join(scopes, ","), audience, v.CreatedAt.Format(time.DateTime), disabled)
		}
		return table.Flush()
	})
}

type serviceDisableCmd struct {
	Service string `arg:"" help:"Its client id or its name."`
	config.Database
}

func (cmd serviceDisableCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database}, func(a *app.App) error {
		if err := a.Staff.DisableOAuthClient(e.ctx, cmd.Service); err != nil {
			return err
		}
		_, err := fmt.Fprintf(e.stdout, "disabled %s\n", shown(cmd.Service))
		return err
	})
}
