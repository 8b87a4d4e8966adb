package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// allOrigins stands for every origin there is.
const allOrigins = "*"

// anySubdomain is how the host of an origin begins that stands for every
// host below another.
const anySubdomain = "*."

// defaultPorts are those that a browser leaves out of an origin.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// What an origin may lack. None quotes it: the caller does.
var (
	errNoOrigin = errors.New("is not an origin, such as https://shop.example (no path, no slash at the end)")
	errStar     = errors.New("has an asterisk where none is understood: https://*.shop.example is every name below shop.example, and * alone is every origin")
	errPortStar = errors.New("needs a port that is a number; for pages of this machine on any port set YOOZAK_CORS_LOOPBACK=true")
)

// hostToASCII is what browsers do to a name (UTS 46, not transitional).
var hostToASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckHyphens(false), idna.StrictDomainName(false))

// normalizeOrigin returns an origin as browsers write it: the host in lower
// case and in ASCII, without the scheme's own port. Only the whole text "*"
// and a host that begins with "*." have an asterisk.
func normalizeOrigin(text string) (string, error) {
	if text == allOrigins {
		return text, nil
	}
	scheme, authority, found := strings.Cut(text, "://")
	if strings.HasSuffix(text, ":*") {
		return "", errPortStar
	}
	starless, below := strings.CutPrefix(authority, anySubdomain)
	if strings.Contains(scheme+starless, "*") {
		return "", errStar
	}
	u, err := url.Parse(scheme + "://" + starless)
	if !found || err != nil || u.Host != starless || u.Hostname() == "" {
		return "", errNoOrigin
	}
	host, err := normalizeHost(u.Hostname())
	if err != nil {
		return "", err
	}
	if below {
		if _, isIP := netip.ParseAddr(u.Hostname()); isIP == nil || !strings.Contains(strings.Trim(host, "."), ".") && host != "localhost" {
			return "", errStar // https://*.example would be half of the web
		}
		host = anySubdomain + host
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return "", errNoOrigin
		}
		if number := strconv.FormatUint(n, 10); number != defaultPorts[u.Scheme] {
			host += ":" + number
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return "", errNoOrigin
	}
	return u.Scheme + "://" + host, nil
}

func normalizeHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Is6() {
			return "[" + ip.WithZone("").String() + "]", nil
		}
		return ip.String(), nil
	}
	ascii, err := hostToASCII.ToASCII(host)
	if err != nil || ascii == "" || strings.ContainsAny(ascii, " %\"'<>\\^`{|}") {
		return "", errNoOrigin
	}
	return ascii, nil
}
