package verifytest

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

// Row is a token and what every verifier has to say to it.
type Row struct {
	Name     string
	Token    string
	Audience string // of the verifier; empty: it has none
	Good     bool
}

// Table is tokens that are right or nearly so, for a verifier whose key set
// is that of the keys (ES256) and whose clock says now. URL is an
// address that serves the key set of a stranger. Every verifier must
// say the same; where libraries read the standards in several ways, the table has the
// strictest that the server's own tokens meet.
func Table(tb testing.TB, now time.Time, url string, keys [2]*Key, stranger *Key) []Row {
	tb.Helper()
	k := keys[0]
	var rows []Row
	add := func(good bool, name, token string) { rows = append(rows, Row{Name: name, Token: token, Good: good}) }
	with := func(good bool, name string, changes map[string]any) {
		tb.Helper()
		add(good, name, k.Sign(tb, Claims(now, changes)))
	}
	plain := string(marshal(tb, Claims(now, nil)))
	good := k.signText(tb, k.header(), plain)
	header, payload, signature := parts(good)
	s := now.Unix()

	add(true, "good", good)
	add(true, "the other key", keys[1].Sign(tb, Claims(now, nil)))
	add(true, "another order of the header", k.signText(tb, `{"typ":"JWT","kid":"`+k.ID+`","alg":"ES256"}`, plain))
	add(true, "typ of RFC 9068", k.signText(tb, `{"alg":"ES256","kid":"`+k.ID+`","typ":"at+jwt"}`, plain))
	with(true, "a claim nobody knows", map[string]any{"tenant": "ma"})
	with(true, "a date with a fraction", map[string]any{"exp": float64(s) + 3600.5})

	// The header and the signature.
	add(false, "a stranger's key", stranger.Sign(tb, Claims(now, nil)))
	named := *stranger
	named.ID = k.ID
	add(false, "a stranger's key under our name", named.Sign(tb, Claims(now, nil)))
	other := *k
	other.ID = keys[1].ID
	add(false, "our key under another's name", other.Sign(tb, Claims(now, nil)))
	add(false, "no kid", k.signText(tb, `{"alg":"ES256","typ":"JWT"}`, plain))
	add(false, "kid a number", k.signText(tb, `{"alg":"ES256","kid":1,"typ":"JWT"}`, plain))
	add(false, "kid null", k.signText(tb, `{"alg":"ES256","kid":null,"typ":"JWT"}`, plain))
	add(false, "two kids, the last is another", k.signText(tb, `{"alg":"ES256","kid":"`+k.ID+`","kid":"x","typ":"JWT"}`, plain))
	add(false, "crit", k.signText(tb, `{"alg":"ES256","kid":"`+k.ID+`","crit":["exp"]}`, plain))
	add(false, "crit that is empty", k.signText(tb, `{"alg":"ES256","kid":"`+k.ID+`","crit":[]}`, plain))
	for name, kid := range map[string]string{"jwk, jku and x5u, our kid": k.ID, "jwk, jku and x5u": stranger.ID} {
		add(false, name, stranger.signText(tb, `{"alg":"ES256","kid":"`+kid+`","jku":"`+url+`","x5u":"`+url+`","jwk":`+string(marshal(tb, stranger.JWK(tb)))+`}`, plain))
	}
	for _, alg := range []string{"none", "None", "", "RS256", "EdDSA", "ES384", "HS256", "es256"} {
		text := encode([]byte(`{"alg":"`+alg+`","kid":"`+k.ID+`"}`)) + "." + encode([]byte(plain))
		add(false, "alg "+alg+", our signature", text+"."+sign(tb, k, text))
		add(false, "alg "+alg+", no signature", text+".")
	}
	add(false, "no alg", k.signText(tb, `{"kid":"`+k.ID+`"}`, plain))
	for name, mac := range publicForms(tb, k, KeySet(tb, keys[:]...)) {
		text := encode([]byte(`{"alg":"HS256","kid":"`+k.ID+`"}`)) + "." + encode([]byte(plain))
		h := hmac.New(sha256.New, mac)
		h.Write([]byte(text))
		add(false, "HS256 with the public key as "+name, text+"."+encode(h.Sum(nil)))
	}
	digest := sha256.Sum256([]byte(header + "." + payload))
	der, err := ecdsa.SignASN1(rand.Reader, k.Private.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	add(false, "the signature in DER", header+"."+payload+"."+encode(der))
	add(false, "a signature of zeros", header+"."+payload+"."+encode(make([]byte, 64)))
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		tb.Fatal(err)
	}
	add(false, "half a signature", header+"."+payload+"."+encode(raw[:32]))
	raw[63] ^= 1
	add(false, "a bit of the signature", header+"."+payload+"."+encode(raw))
	add(false, "another payload", header+"."+encode(marshal(tb, Claims(now, map[string]any{"user_id": 43, "sub": "43"})))+"."+signature)

	// The form.
	add(false, "empty", "")
	add(false, "two dots", "..")
	add(false, "two parts", header+"."+payload)
	add(false, "four parts", good+".e30")
	add(false, "five parts", good+".."+signature)
	add(false, "padding", good+"==")
	add(false, "a line break at the end", good+"\n")
	add(false, "a line break in the signature", header+"."+payload+"."+signature[:40]+"\n"+signature[40:])
	add(false, "a blank in the signature", header+"."+payload+"."+signature[:40]+" "+signature[40:])
	add(false, "a blank before", " "+good)
	add(false, "the last bits of the signature", header+"."+payload+"."+signature[:85]+nextLetter(signature[85]))
	add(false, "letters of the other base64", header+"."+payload+"."+strings.NewReplacer("-", "+", "_", "/").Replace(signWith(tb, k, header+"."+payload, "-_")))
	add(false, "a header of 100 kB", k.signText(tb, `{"alg":"ES256","kid":"`+k.ID+`","x":"`+strings.Repeat("x", 100<<10)+`"}`, plain))
	add(false, "a payload of 100 kB", k.Sign(tb, Claims(now, map[string]any{"x": strings.Repeat("x", 100<<10)})))
	nested := strings.Repeat("[", 1100) + strings.Repeat("]", 1100) // deeper than Python reads by default
	for name, text := range map[string]string{"null": "null", "a list": "[]", "lists in lists": nested, "a text": `"x"`, "nothing": "", "half an object": `{"exp":`} {
		add(false, "a payload that is "+name, k.signText(tb, k.header(), text))
		add(false, "a header that is "+name, k.signText(tb, text, plain))
	}

	// The dates.
	with(false, "ended a second ago", map[string]any{"exp": s - 1})
	with(false, "ended an hour ago", map[string]any{"iat": s - 7200, "exp": s - 3600})
	for name, v := range map[string]any{"missing": nil, "null": Null, "0": 0, "a text": "9999999999", "1e300": 1e300, "true": true, "a list": []int{9999999999}, "below 0": -1} {
		with(false, "exp "+name, map[string]any{"exp": v})
	}
	with(false, "Exp for exp", map[string]any{"exp": nil, "Exp": s + 3600})
	with(true, "iat 3 s ahead", map[string]any{"iat": s + 3})
	with(false, "iat a minute ahead", map[string]any{"iat": s + 60})
	with(false, "iat missing", map[string]any{"iat": nil})
	with(false, "iat a text", map[string]any{"iat": "1"})
	with(true, "nbf past", map[string]any{"nbf": s - 60})
	with(true, "nbf 3 s ahead", map[string]any{"nbf": s + 3})
	with(false, "nbf a minute ahead", map[string]any{"nbf": s + 60})
	with(false, "nbf a text", map[string]any{"nbf": "1"})

	// Who it is from, for and about.
	for name, v := range map[string]any{"missing": nil, "null": Null, "empty": "", "with a slash": Issuer + "/", "in capitals": "YOOZAK", "another": "other", "a list": []string{Issuer}} {
		with(false, "iss "+name, map[string]any{"iss": v})
	}
	for name, v := range map[string]any{"missing": nil, "refresh": "refresh", "in capitals": "ACCESS", "a list": []string{"access"}} {
		with(false, "token_type "+name, map[string]any{"token_type": v})
	}
	for name, v := range map[string]any{"missing": nil, "a text": "42", "a fraction": 42.5, "null": Null, "true": true} {
		with(false, "user_id "+name, map[string]any{"user_id": v})
	}
	for name, v := range map[string]any{"missing": nil, "another": "43", "a number": 42} {
		with(false, "sub "+name, map[string]any{"sub": v})
	}
	for _, claim := range []string{"sid", "jti"} {
		for name, v := range map[string]any{"missing": nil, "empty": "", "a number": 1} {
			with(false, claim+" "+name, map[string]any{claim: v})
		}
	}

	// The audience.
	for name, test := range map[string]struct {
		audience string
		aud      any
		good     bool
	}{
		"none, none asked":      {"", nil, true},
		"one, none asked":       {"", Audience, false},
		"a list, none asked":    {"", []string{Audience}, false},
		"null, none asked":      {"", Null, false},
		"none":                  {Audience, nil, false},
		"null":                  {Audience, Null, false},
		"a text":                {Audience, Audience, true},
		"another text":          {Audience, "warehouse", false},
		"a longer text":         {Audience, Audience + "s", false},
		"a text in capitals":    {Audience, "ORDERS", false},
		"a list":                {Audience, []string{"warehouse", Audience}, true},
		"another list":          {Audience, []string{"warehouse"}, false},
		"an empty list":         {Audience, []string{}, false},
		"a list with a number":  {Audience, []any{Audience, 1}, false},
		"an object":             {Audience, map[string]any{Audience: true}, false},
		"a text with two words": {Audience, "warehouse " + Audience, false},
	} {
		rows = append(rows, Row{Name: "aud: " + name, Audience: test.audience, Good: test.good, Token: k.Sign(tb, Claims(now, map[string]any{"aud": test.aud}))})
	}
	return rows
}

func parts(token string) (header, payload, signature string) {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	return header, payload, signature
}

func sign(tb testing.TB, k *Key, text string) string {
	tb.Helper()
	signature, err := k.Method.Sign(text, k.Private)
	if err != nil {
		tb.Fatal(err)
	}
	return encode(signature)
}

// signWith signs until the signature has one of the letters.
func signWith(tb testing.TB, k *Key, text, letters string) string {
	tb.Helper()
	for {
		if s := sign(tb, k, text); strings.ContainsAny(s, letters) {
			return s
		}
	}
}

// nextLetter differs from a letter in the last bit, which means nothing at
// the end of 64 bytes.
func nextLetter(letter byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, letter)^1:][:1]
}

// publicForms are what a careless library could take for the secret of a MAC.
func publicForms(tb testing.TB, k *Key, set []byte) map[string][]byte {
	tb.Helper()
	public := k.Private.Public().(*ecdsa.PublicKey)
	point, err := public.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	j, err := json.Marshal(k.JWK(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{
		"a point": point, "DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "a JWK": j, "a key set": set, "nothing": {},
	}
}
