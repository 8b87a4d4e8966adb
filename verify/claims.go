package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// clockSkew is how far the server's clock may run ahead of this one before
// its fresh tokens are refused as not yet valid. The end of a token has no
// such margin: it ends when it says.
const clockSkew = 5 * time.Second

// claims is the payload of a token. Names are compared exactly, which
// encoding/json does for maps only.
type claims struct {
	all map[string]any
	nothingValidated
}

// nothingValidated satisfies the library, whose checks are not used: they
// take the absence of a claim for consent.
type nothingValidated struct{}

func (nothingValidated) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (nothingValidated) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (nothingValidated) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (nothingValidated) GetIssuer() (string, error)                   { return "", nil }
func (nothingValidated) GetSubject() (string, error)                  { return "", nil }
func (nothingValidated) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// UnmarshalJSON keeps numbers as they are written.
func (c *claims) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&c.all); err != nil {
		return err
	}
	if c.all == nil {
		return errors.New("its payload is null")
	}
	return nil
}

// user checks all that a good signature does not say, and returns whose the
// token is.
func (c *claims) user(o Options, now time.Time) (User, error) {
	exp, err := c.date("exp")
	if err != nil {
		return User{}, err
	}
	iat, err := c.date("iat")
	if err != nil {
		return User{}, err
	}
	nbf := iat
	if _, there := c.all["nbf"]; there {
		if nbf, err = c.date("nbf"); err != nil {
			return User{}, err
		}
	}
	id, isNumber := c.integer("user_id")
	sub, hasSub := c.all["sub"].(string)
	u := User{ID: id, SessionID: c.text("sid"), TokenID: c.text("jti"), IssuedAt: iat, ExpiresAt: exp}
	u.AMR = c.amr()
	if u.AuthAt, err = c.date("auth_time"); err != nil {
		u.AuthAt = time.Time{} // it says nothing of it, which is never enough where it is asked for
	}
	soon := now.Add(clockSkew)
	switch {
	case !now.Before(exp):
		return User{}, errExpired
	case iat.After(soon) || nbf.After(soon):
		return User{}, refused("it is not valid yet: is a clock wrong?")
	case c.text("iss") != o.Issuer:
		return User{}, refused("its issuer is another one")
	case !c.meantFor(o.Audience):
		return User{}, refused("it is for another audience")
	case c.text("token_type") != "access":
		return User{}, refused("it is no access token")
	case !isNumber || !hasSub || sub != strconv.FormatInt(id, 10):
		return User{}, refused("its user_id and sub do not name a user")
	case u.SessionID == "" || u.TokenID == "":
		return User{}, refused("it has no sid or no jti")
	}
	return u, nil
}

// text is a claim that is a text, or "".
func (c *claims) text(name string) string {
	s, _ := c.all[name].(string)
	return s
}

// amr is the claim of that name, a list of texts, as one text; what is no such
// list says nothing.
func (c *claims) amr() string {
	list, _ := c.all["amr"].([]any)
	all := make([]string, 0, len(list))
	for _, item := range list {
		method, isText := item.(string)
		if !isText || method == "" || strings.ContainsAny(method, " \t\n\r") {
			return ""
		}
		all = append(all, method)
	}
	return strings.Join(all, " ")
}

// maxDate is the end of the year 9999, in seconds since 1970.
const maxDate = 253402300799

// date is a claim that is a NumericDate (RFC 7519, section 2), which may have
// a fraction of a second.
func (c *claims) date(name string) (time.Time, error) {
	n, _ := c.all[name].(json.Number)
	f, err := n.Float64()
	if err != nil || math.Abs(f) > maxDate {
		return time.Time{}, refused("%s is missing or no date", name)
	}
	return time.Unix(int64(f), 0).UTC(), nil
}

// integer is a claim that is a whole number, written as one.
func (c *claims) integer(name string) (int64, bool) {
	n, _ := c.all[name].(json.Number)
	i, err := n.Int64()
	return i, err == nil
}

// meantFor reports whether the token is for an audience: a text or a list of
// texts. One that is for somebody is not for who has no name.
func (c *claims) meantFor(audience string) bool {
	aud, there := c.all["aud"]
	if audience == "" {
		return !there
	}
	switch aud := aud.(type) {
	case string:
		return aud == audience
	case []any:
		isText := func(name any) bool { _, is := name.(string); return is }
		return slices.Contains(aud, any(audience)) && !slices.ContainsFunc(aud, func(name any) bool { return !isText(name) })
	}
	return false
}
