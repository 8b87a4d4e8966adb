package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
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

// pageless are schemes of URLs whose pages have no origin that browsers send,
// or that are of no page. Apps have others: capacitor, ionic, app.
var pageless = []string{"about", "blob", "data", "file", "filesystem", "ftp", "javascript", "mailto", "view-source", "ws", "wss"}

// What an origin may lack. None quotes it: the caller does.
var (
	errNoOrigin = errors.New("is not an origin, such as https://shop.example (no path, no slash at the end)")
	errStar     = errors.New("has an asterisk where none is understood: https://*.shop.example is every name below shop.example, and * alone is every origin")
	errNoPages  = errors.New("has a scheme of which browsers send no origin (they send null, or there are no such pages): write that of the page, https://shop.example, or of the app, capacitor://localhost")
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
	if slices.Contains(pageless, u.Scheme) {
		return "", errNoPages
	}
	host, err := normalizeHost(u.Hostname())
	if err != nil {
		return "", err
	}
	address, err := addressInBrowsers(u.Scheme, u.Hostname(), host)
	if err != nil {
		return "", err
	}
	if below {
		if _, isIP := netip.ParseAddr(u.Hostname()); isIP == nil || address != "" || !strings.Contains(strings.Trim(host, "."), ".") && host != "localhost" {
			return "", errStar // https://*.example would be half of the web
		}
		host = anySubdomain + host
	}
	port := ""
	if given := u.Port(); given != "" {
		n, err := strconv.ParseUint(given, 10, 16)
		if err != nil || n == 0 {
			return "", errNoOrigin
		}
		if number := strconv.FormatUint(n, 10); number != defaultPorts[u.Scheme] {
			port = ":" + number
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return "", errNoOrigin
	}
	if address != "" {
		return "", fmt.Errorf("is never sent: browsers write %s://%s%s", u.Scheme, address, port)
	}
	return u.Scheme + "://" + host + port, nil
}

// addressInBrowsers returns what browsers make of a host that they read as
// an address and write in another way (URL standard, section 3.5), as of
// http://127.1; of any other it is empty. It is not taken for that address: who
// wrote it may have meant another. Of other schemes they leave names as they are.
func addressInBrowsers(scheme, given, host string) (string, error) {
	if ip, err := netip.ParseAddr(given); err == nil && ip.Is4In6() && strings.Contains(given, ".") {
		return bracketed(ip), nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if _, err := readIPv4Number(labels[len(labels)-1]); scheme != "http" && scheme != "https" || errors.Is(err, errNoNumber) {
		return "", nil
	}
	if len(labels) > 4 {
		return "", errNoOrigin
	}
	var address uint64
	for i, label := range labels {
		n, err := readIPv4Number(label)
		bits := 8
		if i == len(labels)-1 { // the last stands for all that is left
			bits = 8 * (5 - len(labels))
		}
		if err != nil || n>>bits != 0 {
			return "", errNoOrigin
		}
		address = address<<bits | n
	}
	written := netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}).String()
	if written == host {
		return "", nil
	}
	return written, nil
}

// errNoNumber says that browsers do not take a label for a number.
var errNoNumber = errors.New("is no number")

// readIPv4Number reads a part of an address as browsers do: decimal, octal
// after 0, hexadecimal after 0x, where nothing is 0. It is errNoNumber of
// what makes no address of a host that ends with it.
func readIPv4Number(label string) (uint64, error) {
	digits, isHex := strings.CutPrefix(label, "0x")
	switch {
	case isHex && strings.Trim(digits, "0123456789abcdef") != "", !isHex && (label == "" || strings.Trim(label, "0123456789") != ""):
		return 0, errNoNumber
	case isHex && digits == "":
		return 0, nil
	case isHex:
		return strconv.ParseUint(digits, 16, 64)
	case len(label) > 1 && label[0] == '0':
		return strconv.ParseUint(label, 8, 64)
	}
	return strconv.ParseUint(label, 10, 64)
}

// bracketed is an IPv6 address as browsers write it: without the dotted form
// that netip has for those that stand for IPv4.
func bracketed(ip netip.Addr) string {
	ip = ip.WithZone("")
	if !ip.Is4In6() {
		return "[" + ip.String() + "]"
	}
	b := ip.As16()
	return fmt.Sprintf("[::ffff:%x:%x]", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15]))
}

func normalizeHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Is6() {
			return bracketed(ip), nil
		}
		return ip.String(), nil
	}
	ascii, err := hostToASCII.ToASCII(host)
	if err != nil || ascii == "" || strings.ContainsAny(ascii, " %\"'<>\\^`{|}") {
		return "", errNoOrigin
	}
	return ascii, nil
}
