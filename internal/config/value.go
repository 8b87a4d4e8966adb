package config

import (
	"encoding"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a static binary on a bare machine has the clocks, too
	"unicode"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/shop"
)

// set gives a field the value that a text stands for.
func set(target reflect.Value, tag *kong.Tag, text string) (err error) {
	trimmed := strings.TrimSpace(text)
	switch field := target.Addr().Interface().(type) {
	case *string:
		*field, err = readText(tag, text)
	case *[]string:
		*field = list(text)
		for i, part := range *field {
			if (*field)[i], err = readText(tag, part); err != nil {
				break
			}
		}
	case *bool:
		known := false
		if *field, known = bools[strings.ToLower(trimmed)]; !known {
			err = fmt.Errorf("must be true or false, not %q", text)
		}
	case *time.Duration:
		least, _ := time.ParseDuration(tag.Get("min"))
		most, _ := time.ParseDuration(tag.Get("max"))
		if *field, err = time.ParseDuration(trimmed); err != nil || *field < least || *field > most {
			err = fmt.Errorf("must be a time from %v to %v, such as 90s, 15m or 1h, not %q", least, most, text)
		}
	case *time.Time:
		*field, err = readEnd(trimmed)
	case *[]netip.Prefix:
		*field, err = readNetworks(text)
	case **url.URL:
		*field, err = readServer(tag, trimmed)
	case **time.Location:
		*field, err = readZone(trimmed)
	case **shop.Logo:
		*field, err = readLogo(text)
	case **shop.Support:
		support, wrong := shop.ParseSupport(text)
		*field, err = &support, but(wrong, text)
	case **shop.Colour:
		colour, wrong := shop.ParseColour(text)
		*field, err = &colour, but(wrong, text)
	case encoding.TextUnmarshaler:
		err = field.UnmarshalText([]byte(text))
	default:
		least, _ := strconv.Atoi(tag.Get("min"))
		most, _ := strconv.Atoi(tag.Get("max"))
		n, wrong := strconv.Atoi(trimmed)
		if wrong != nil || n < least || n > most {
			err = fmt.Errorf("must be a number from %d to %d, not %q", least, most, text)
		}
		target.Set(reflect.ValueOf(n).Convert(target.Type()))
	}
	return err
}

// readText reads a text that may be anything, or one of some, or that has a
// form, without which it may be empty.
func readText(tag *kong.Tag, text string) (string, error) {
	trimmed := strings.TrimSpace(text)
	if tag.Get("of") != "" {
		choices := strings.Split(tag.Get("of"), ",")
		if i := slices.IndexFunc(choices, func(c string) bool { return strings.EqualFold(c, trimmed) }); i >= 0 {
			return choices[i], nil
		}
		return "", fmt.Errorf("must be one of %s, not %q", strings.Join(choices, ", "), text)
	}
	form := forms[tag.Get("is")]
	switch {
	case form.ok == nil:
		return text, nil
	case trimmed == "" && !tag.HasDefault, form.ok(trimmed):
		return trimmed, nil
	}
	if _, err := parseURL(trimmed); errors.Is(err, errPort) {
		return trimmed, err
	}
	return trimmed, but(errors.New("must be "+form.name), text)
}

// forms are those of texts without blanks around them.
var forms = map[string]struct {
	name string
	ok   func(string) bool
}{
	"address":   {"HOST:PORT, such as 127.0.0.1:8000", isAddress},
	"claim":     {"the name of the claim that holds the user's id, such as user_id or sub", isClaim},
	"host":      {"the name of a host, such as accounts.shop.example", isHost},
	"link":      {"a URL that begins with https:// (http:// on this machine only)", isLink},
	"loopback":  {"HOST:PORT with a loopback address: profiles show what the server is doing", loopbackAddress},
	"mailbox":   {"an address, such as Yoozak <bonjour@yoozak.ma>", isMailbox},
	"name":      {"a name without a space in it", func(s string) bool { return !strings.ContainsFunc(s, unicode.IsSpace) }},
	"range API": {"an http or https URL without user, query or fragment, such as https://api.pwnedpasswords.com/range", isRangeAPI},
	"template": {"such as https://shop.example/account/{action}#{token}, with {action} and {token} in it; it must begin with https:// " +
		"(http:// on this machine only), which an app takes as universal links (iOS) or app links (Android)", isTemplate},
	"text": {"", func(string) bool { return true }},
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	_, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil
}

// isClaim refuses a claim that says something else of a token.
func isClaim(s string) bool {
	const others = " exp iat nbf iss aud sid jti token_type "
	return s != "" && !strings.ContainsFunc(s, unicode.IsSpace) && !strings.Contains(others, " "+s+" ")
}

func isHost(s string) bool {
	return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && strings.Contains(strings.Trim(s, "."), ".")
}

// isLink reports whether a link with a token may lead there: not over an open
// network.
func isLink(s string) bool {
	u, err := parseURL(s)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

func isMailbox(s string) bool {
	_, err := mail.ParseAddress(s)
	return err == nil
}

// isRangeAPI takes http too, for a mirror on the operator's own network.
func isRangeAPI(s string) bool {
	u, err := parseURL(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.ContainsAny(s, "?#")
}

func isTemplate(s string) bool {
	return strings.Contains(s, "{action}") && strings.Contains(s, "{token}") && isLink(strings.NewReplacer("{", "", "}", "").Replace(s))
}

var errPort = errors.New("has a port that is no number from 1 to 65535")

// parseURL refuses a port that there cannot be.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err == nil && shop.WrongPort(u) {
		return nil, errPort
	}
	return u, err
}

// but says what was given instead, unless it may hold a password.
func but(err error, given string) error {
	if err == nil || strings.Contains(given, "@") {
		return err
	}
	return fmt.Errorf("%w, not %q", err, given)
}

var bools = map[string]bool{"true": true, "1": true, "yes": true, "on": true, "false": false, "0": false, "no": false, "off": false}

// list splits at commas and drops what is blank.
func list(s string) []string {
	var parts []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// readEnd reads a time, or a day, which ends when it is over.
func readEnd(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, fmt.Errorf("must be a day such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z, not %q", s)
	}
	return at.UTC(), nil
}

// readNetworks reads networks or single addresses. IPv4 in the form of IPv6
// is IPv4, as the addresses are that it is compared with.
func readNetworks(s string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range list(s) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			ip, err := netip.ParseAddr(text)
			if err != nil || ip.Zone() != "" {
				return nil, fmt.Errorf("must be addresses or networks, such as 10.0.0.0/8, not %q", text)
			}
			prefix = netip.PrefixFrom(ip, ip.BitLen())
		}
		if ip := prefix.Addr(); ip.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(ip.Unmap(), prefix.Bits()-96)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

// readServer reads the URL of a server as a whole. What goes through a proxy is
// encrypted to its end.
func readServer(tag *kong.Tag, s string) (*url.URL, error) {
	u, err := parseURL(strings.TrimSuffix(s, "/"))
	if errors.Is(err, errPort) {
		return nil, err
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errNoServer
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) && tag.Get("is") != "proxy" {
		return nil, errors.New("must begin with https://, except for a server on this machine: passwords travel there")
	}
	return u, nil
}

var errNoServer = errors.New("must be a URL such as http://127.0.0.1:8080, without user, path or query")

// readZone finds a clock by its name. "Local" would be another on each
// machine.
func readZone(s string) (*time.Location, error) {
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return nil, fmt.Errorf("must be a name of the IANA time zone database, such as Africa/Casablanca or Europe/Paris, not %q", s)
	}
	return zone, nil
}

func readLogo(path string) (*shop.Logo, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return shop.NewLogo(data)
}

// loopbackAddress reports whether an address to listen at is reached from
// this machine alone.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopback(host)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
