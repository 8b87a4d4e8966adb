package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// wireClaims is the payload that we sign: simplejwt's claims, then sub, iss
// and aud (RFC 7519), and sid, amr and auth_time (as OpenID Connect names them).
type wireClaims struct {
	TokenType string `json:"token_type"`
	Exp       int64  `json:"exp"`
	Iat       int64  `json:"iat"`
	Jti       string `json:"jti"`
	UserID    int64  `json:"user_id"`
	Sub       string `json:"sub"`
	Iss       string `json:"iss"`
	Sid       string `json:"sid"`
	Aud       any    `json:"aud,omitempty"` // a text, or a list of several

	AMR      []string `json:"amr,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
}

// noValidation satisfies the library, whose checks of dates are not used:
// ours tell simplejwt's errors apart and allow for clocks that differ.
type noValidation struct{}

func (noValidation) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (noValidation) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (noValidation) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (noValidation) GetIssuer() (string, error)                   { return "", nil }
func (noValidation) GetSubject() (string, error)                  { return "", nil }
func (noValidation) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// parsedClaims is a payload that somebody else may have signed with our
// secret. Keys are compared exactly, which encoding/json does only for maps,
// and what has the wrong type is an error.
type parsedClaims struct {
	noValidation
	userIDClaim                   string // of simplejwt's; empty: user_id
	TokenType, Jti, Sub, Iss, Sid string
	UserID                        int64
	aud, amr                      []string
	authAt                        time.Time
	exp, iat, nbf                 time.Time
	hasType, hasJti, hasIss       bool
	hasUser, hasSid               bool
}

// fromSimplejwt reports whether the claims can be those of a token that
// simplejwt issued. All of ours name their issuer and their session, empty
// or not, so that no token can be taken for both.
func (c *parsedClaims) fromSimplejwt() bool { return !c.hasIss && !c.hasSid }

// UnmarshalJSON reads the claims and refuses dates and texts of a wrong type.
func (c *parsedClaims) UnmarshalJSON(data []byte) error {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return err
	}
	var err error
	if c.aud, err = audience(m["aud"]); err != nil {
		return err
	}
	for name, to := range map[string]*time.Time{"exp": &c.exp, "iat": &c.iat, "nbf": &c.nbf} {
		v, there := m[name]
		if !there {
			continue
		}
		at, ok := date(v)
		if !ok {
			return errors.New(name + " is not a date")
		}
		*to = at
	}
	c.TokenType, c.hasType = text(m, "token_type")
	c.Jti, c.hasJti = text(m, "jti")
	c.Iss, c.hasIss = text(m, "iss")
	for name, to := range map[string]*string{"sub": &c.Sub, "sid": &c.Sid} {
		var isText bool
		v, there := m[name]
		if *to, isText = v.(string); there && !isText { // it would pass for a token that has none
			n, isInteger := integer(v)
			if name != "sub" || !isInteger { // some libraries write the user's number
				return errors.New(name + " is not a text")
			}
			*to = strconv.FormatInt(n, 10)
		}
	}
	_, c.hasSid = m["sid"]
	c.amr, c.authAt = proof(m)
	claim := "user_id"
	if c.userIDClaim != "" && c.fromSimplejwt() {
		claim = c.userIDClaim
	}
	c.UserID, c.hasUser = integer(m[claim])
	return nil
}

// proof reads amr and auth_time of a token of ours. In one of Django's, or
// where they are not what we write, there is nothing to know.
func proof(m map[string]any) (amr []string, at time.Time) {
	list, _ := m["amr"].([]any)
	at, ok := date(m["auth_time"])
	if _, ours := m["sid"]; !ours || !ok {
		return nil, time.Time{}
	}
	for _, v := range list {
		if method, isText := v.(string); isText && method != "" {
			amr = append(amr, method)
		}
	}
	return amr, at
}

// audience reads the claim "aud", a text or a list of texts (RFC 7519,
// section 4.1.3). None, null and "" are nobody.
func audience(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return []string{v}, nil
	case []any:
		var names []string
		for _, n := range v {
			name, is := n.(string)
			if !is || name == "" {
				return nil, errors.New("aud has what is not a name")
			}
			names = append(names, name)
		}
		if len(names) > 0 {
			return names, nil
		}
	}
	return nil, errors.New("aud is not a name")
}

// text returns a claim's string ("" if it is none) and whether it is there.
func text(m map[string]any, name string) (string, bool) {
	v, there := m[name]
	s, _ := v.(string)
	return s, there
}

// integer takes what Django's ORM takes for an id: 5, 5.0 and "5".
func integer(v any) (int64, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	default:
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if _, isNumber := v.(json.Number); err != nil || !isNumber || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// maxDate is the end of year 9999, the last that other JWT libraries can hold.
const maxDate = 253402300799

// date reads a NumericDate (RFC 7519, section 2), which may have a fraction.
func date(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || math.Abs(f) > maxDate {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}
