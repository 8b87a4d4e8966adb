package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/keys"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

type keyCmd struct {
	List      keyListCmd      `cmd:"" help:"List the keys, the youngest first."`
	Reencrypt keyReencryptCmd `cmd:"" help:"Encrypt the stored keys with YOOZAK_ENCRYPTION_KEY, those also that YOOZAK_ENCRYPTION_KEY_OLD encrypted. All, or none."`
	Revoke    keyRevokeCmd    `cmd:"" help:"In an emergency: refuse every token that a key signed, within seconds. A key that signs is replaced at once; of a refresh-token key the sessions end."`
	Rotate    keyRotateCmd    `cmd:"" help:"Make the next keys. Running servers publish them within seconds and sign with them two minutes later; tokens of the old keys stay good until they expire."`
}

type keyListCmd struct {
	Limit int  `help:"How many; 0 is all." default:"0"`
	JSON  bool `name:"json" help:"One JSON object a line."`
	config.Database
	config.Tokens
	config.Encryption
}

// listedKey is a key as "key list --json" prints it.
type listedKey struct {
	ID        string     `json:"id"`
	Signs     string     `json:"signs"`
	Algorithm string     `json:"algorithm"`
	State     string     `json:"state"` // next, signs, verifies, retired or revoked
	From      time.Time  `json:"from"`
	Until     *time.Time `json:"verifies_until"`
}

// Run lists keys, never their private parts.
func (cmd keyListCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Tokens, cmd.Encryption}, func(a *app.App) error {
		keys, err := a.Keys.List(e.ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		if cmd.JSON {
			out := jsonLines(e.stdout)
			for _, k := range firstOf(cmd.Limit, keys) {
				l := listedKey{ID: k.ID, Signs: k.TokenType, Algorithm: k.Algorithm, State: string(k.State(now)), From: k.ActiveAt}
				if !k.Revoked() {
					l.Until = timeOrNull(k.RetiresAt)
				}
				if err := out.Encode(l); err != nil {
					return err
				}
			}
			return nil
		}
		table := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "KEY\tSIGNS\tALGORITHM\tSTATE\tFROM\tVERIFIES UNTIL")
		for _, k := range firstOf(cmd.Limit, keys) {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.TokenType, k.Algorithm,
				k.State(now), k.ActiveAt.Format(time.DateTime), until(k))
		}
		return table.Flush()
	})
}

func until(k store.SigningKey) string {
	if k.RetiresAt.IsZero() || k.Revoked() {
		return "-"
	}
	return k.RetiresAt.Format(time.DateTime)
}

type keyRotateCmd struct {
	Devices bool `help:"Make another secret of device tokens instead: no device is known until the next login on it, wrong tries at passwords count from zero, and codes that were mailed are worthless."`
	config.Database
	config.Tokens
	config.Encryption
}

func (cmd keyRotateCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Tokens, cmd.Encryption}, func(a *app.App) error {
		if cmd.Devices {
			if err := a.Guard.RotateSecret(e.ctx); err != nil {
				return err
			}
			_, err := fmt.Fprintf(e.stdout, "made another secret of device tokens; running servers use it within %v\n", keyReload)
			return err
		}
		if err := a.Keys.Load(e.ctx); err != nil {
			return err
		}
		if err := a.Keys.Rotate(e.ctx); err != nil {
			return err
		}
		_, err := fmt.Fprintf(e.stdout, "made the next keys; they sign in %v\n", keys.Delay)
		return err
	})
}

type keyRevokeCmd struct {
	Key  string `arg:"" optional:"" help:"Id of the key, as \"key list\" shows it."`
	All  bool   `help:"Revoke every key: everybody logs in again."`
	Lost bool   `help:"With --all: also where the stored keys cannot be read, because their encryption key was lost."`
	config.Database
	config.Tokens
	config.Encryption
}

// Run revokes keys. It does not need to read what it revokes, so it works
// where a stored key is damaged, too.
func (cmd keyRevokeCmd) Run(e env) error {
	if (cmd.Key == "") != cmd.All || cmd.Lost && !cmd.All {
		return errors.New("say which key to revoke, or --all")
	}
	return withApp(e, groups{cmd.Database, cmd.Tokens, cmd.Encryption}, func(a *app.App) error {
		var (
			all []keys.Revocation
			err error
		)
		switch {
		case cmd.Lost:
			all, err = a.Keys.RevokeUnreadable(e.ctx)
		case cmd.All:
			all, err = a.Keys.RevokeAll(e.ctx)
		default:
			var one keys.Revocation
			one, err = a.Keys.Revoke(e.ctx, cmd.Key)
			all = append(all, one)
		}
		for _, r := range all {
			if r.Key.ID != "" {
				fmt.Fprintln(e.stdout, revoked(r))
			}
		}
		return err
	})
}

func revoked(r keys.Revocation) string {
	line := fmt.Sprintf("revoked %s; running servers refuse its %s tokens within %v", r.Key.ID, r.Key.TokenType, keyReload)
	switch {
	case r.Replaced && r.SignsAt.After(time.Now()):
		line += fmt.Sprintf("; another key was made, it signs in %v", keys.Delay)
	case r.Replaced:
		line += "; another key was made, it signs at once"
	}
	if r.Key.TokenType == string(token.Refresh) {
		line += fmt.Sprintf("; %d sessions ended", r.Sessions)
	}
	return line
}

type keyReencryptCmd struct {
	Clear bool `help:"Also encrypt keys that are in clear among others that are not. Only when you know that they are yours: whoever wrote one into the database could sign with it."`
	config.Database
	config.Tokens
	config.Encryption
}

// Run changes what the stored keys are encrypted with. Running servers must
// have both encryption keys.
func (cmd keyReencryptCmd) Run(e env) error {
	return withApp(e, groups{cmd.Database, cmd.Tokens, cmd.Encryption}, func(a *app.App) error {
		encrypt := a.Keys.Reencrypt
		if cmd.Clear {
			encrypt = a.Keys.EncryptClear
		}
		n, err := encrypt(e.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "encrypted %d keys with the present encryption key\n", n)
		return err
	})
}
