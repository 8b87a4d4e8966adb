package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Passkeys says for whom passkeys are. After loading RPID is empty where there
// are none, and Origins are all from which answers of authenticators may come,
// to the byte: those of apps, too.
type Passkeys struct {
	RPID    string   `name:"passkey-rp-id" env:"YOOZAK_PASSKEY_RP_ID" placeholder:"DOMAIN" group:"Passkeys:" help:"The domain that passkeys are for, for good: those that were made for another do not work. shop.example lets them work on accounts.shop.example, too. Before it changes, each of the staff should add an authenticator app: who has no other factor has the role suspended with the next one. Without it, the host of YOOZAK_PUBLIC_URL; with neither, and YOOZAK_LISTEN on this machine alone, localhost."`
	Origins []string `name:"passkey-origins" env:"YOOZAK_PASSKEY_ORIGINS" placeholder:"ORIGINS" group:"Passkeys:" help:"Web origins whose pages may use passkeys, separated by commas, each as browsers write it: https://shop.example. Each is that domain, or below it. Without it, that of YOOZAK_PUBLIC_URL."`
	Android []string `name:"android-apps" env:"YOOZAK_ANDROID_APPS" placeholder:"APPS" group:"Passkeys:" help:"Apps of yours that may use passkeys, separated by commas: the package, =, and the SHA-256 fingerprint of a certificate that signs it, as keytool prints it: ma.shop.app=FA:C6:…. An app that the store signs has two. /.well-known/assetlinks.json names them."`
	IOS     []string `name:"ios-apps" env:"YOOZAK_IOS_APPS" placeholder:"APPS" group:"Passkeys:" help:"Apps of yours that may use passkeys, separated by commas: the team, a full stop, and the bundle id: A1B2C3D4E5.ma.shop.app. /.well-known/apple-app-site-association names them."`

	AndroidApps []AndroidApp `kong:"-"` // what Android means
}

// AndroidApp is an app, signed by one certificate.
type AndroidApp struct {
	Package     string
	Fingerprint string // SHA-256 of the certificate, in hexadecimal with colons, upper case
	Origin      string // that Android says in its name
}

var (
	androidPackage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
	iosApp         = regexp.MustCompile(`^[A-Z0-9]{10}\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
)

func (k Passkeys) load(c *Config, p *problems) {
	for _, text := range k.Android {
		app, err := readAndroidApp(text)
		if err != nil {
			p.add("YOOZAK_ANDROID_APPS", "%w", but(err, text))
			continue
		}
		k.AndroidApps = append(k.AndroidApps, app)
	}
	for _, text := range k.IOS {
		if !iosApp.MatchString(text) {
			p.add("YOOZAK_IOS_APPS", "%w", but(errors.New("must be the team's ten characters, a full stop and the bundle id, such as A1B2C3D4E5.ma.shop.app"), text))
		}
	}
	c.Passkeys = k
}

// complete fills in what other settings say, once all are read.
func (k *Passkeys) complete(c *Config, p *problems) {
	host, origin := c.ownOrigin()
	switch {
	case k.RPID != "":
		if err := checkRPID(k.RPID); err != nil {
			p.add("YOOZAK_PASSKEY_RP_ID", "%w", but(err, k.RPID))
			return
		}
	case checkRPID(host) == nil:
		k.RPID = host
	case len(k.Origins) > 0:
		p.add("YOOZAK_PASSKEY_ORIGINS", "is set, but not for which domain: set YOOZAK_PASSKEY_RP_ID")
		return
	default: // there are no passkeys
		return
	}
	name, below := "YOOZAK_PASSKEY_ORIGINS", k.Origins
	if len(below) == 0 {
		name, below = "YOOZAK_PASSKEY_RP_ID", []string{origin}
	}
	for _, text := range below {
		if err := checkPasskeyOrigin(text, k.RPID); err != nil {
			p.add(name, "%w", err)
		}
	}
	k.Origins = below
	for _, app := range k.AndroidApps {
		k.Origins = append(k.Origins[:len(k.Origins):len(k.Origins)], app.Origin)
	}
}

// ownOrigin is that of our own pages and its host, as far as the settings say.
func (c *Config) ownOrigin() (host, origin string) {
	public := c.Mail.PublicURL
	if public == "" && len(c.TLS.Domains) > 0 {
		public = "https://" + c.TLS.Domains[0]
	}
	if public == "" && c.HTTP.Listen != "" && loopbackAddress(c.HTTP.Listen) {
		_, port, _ := net.SplitHostPort(c.HTTP.Listen) // it is an address
		public = "http://localhost:" + port
		if c.TLS.On() {
			public = "https://localhost:" + port
		}
	}
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return "", ""
	}
	origin, err = normalizeOrigin(u.Scheme + "://" + u.Host)
	if err != nil {
		return "", ""
	}
	if u, err = url.Parse(origin); err != nil {
		return "", ""
	}
	return u.Hostname(), origin
}

// checkRPID refuses what browsers take for no relying party (Web Authentication
// Level 3, section 5.1.3, and HTML's "registrable domain suffix"): an address,
// or a name below which others have theirs.
func checkRPID(domain string) error {
	ascii, err := normalizeHost(domain)
	_, noIP := netip.ParseAddr(domain)
	switch {
	case domain == "localhost":
		return nil
	case err != nil || noIP == nil || ascii != domain || !isHost(domain) || strings.Trim(domain, ".") != domain || strings.Contains(domain, ".."):
		return errors.New("must be a domain, such as shop.example, without scheme and port, and no address")
	}
	if _, err := publicsuffix.EffectiveTLDPlusOne(domain); err != nil {
		return errors.New("is a name below which anybody has theirs, which browsers refuse")
	}
	return nil
}

// checkPasskeyOrigin refuses an origin that no browser ever sends for this
// relying party.
func checkPasskeyOrigin(text, rpID string) error {
	normal, err := normalizeOrigin(text)
	if err != nil {
		return but(err, text)
	}
	u, err := url.Parse(normal)
	switch {
	case err != nil || strings.Contains(normal, "*"):
		return but(errors.New("must name each origin by itself"), text)
	case normal != text:
		return fmt.Errorf("must be as browsers write it: %s, not %q", normal, text)
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost"):
		return but(errors.New("must begin with https://"), text)
	case u.Hostname() != rpID && !strings.HasSuffix(u.Hostname(), "."+rpID):
		return fmt.Errorf("has %s, which is neither %s nor below it", text, rpID)
	}
	return nil
}

// readAndroidApp reads "package=fingerprint". Android says the fingerprint in
// base64url without padding.
func readAndroidApp(text string) (AndroidApp, error) {
	name, fingerprint, _ := strings.Cut(text, "=")
	name, fingerprint = strings.TrimSpace(name), strings.ToUpper(strings.TrimSpace(fingerprint))
	sum, err := hex.DecodeString(strings.ReplaceAll(fingerprint, ":", ""))
	if err != nil || len(sum) != 32 || len(fingerprint) != 32*3-1 || !androidPackage.MatchString(name) {
		return AndroidApp{}, errors.New("must be the package, = and the SHA-256 fingerprint of 32 bytes with colons between, such as ma.shop.app=FA:C6:…")
	}
	return AndroidApp{Package: name, Fingerprint: fingerprint, Origin: "android:apk-key-hash:" + base64.RawURLEncoding.EncodeToString(sum)}, nil
}
