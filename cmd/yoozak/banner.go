package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/shop"
)

// djangosTokens says how long the tokens of Django's secret are good.
func djangosTokens(c config.Tokens, now time.Time) string {
	until := c.AcceptUntil.Format("2006-01-02 15:04 UTC")
	switch {
	case c.Accept.Empty():
		return ""
	case c.AcceptUntil.IsZero():
		return fmt.Sprintf("; Django's, of %s at most, are good until they expire (set YOOZAK_ACCEPT_HS256_UNTIL)", c.AcceptMaxAge)
	case now.Before(c.AcceptUntil):
		return fmt.Sprintf("; Django's, of %s at most, are good until they expire, or until %s", c.AcceptMaxAge, until)
	}
	return fmt.Sprintf("; Django's are refused since %s: take YOOZAK_ACCEPT_HS256_SECRET away", until)
}

// printBanner tells a person at the terminal where things are.
func printBanner(w io.Writer, url string, c config.Config, a *app.App) {
	database := "PostgreSQL" // its URL may hold a password
	if path, isFile := strings.CutPrefix(c.Database.URL.Reveal(), "sqlite:"); isFile {
		database = "SQLite, in the file " + path
	}
	mails := "SMTP"
	if a.Sender.Folder() != "" {
		mails = "not sent, written to the folder " + app.AbsolutePath(a.Sender.Folder()) + " (set YOOZAK_SMTP_URL)"
		if c.Mail.Folder == "" {
			mails += "; none at registration (set YOOZAK_MAIL_FOLDER)"
		}
	}
	signing := fmt.Sprintf("%s, access %s, refresh %s", c.Tokens.Algorithm, c.Tokens.AccessLifetime, c.Tokens.RefreshLifetime)
	signing += djangosTokens(c.Tokens, time.Now())
	keys := "stored in clear (set YOOZAK_ENCRYPTION_KEY to encrypt them)"
	switch {
	case c.Tokens.Algorithm == "HS256":
		keys = "the secret in YOOZAK_JWT_SECRET"
	case !c.Encryption.Key.Empty():
		keys = "encrypted in the database"
	}
	counted := "OFF: anybody may guess passwords as fast as they like"
	if a.Limits != nil {
		counted = "on, counted in " + a.Limits.Where()
	}
	fmt.Fprintf(w, "Yoozak Clients %s\n  API:      %s\n  Database: %s\n  Tokens:   %s\n  Keys:     %s\n  Mail:     %s\n  Limits:   %s\n",
		versionText(), url, database, signing, keys, mails, counted)
}

// adviseShop tells what the operator may not expect of the shop's settings.
func adviseShop(c config.Config, log *slog.Logger) {
	if given := c.Shop.Colour; given != nil {
		for _, on := range []struct {
			paper string
			with  shop.Colour
			used  shop.Colour
		}{{"light pages", shop.LightPage, c.Shop.Shop.Colours.Light.Brand}, {"dark pages", shop.Card, c.Shop.Shop.Colours.Dark.Brand}} {
			if on.used != *given {
				log.Info("YOOZAK_BRAND_COLOUR cannot be read everywhere: another shade of it is used", "colour", given.String(), "on", on.paper,
					"contrast", math.Round(shop.Contrast(*given, on.with)*100)/100, "needed", shop.Readable, "used", on.used.String())
			}
		}
	}
	if !c.Mail.SMTPURL.Empty() && c.Shop.Shop.Support == (shop.Support{}) {
		log.Warn("YOOZAK_SUPPORT is not set: mails tell customers of a support, but not how to reach it")
	}
}
