// Package verify lets another Go service trust the access tokens of Yoozak
// Clients without asking it: by the published key set.
//
//	v, err := verify.New(ctx, verify.Options{
//		KeySetURL: "https://accounts.shop.example/.well-known/jwks.json",
//		Issuer:    "yoozak",
//	})
//	http.Handle("/orders/", v.Handler(orders)) // orders asks verify.UserFrom
//
// What you may rely on:
//
//   - The algorithm is that of the key, never of the token (RFC 8725, section
//     3.1), and a token names its key. Keys that a token carries or points to
//     are never looked at.
//   - A key that left the key set is refused within a minute, tokens that were
//     verified before included.
//   - When the key set cannot be fetched, the last good one serves for an hour.
//     After that, and before the first, the answer is 503: nothing is known
//     about the token. It recovers by itself.
//   - Strangers cause one fetch a minute at most, and cannot keep a new key from
//     being found. No request waits longer than [AttemptTimeout].
//
// What it cannot see: that somebody logged out, or that an account was
// disabled. Their last access token is good until it ends. A service that
// must know at once asks the server (RFC 7662).
package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Options configure a [Verifier].
type Options struct {
	// KeySetURL is where the keys are: https://…/.well-known/jwks.json. Whoever
	// can change what is read there can log in as anybody: plain http is for a
	// network that you trust.
	KeySetURL string
	// Issuer is YOOZAK_JWT_ISSUER of the server, to the letter.
	Issuer string
	// Audience is the name of this service, where YOOZAK_JWT_AUDIENCE of the
	// server has names: tokens without it are refused. Empty: tokens that are
	// for somebody (RFC 7519, section 4.1.3) are refused.
	Audience string

	// RequireAMR are what the user must have shown, values of the claim amr (RFC
	// 8176): "mfa" is two factors, "otp" a code of an app, "pop" a passkey. All
	// of them; a token that does not say how its user logged in is not enough.
	// Each has to be a word without blanks.
	RequireAMR []string
	// MaxAuthAge is how long ago the user may have shown it (the claim auth_time);
	// zero: any time. A token without that claim is not enough.
	MaxAuthAge time.Duration

	Client *http.Client // fetches the key set, without redirects; nil: one of our own
	Log    *slog.Logger // why a token was refused, never the token; nil: slog.Default()

	// Refuse writes the body of a refusal (401 or 503) after its headers are
	// set, and begins with WriteHeader. Nil: JSON in English.
	Refuse func(w http.ResponseWriter, r *http.Request, status int)
}

// ErrToken says that a token is not good; the text around it says why, for
// the log. Tell clients no more than 401.
var ErrToken = errors.New("access token refused")

// ErrStrength says that a token is good, but that its user has to show more, or
// again, who they are: [Options].RequireAMR and MaxAuthAge. Tell clients 401
// with the error insufficient_user_authentication (RFC 9470), as
// [Verifier.Handler] does. It is an [ErrToken], too.
var ErrStrength = fmt.Errorf("%w: its user has to show more", ErrToken)

// UnavailableError says that nothing can be said of a token: the key set is
// not known. It is no reason to log anybody out.
type UnavailableError struct {
	RetryAfter time.Duration // when the key set is fetched next, about
	Err        error         // what went wrong last; nil: nothing yet
}

func (e *UnavailableError) Error() string {
	if e.Err == nil {
		return "the key set was not fetched yet"
	}
	return "the key set cannot be fetched: " + e.Err.Error()
}

// Unwrap is for package errors.
func (e *UnavailableError) Unwrap() error { return e.Err }

// User is whom an access token belongs to.
type User struct {
	ID        int64  // the account's number: the key to keep a customer by
	SessionID string // the login that the token came from
	TokenID   string // jti
	IssuedAt  time.Time
	ExpiresAt time.Time

	AMR    string    // what they have shown (RFC 8176), separated by spaces; empty: the token does not say
	AuthAt time.Time // when; zero: the token does not say
}

// Verifier verifies access tokens. It is safe for concurrent use.
type Verifier struct {
	o      Options
	keys   *source
	cache  cache // of this Verifier alone: another one has other rules
	parser *jwt.Parser
}

// New makes a Verifier and begins to fetch the key set, until the context
// ends. It does not wait for it, so that a service starts without the server.
func New(ctx context.Context, o Options) (*Verifier, error) {
	// The parser's error has the whole address, and with it a password in it.
	at, err := url.Parse(o.KeySetURL)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
		return nil, errors.New("verify: KeySetURL has to be an address such as https://accounts.shop.example/.well-known/jwks.json")
	}
	if o.Issuer == "" {
		return nil, errors.New("verify: Issuer is missing: it is YOOZAK_JWT_ISSUER of the server, by default \"yoozak\"")
	}
	for _, method := range o.RequireAMR {
		if method == "" || strings.ContainsAny(method, " \t\n,") {
			return nil, fmt.Errorf("verify: RequireAMR has %q, which is no value of amr", method)
		}
	}
	if o.MaxAuthAge < 0 {
		return nil, errors.New("verify: MaxAuthAge is negative")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	v := &Verifier{
		o: o, keys: newSource(o.KeySetURL, o.Client, o.Log),
		parser: jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()),
	}
	go v.keys.run(ctx)
	return v, nil
}

// maxToken bounds the work that a stranger can ask for, in bytes. Tokens have
// about 500, those of RS256 about 800.
const maxToken = 4096

// Verify returns the user of a good access token. The error is [ErrToken], an
// [UnavailableError], or the context's.
func (v *Verifier) Verify(ctx context.Context, raw string) (User, error) {
	if len(raw) > maxToken {
		return User{}, refused("it is longer than %d bytes", maxToken)
	}
	set, err := v.keys.current(ctx)
	if err != nil {
		return User{}, err
	}
	digest := sha256.Sum256([]byte(raw))
	if u, found := v.cache.get(&digest, set); found {
		if !time.Now().Before(u.ExpiresAt) {
			return User{}, errExpired
		}
		return v.strong(u)
	}
	u, k, err := v.verify(ctx, set, raw)
	if err != nil {
		return User{}, err
	}
	v.cache.put(&digest, &entry{digest: digest, user: u, key: k})
	return v.strong(u)
}

// strong returns a user who has shown what is asked for, lately enough. It is
// asked each time: the proof grows older while the token is good.
func (v *Verifier) strong(u User) (User, error) {
	for _, method := range v.o.RequireAMR {
		if !slices.Contains(strings.Fields(u.AMR), method) {
			return User{}, fmt.Errorf("%w: amr is %q, without %s", ErrStrength, u.AMR, method)
		}
	}
	if most := v.o.MaxAuthAge; most > 0 && (u.AuthAt.IsZero() || time.Since(u.AuthAt) > most) {
		return User{}, fmt.Errorf("%w: it was shown longer than %v ago", ErrStrength, most)
	}
	return u, nil
}

var errExpired = refused("it has expired")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrToken, fmt.Sprintf(format, args...))
}

// verify is Verify for a token that was not seen before. It asks for the keys
// again when the token names one that is not known.
func (v *Verifier) verify(ctx context.Context, set *keySet, raw string) (User, *key, error) {
	u, k, err := v.check(set, raw)
	var unknown *unknownKeyError
	if !errors.As(err, &unknown) {
		return u, k, err
	}
	if set, err = v.keys.after(ctx, set, unknown.kid); err != nil {
		return User{}, nil, err
	}
	return v.check(set, raw)
}

// check verifies with the keys of one set.
func (v *Verifier) check(set *keySet, raw string) (User, *key, error) {
	if strings.ContainsAny(raw, "\r\n") { // which Go's base64 passes over
		return User{}, nil, refused("it has a line break")
	}
	var (
		c claims
		k *key
	)
	_, err := v.parser.ParseWithClaims(raw, &c, func(t *jwt.Token) (any, error) {
		var err error
		k, err = set.keyOf(t)
		if err != nil {
			return nil, err
		}
		return k.public, nil
	})
	if err != nil {
		return User{}, nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	u, err := c.user(v.o, time.Now())
	return u, k, err
}

// keyOf is the key that a token names and that is of the token's algorithm.
func (s *keySet) keyOf(t *jwt.Token) (*key, error) {
	if _, critical := t.Header["crit"]; critical { // RFC 7515, section 4.1.11
		return nil, errors.New("it has a critical header")
	}
	kid, isText := t.Header["kid"].(string)
	if !isText || kid == "" {
		return nil, errors.New("it names no key")
	}
	k := s.keys[kid]
	switch {
	case k == nil:
		return nil, &unknownKeyError{kid}
	case k.method.Alg() != t.Method.Alg():
		return nil, fmt.Errorf("its algorithm is %s, that of its key %s", t.Method.Alg(), k.method.Alg())
	}
	return k, nil
}

// unknownKeyError says that a token names a key that is not in the set.
type unknownKeyError struct{ kid string }

func (e *unknownKeyError) Error() string {
	const most = 64 // a stranger wrote it
	return fmt.Sprintf("no such key: %q", e.kid[:min(len(e.kid), most)])
}
