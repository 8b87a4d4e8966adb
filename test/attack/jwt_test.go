package attack

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/token"
)

var algorithms = []string{"ES256", "RS256", "EdDSA", "HS256"}

var asymmetric = algorithms[:3]

var tokens = group{
	title: "Forged tokens",
	about: "Each is tried with four algorithms, ES256, RS256, EdDSA and HS256, unless it makes no sense there. " +
		"What only the session can refuse, and one of twenty of the others, are played on four servers: the token names the victim and the victim's session, which an attacker cannot know, and is shown as access token, " +
		"to be verified, as refresh token and for logging out: 401 for each, and the victim's session lives. The others are shown to what verifies tokens, `token.Verify`, as access token, as refresh token, and as one that may have ended. " +
		"*Insider* attacks are signed with the server's own key: they show that a right signature is not enough.",
	on: algorithms,
	rows: func() []row {
		return slices.Concat(algorithmRows(), signatureRows(), keyRows(), shapeRows(), claimRows())
	},
}

// TestForgedTokens shows each to what verifies tokens, and plays on servers
// what passes there and a sample of the others.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			played := tokens
			played.rows = func() []row { return forgedRows(t, alg) }
			s := start(t, alg, "")
			s.forger = newForger(t, s)
			played.play(t, s, alg)
		})
	}
}

// everyNth of the tokens that are refused without a session are shown to a
// server, too.
const everyNth = 20

// forgedRows are the rows to play on a server: those whose token is refused
// by its session alone, whose row says so, and a sample.
func forgedRows(t *testing.T, alg string) []row {
	t.Helper()
	f, verifier := newTokenForger(t, alg)
	var left []row
	n := 0
	for _, r := range tokens.rows() {
		if !slices.Contains(r.servers(tokens), alg) {
			continue
		}
		tried.Add(1)
		switch passed := passes(verifier, r.token(f)); {
		case passed && !r.bySession:
			worked.Add(1)
			t.Errorf("%s: token.Verify takes it", r.name)
		case passed:
			tried.Add(-1) // it is played below
			left = append(left, r)
			continue
		case r.bySession:
			t.Errorf("%s: its row says that only the session refuses it, and token.Verify does", r.name)
		}
		if n++; n%everyNth == 0 {
			left = append(left, r)
		}
	}
	return left
}

// passes reports whether a token is taken as anything.
func passes(verifier *token.Tokens, raw string) bool {
	now := time.Now()
	_, access := verifier.Verify(raw, token.Access, now)
	_, refresh := verifier.Verify(raw, token.Refresh, now)
	_, ended := verifier.VerifyEnded(raw, token.Refresh, now)
	return access == nil || refresh == nil || ended == nil
}

const refusedEverywhere = "401"

// forged is a row with a token that must open nothing.
func forged(name, tries string, on []string, make func(f *forger) string) row {
	return row{name: name, tries: tries, holds: refusedEverywhere, on: on, token: make, play: func(t *testing.T, s *server) {
		s.refuses(t, make(s.forger))
	}}
}

// refuses shows a token wherever one can be shown.
func (s *server) refuses(t *testing.T, token string) {
	t.Helper()
	if fitsHeader(token) {
		wants(t, s.send(t, http.MethodGet, mePath, nil, "Authorization", "Bearer "+token), http.StatusUnauthorized)
	}
	bad := []int{http.StatusUnauthorized}
	if strings.TrimSpace(token) == "" || strings.ContainsRune(token, 0) {
		bad = []int{http.StatusBadRequest}
	}
	wants(t, s.send(t, http.MethodPost, verifyPath, fields{"token": token}), bad...)
	wants(t, s.send(t, http.MethodPost, refreshPath, fields{"refresh": token}), bad...)
	wants(t, s.send(t, http.MethodPost, logoutPath, fields{"refresh": token}), bad...)
}

func fitsHeader(token string) bool {
	return len(token) < 15<<10 && strings.TrimSpace(token) == token && token != "" && !strings.ContainsFunc(token, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// algorithmRows lie about the algorithm.
func algorithmRows() []row {
	var rows []row
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "none ", " none", "no\\u006ee", "", "null", "NULL", "false", "NoNe\\u0000"} {
		raw := `{"alg":"` + alg + `","typ":"JWT"}`
		rows = append(rows,
			forged("alg none: `"+alg+"`", "no signature at all, `alg` says so", nil, func(f *forger) string { return unsigned(raw, f.claims) + "." }),
			forged("alg none, kid given: `"+alg+"`", "the same, with the id of the real key", nil, func(f *forger) string {
				return unsigned(`{"alg":"`+alg+`","kid":"`+f.kid+`","typ":"JWT"}`, f.claims) + "."
			}),
			forged("alg none, signature left: `"+alg+"`", "the signature of another token stays behind it", nil, func(f *forger) string {
				_, signature := cutLast(f.victim.access)
				return unsigned(raw, f.claims) + "." + signature
			}))
	}
	for name, alg := range map[string]string{
		"is null": "null", "is true": "true", "is 0": "0", "is a list": `["none"]`, "is an object": `{"alg":"none"}`,
	} {
		rows = append(rows, forged("alg of a wrong type: "+name, "`alg` is no text", nil, func(f *forger) string {
			return unsigned(`{"alg":`+alg+`,"typ":"JWT"}`, f.claims) + "."
		}))
	}
	for _, alg := range []string{"HS384", "HS512"} {
		rows = append(rows,
			forged("other MAC, insider: "+alg, "the server's own MAC key with another hash", nil, func(f *forger) string {
				return signed(claims{"alg": alg, "kid": f.refreshKid, "typ": "JWT"}, f.refresh, mac(f.refreshKey, sha512Hashes[alg]))
			}))
	}
	for _, alg := range []string{"ES256", "ES384", "ES512", "ES256K", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519", "HS256", "HS384", "HS512", "A128KW", "dir", "RSA-OAEP", "es256", "../HS256"} {
		others := slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return a == alg })
		rows = append(rows, forged("alg swapped: "+alg, "a good token whose header names another algorithm, the signature as it was", others, func(f *forger) string {
			_, signature := cutLast(f.victim.access)
			return unsigned(f.header.with("alg", alg), f.claims) + "." + signature
		}))
	}
	rows = append(rows,
		forged("alg missing", "a header without `alg`", nil, func(f *forger) string { return f.insider(f.header.with("alg", nil), f.claims) }),
		forged("alg twice, none first", "JSON with `alg` none, then the real one; no signature", nil, func(f *forger) string {
			return unsigned(`{"alg":"none","alg":"`+f.variant+`","kid":"`+f.kid+`"}`, f.claims) + "."
		}),
		forged("alg twice, none last", "JSON with the real `alg`, then none; signed with the right key", nil, func(f *forger) string {
			return f.insider(`{"alg":"`+f.variant+`","kid":"`+f.kid+`","alg":"none"}`, f.claims)
		}),
		forged("ALG in capitals", "`ALG` is none, beside the real `alg`; no signature", nil, func(f *forger) string {
			return unsigned(f.header.with("ALG", "none"), f.claims) + "."
		}),
		forged("PS256 with the right key, insider", "the RSA key with another padding", []string{"RS256"}, func(f *forger) string {
			return signed(f.header.with("alg", "PS256"), f.claims, func(u string) []byte {
				sum := sha256.Sum256([]byte(u))
				return must(rsa.SignPSS(rand.Reader, f.private.(*rsa.PrivateKey), crypto.SHA256, sum[:], nil))
			})
		}),
		forged("RS512 with the right key, insider", "the RSA key with another hash", []string{"RS256"}, func(f *forger) string {
			return signed(f.header.with("alg", "RS512"), f.claims, func(u string) []byte { return must(jwt.SigningMethodRS512.Sign(u, f.private)) })
		}),
		forged("PSS padding under RS256, insider", "an honest header, the padding of PS256", []string{"RS256"}, func(f *forger) string {
			return signed(f.header, f.claims, func(u string) []byte {
				sum := sha256.Sum256([]byte(u))
				return must(rsa.SignPSS(rand.Reader, f.private.(*rsa.PrivateKey), crypto.SHA256, sum[:], nil))
			})
		}),
		forged("no hash before signing, insider", "the text signed without its SHA-256", []string{"RS256"}, func(f *forger) string {
			return signed(f.header, f.claims, func(u string) []byte {
				return must(rsa.SignPKCS1v15(rand.Reader, f.private.(*rsa.PrivateKey), 0, []byte(u)[:32]))
			})
		}),
	)
	// Key confusion: the public key, which everybody has, as the secret of a MAC.
	for _, form := range []string{
		"PEM", "PEM without its last LF", "PEM with CR LF", "PEM on one line", "DER", "base64 of DER", "the JWK as published",
		"the key set as published", "PKCS #1 PEM, or the coordinates", "PKCS #1 DER, or the shortest form", "the raw key", "the key's number in base64",
	} {
		for kid, about := range map[string]string{"access": "with the id of the access key", "refresh": "with the id of the refresh key", "": "without a key id"} {
			name := "key confusion " + about + ": " + form
			rows = append(rows, forged(name, "HS256 with the public key as its secret", asymmetric, func(f *forger) string {
				header := claims{"alg": "HS256", "typ": "JWT", "kid": f.kid}
				switch kid {
				case "refresh":
					header["kid"] = f.refreshKid
				case "":
					delete(header, "kid")
				}
				return signed(header, f.claims, mac(f.publicForms()[form]))
			}))
		}
	}
	byName(rows)
	return rows
}

// signatureRows have signatures that are none.
func signatureRows() []row {
	replaced := func(signature func(f *forger, good []byte) []byte) func(f *forger) string {
		return func(f *forger) string {
			u, raw := cutLast(f.victim.access)
			return u + "." + b64(signature(f, must(base64.RawURLEncoding.DecodeString(raw))))
		}
	}
	ecdsaPair := func(r, s *big.Int) func(f *forger) string {
		return replaced(func(*forger, []byte) []byte { return rs(r, s) })
	}
	var (
		zero, one = big.NewInt(0), big.NewInt(1)
		last      = new(big.Int).Sub(order, one)
		over      = new(big.Int).Lsh(one, 256)
		most      = new(big.Int).Sub(over, one)
		es        = []string{"ES256"}
		ed        = []string{"EdDSA"}
		rsaOnly   = []string{"RS256"}
	)
	rows := []row{
		forged("signature empty", "header and claims of a good token, a dot, nothing", nil, replaced(func(*forger, []byte) []byte { return nil })),
		forged("signature missing", "two parts only, without the second dot", nil, func(f *forger) string { u, _ := cutLast(f.victim.access); return u }),
		forged("signature one byte short", "cut at the end", nil, replaced(func(_ *forger, b []byte) []byte { return b[:len(b)-1] })),
		forged("signature one byte long", "a zero behind it", nil, replaced(func(_ *forger, b []byte) []byte { return append(b, 0) })),
		forged("signature with a zero before", "longer by a byte at its beginning", nil, replaced(func(_ *forger, b []byte) []byte { return append([]byte{0}, b...) })),
		forged("signature twice", "one behind the other", nil, replaced(func(_ *forger, b []byte) []byte { return append(b, b...) })),
		forged("signature of zeros", "as long as a real one", nil, replaced(func(_ *forger, b []byte) []byte { return make([]byte, len(b)) })),
		forged("signature of ones", "as long as a real one, all bits set", nil, replaced(func(_ *forger, b []byte) []byte { return bytes.Repeat([]byte{255}, len(b)) })),
		forged("signature with one bit turned", "the last bit but a few", nil, replaced(func(_ *forger, b []byte) []byte { b[len(b)-2] ^= 1; return b })),
		forged("signature backwards", "its bytes from the end", nil, replaced(func(_ *forger, b []byte) []byte { slices.Reverse(b); return b })),
		forged("signature of another token", "a good signature, on other claims", nil, func(f *forger) string {
			u, _ := cutLast(f.victim.access)
			_, other := cutLast(f.other.access)
			return u + "." + other
		}),
		forged("signature of the claims alone", "signed without the header, insider", nil, func(f *forger) string {
			return signed(f.header, f.claims, func(u string) []byte {
				return must(f.method.Sign(strings.SplitN(u, ".", 2)[1], f.private))
			})
		}),
		forged("claims changed", "another user's id under the old signature", nil, func(f *forger) string {
			_, signature := cutLast(f.other.access)
			return unsigned(f.header, f.claims) + "." + signature
		}),
		forged("longer life", "a later `exp` under the old signature", nil, func(f *forger) string {
			_, signature := cutLast(f.victim.access)
			return unsigned(f.header, f.claims.with("exp", 253402300799)) + "." + signature
		}),
		forged("weak secret: secret", "HS256 with a secret of a dictionary", nil, weak("secret")),
		forged("ECDSA (r, s): (0, 0)", "\"psychic signatures\", CVE-2022-21449", es, ecdsaPair(zero, zero)),
		forged("ECDSA (r, s): (0, 1)", "\"psychic signatures\", CVE-2022-21449", es, ecdsaPair(zero, one)),
		forged("ECDSA (r, s): (1, 0)", "\"psychic signatures\", CVE-2022-21449", es, ecdsaPair(one, zero)),
		forged("ECDSA (r, s): (1, 1)", "\"psychic signatures\", CVE-2022-21449", es, ecdsaPair(one, one)),
		forged("ECDSA (r, s): (n, n)", "the group's order, which is zero again", es, ecdsaPair(order, order)),
		forged("ECDSA (r, s): (n, 1)", "the group's order, which is zero again", es, ecdsaPair(order, one)),
		forged("ECDSA (r, s): (1, n)", "the group's order, which is zero again", es, ecdsaPair(one, order)),
		forged("ECDSA (r, s): (n-1, n-1)", "the ends of the range", es, ecdsaPair(last, last)),
		forged("ECDSA (r, s): (2²⁵⁶-1, 2²⁵⁶-1)", "the ends of the range", es, ecdsaPair(most, most)),
		forged("ECDSA in DER", "the signature as X.509 writes it", es, replaced(func(_ *forger, b []byte) []byte {
			return must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])}))
		})),
		forged("ECDSA (0, 0) in DER", "the zero signature as X.509 writes it", es, replaced(func(*forger, []byte) []byte {
			return must(asn1.Marshal(struct{ R, S *big.Int }{zero, zero}))
		})),
		forged("ECDSA r and s swapped", "the halves in the other order", es, replaced(func(_ *forger, b []byte) []byte { return append(b[32:64:64], b[:32]...) })),
		forged("ECDSA s + n", "the same number beyond the range, where it fits", es, replaced(func(_ *forger, b []byte) []byte {
			s := new(big.Int).Add(new(big.Int).SetBytes(b[32:]), order)
			return append(b[:32:32], s.Bytes()...)
		})),
		forged("ECDSA of 96 bytes", "halves as long as P-384's", es, replaced(func(_ *forger, b []byte) []byte {
			return slices.Concat(make([]byte, 16), b[:32], make([]byte, 16), b[32:])
		})),
		forged("Ed25519 s + l", "the malleable twin, which RFC 8032 refuses", ed, replaced(func(_ *forger, b []byte) []byte {
			l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			s := slices.Clone(b[32:])
			slices.Reverse(s)
			sum := new(big.Int).Add(new(big.Int).SetBytes(s), l).FillBytes(make([]byte, 32))
			slices.Reverse(sum)
			return append(b[:32:32], sum...)
		})),
		forged("Ed25519 R of small order", "R is the neutral point, s is zero", ed, replaced(func(*forger, []byte) []byte {
			return append([]byte{1}, make([]byte, 63)...)
		})),
		forged("Ed25519 R not canonical", "R is the neutral point written as p + 1", ed, replaced(func(*forger, []byte) []byte {
			b := append([]byte{0xee}, bytes.Repeat([]byte{255}, 30)...)
			return append(append(b, 0x7f), make([]byte, 32)...)
		})),
		forged("RSA signature 1", "1 to any power is 1", rsaOnly, replaced(func(_ *forger, b []byte) []byte {
			return append(make([]byte, len(b)-1), 1)
		})),
		forged("RSA signature n-1", "-1 to an odd power is -1", rsaOnly, replaced(func(f *forger, b []byte) []byte {
			n := f.public.(*rsa.PublicKey).N
			return new(big.Int).Sub(n, big.NewInt(1)).FillBytes(make([]byte, len(b)))
		})),
		forged("RSA signature n", "the modulus, which is zero again", rsaOnly, replaced(func(f *forger, b []byte) []byte {
			return f.public.(*rsa.PublicKey).N.FillBytes(make([]byte, len(b)))
		})),
		forged("RSA cube root", "Bleichenbacher's forgery: padding that ends early, for a reader that does not look behind the hash", rsaOnly, func(f *forger) string {
			return signed(f.header, f.claims.with("exp", 253402300799), func(u string) []byte {
				size := f.public.(*rsa.PublicKey).Size()
				sum := sha256.Sum256([]byte(u))
				prefix := []byte{0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20}
				block := append(append(prefix, sum[:]...), make([]byte, size)...)[:size]
				return cubeRoot(new(big.Int).SetBytes(block)).FillBytes(make([]byte, size))
			})
		}),
	}
	for _, secret := range []string{"", "password", "your-256-bit-secret", "changeme", "key", "jwt", "django-insecure-", "0", "\n", "yoozak", "null"} {
		rows = append(rows, forged(fmt.Sprintf("weak secret: %q", secret), "HS256 with a secret of a dictionary", nil, weak(secret)))
	}
	byName(rows)
	return rows
}

func weak(secret string) func(f *forger) string {
	return func(f *forger) string {
		header := claims{"alg": "HS256", "typ": "JWT"}
		if f.refreshKid != "" {
			header["kid"] = f.refreshKid
		}
		return signed(header, f.refresh, mac([]byte(secret)))
	}
}

// cubeRoot rounds up.
func cubeRoot(n *big.Int) *big.Int {
	low, high, three := big.NewInt(0), new(big.Int).Set(n), big.NewInt(3)
	for low.Cmp(high) < 0 {
		middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
		if new(big.Int).Exp(middle, three, nil).Cmp(n) < 0 {
			low = middle.Add(middle, big.NewInt(1))
		} else {
			high = middle
		}
	}
	return low
}

// keyRows say where the key is.
func keyRows() []row {
	var rows []row
	add := func(name, tries string, on []string, make func(f *forger) string) {
		rows = append(rows, forged(name, tries, on, make))
	}
	for kid, key := range map[string]string{
		"../../../../../../dev/null":          "",
		"/dev/null":                           "",
		"file:///dev/null":                    "",
		"/proc/sys/kernel/randomize_va_space": "2\n",
		"/etc/hostname":                       "",
		"..\\..\\..\\windows\\win.ini":        "",
		"x' UNION SELECT 'secret' -- ":        "secret",
		"x' OR '1'='1":                        "",
		"'; DROP TABLE signing_keys; --":      "",
		"x\" UNION SELECT 'secret' -- ":       "secret",
		"|sleep 30":                           "",
		"$(sleep 30)":                         "",
		"`sleep 30`":                          "",
		"{{7*7}}":                             "",
		"${jndi:ldap://127.0.0.1:1/x}":        "",
		"http://127.0.0.1/key.pem":            "",
		"\u0000":                              "",
		"\r\n" + injected + ": yes":           "",
		"%00":                                 "",
		"*":                                   "",
		"null":                                "",
		"0":                                   "",
		"__proto__":                           "",
		strings.Repeat("k", 2000):             "",
		"\u202e\u0000\ufeff":                  "",
		"SELECT load_extension('/tmp/x.so')":  "",
		"x'||(SELECT private_key FROM signing_keys LIMIT 1)--": "",
	} {
		shown := strings.ReplaceAll(fmt.Sprintf("%q", kid), "`", `\x60`) // which would end the code in the document
		if len(shown) > 60 {
			shown = fmt.Sprintf("%d letters", len(kid))
		}
		add("kid: `"+shown+"`", "a key id that some server would open, run or ask its database for, and what it would find there as secret", nil, func(f *forger) string {
			return signed(claims{"alg": "HS256", "kid": kid, "typ": "JWT"}, f.claims, mac([]byte(key)))
		})
	}
	for name, kid := range map[string]string{"a number": "1", "null": "null", "a list": `["KID"]`, "an object": `{"KID":1}`, "true": "true"} {
		add("kid of a wrong type, insider: "+name, "`kid` is no text", asymmetric, func(f *forger) string {
			return f.insider(`{"alg":"`+f.variant+`","kid":`+strings.ReplaceAll(kid, "KID", f.kid)+`}`, f.claims)
		})
	}
	for name, change := range map[string]func(string) string{
		"in other case": swapCase, "with a space behind": func(k string) string { return k + " " }, "with NUL behind": func(k string) string { return k + "\x00" },
		"in a path": func(k string) string { return "./" + k }, "cut": func(k string) string { return k[:len(k)-1] }, "empty": func(string) string { return "" },
	} {
		add("kid nearly right, insider: "+name, "the id of the real key, not quite", asymmetric, func(f *forger) string {
			return f.insider(f.header.with("kid", change(f.kid)), f.claims)
		})
	}
	add("kid missing, insider", "the right signature, but no key named", asymmetric, func(f *forger) string { return f.insider(f.header.with("kid", nil), f.claims) })
	add("kid twice, insider", "JSON with the real key id first, a strange one last", asymmetric, func(f *forger) string {
		return f.insider(`{"alg":"`+f.variant+`","kid":"`+f.kid+`","kid":"x"}`, f.claims)
	})
	add("key for refresh tokens signs an access token", "one key in the place of the other, insider", asymmetric, func(f *forger) string {
		return signed(claims{"alg": "HS256", "kid": f.refreshKid, "typ": "JWT"}, f.claims, mac(f.refreshKey))
	})
	add("key for access tokens signs a refresh token", "one key in the place of the other, insider", asymmetric, func(f *forger) string { return f.insider(f.header, f.refresh) })
	own := func(name, tries string, header func(f *forger, jwk claims) claims) {
		add("the attacker's key: "+name, tries, nil, func(f *forger) string {
			return f.stranger(func(jwk claims) claims { return header(f, jwk) }, f.claims)
		})
	}
	own("with the real key's id", "a key pair of their own; the token brings it, or says where it is", func(f *forger, _ claims) claims { return f.header })
	own("jwk", "a key pair of their own; the token brings it, or says where it is", func(f *forger, jwk claims) claims { return f.header.with("jwk", jwk) })
	own("jwk without kid", "a key pair of their own; the token brings it, or says where it is", func(f *forger, jwk claims) claims { return f.header.with("jwk", jwk, "kid", nil) })
	own("jwk as text", "a key pair of their own; the token brings it, or says where it is", func(f *forger, jwk claims) claims { return f.header.with("jwk", string(text(jwk))) })
	own("jwks", "a key pair of their own; the token brings it, or says where it is", func(f *forger, jwk claims) claims {
		return f.header.with("jwks", claims{"keys": []any{jwk}})
	})
	for _, name := range []string{"jku", "x5u", "url", "iss", "href"} {
		own(name+" to a trap", "a link to a server that counts requests: there must be none", func(f *forger, _ claims) claims {
			return f.header.with(name, f.trap.URL+"/jwks.json", "kid", "attacker")
		})
	}
	for _, link := range []string{"file:///dev/null", "http://169.254.169.254/latest/meta-data/", publicURL + "@127.0.0.1/", "http://[::1]/", "gopher://127.0.0.1:6379/_x"} {
		own("jku `"+link+"`", "a link to somewhere inside", func(f *forger, _ claims) claims { return f.header.with("jku", link) })
	}
	own("x5c", "a chain of certificates in the header", func(f *forger, _ claims) claims { return f.header.with("x5c", []string{"MIIB", "AAAA"}) })
	own("x5t", "a fingerprint of a certificate in the header", func(f *forger, _ claims) claims { return f.header.with("x5t", "AAAA", "x5t#S256", "AAAA") })
	own("p2c", "two billion rounds of PBES2", func(f *forger, _ claims) claims {
		return claims{"alg": "PBES2-HS256+A128KW", "enc": "A128CBC-HS256", "p2c": 2147483647, "p2s": "AAAA", "kid": f.kid}
	})
	add("crit, insider", "a header that must be understood and is not", nil, func(f *forger) string {
		return f.insider(f.header.with("crit", []string{"exp"}), f.claims)
	})
	add("crit empty, insider", "a list of nothing, which the standard forbids", nil, func(f *forger) string { return f.insider(f.header.with("crit", []string{}), f.claims) })
	add("crit null, insider", "not a list", nil, func(f *forger) string {
		return f.insider(`{"alg":"`+f.variant+`","kid":"`+f.kid+`","crit":null}`, f.claims)
	})
	add("b64 false, insider", "claims that are not encoded (RFC 7797)", nil, func(f *forger) string {
		header := b64(text(f.header.with("b64", false, "crit", []string{"b64"})))
		payload := strings.ReplaceAll(string(text(f.claims)), ".", "")
		return header + "." + payload + "." + b64(must(f.method.Sign(header+"."+payload, f.private)))
	})
	byName(rows)
	return rows
}

func swapCase(s string) string {
	if up := strings.ToUpper(s); up != s {
		return up
	}
	return strings.ToLower(s)
}

// shapeRows are not what a token looks like.
func shapeRows() []row {
	var rows []row
	add := func(name, tries string, make func(f *forger) string) {
		rows = append(rows, forged(name, tries, nil, make))
	}
	parts := func(f *forger) (string, string, string) {
		p := strings.Split(f.victim.access, ".")
		return p[0], p[1], p[2]
	}
	for name, token := range map[string]string{
		"empty": "", "a dot": ".", "two dots": "..", "three dots": "...", "a word": "null", "JSON": "{}", "NUL": "\x00", "spaces": "   ",
		"a lone surrogate": "\xed\xa0\x80.a.b", "10,000 dots": strings.Repeat(".", 10000), "60 KiB of dots": strings.Repeat(".", 60<<10),
		"5 KiB": strings.Repeat("A", 5<<10), "14 KiB": strings.Repeat("A", 14<<10), "60 KiB": strings.Repeat("A", 60<<10),
		"three times 20 KiB":          strings.Repeat("A", 20<<10) + "." + strings.Repeat("A", 20<<10) + "." + strings.Repeat("A", 20<<10),
		"percent signs":               "%2e%2e%2f.%00.%ff",
		"a path":                      "../../etc/passwd",
		"a header 10,000 levels deep": b64([]byte(strings.Repeat("[", 10000))) + ".e30.AA",
		"a header of 20,000 objects":  b64([]byte(strings.Repeat(`{"a":`, 5000))) + ".e30.AA",
		"claims 10,000 levels deep":   b64([]byte(`{"alg":"ES256"}`)) + "." + b64([]byte(strings.Repeat("[", 10000))) + ".AA",
		"10,000 keys in the header":   b64([]byte(manyKeys(3000))) + ".e30.AA",
	} {
		add("not a token: "+name, "garbage and size in the place of a token", func(*forger) string { return token })
	}
	for name, change := range map[string]func(a, b, c string) string{
		"with padding":              func(a, b, c string) string { return a + "=." + b + "=." + c + "==" },
		"signature padded":          func(a, b, c string) string { return a + "." + b + "." + c + "=" },
		"four parts":                func(a, b, c string) string { return a + "." + b + "." + c + "." + c },
		"five parts, as JWE":        func(a, b, c string) string { return a + "." + b + "." + c + "." + b + "." + a },
		"a dot behind":              func(a, b, c string) string { return a + "." + b + "." + c + "." },
		"a dot before":              func(a, b, c string) string { return "." + a + "." + b + "." + c },
		"LF inside":                 func(a, b, c string) string { return a + ".\n" + b + "." + c },
		"CR LF in the signature":    func(a, b, c string) string { return a + "." + b + "." + c[:20] + "\r\n" + c[20:] },
		"a space inside":            func(a, b, c string) string { return a + ". " + b + "." + c },
		"NUL inside":                func(a, b, c string) string { return a + "." + b + "\x00." + c },
		"NUL behind":                func(a, b, c string) string { return a + "." + b + "." + c + "\x00" },
		"a BOM before":              func(a, b, c string) string { return "\ufeff" + a + "." + b + "." + c },
		"full-width dots":           func(a, b, c string) string { return a + "\uff0e" + b + "\uff0e" + c },
		"a soft hyphen inside":      func(a, b, c string) string { return a + "." + b[:9] + "\u00ad" + b[9:] + "." + c },
		"dots escaped":              func(a, b, c string) string { return a + "%2e" + b + "%2e" + c },
		"in quotes":                 func(a, b, c string) string { return `"` + a + "." + b + "." + c + `"` },
		"bits behind the last":      func(a, b, c string) string { return a + "." + b + "." + looseBits(c) },
		"header and claims swapped": func(a, b, c string) string { return b + "." + a + "." + c },
		"two tokens, a comma":       func(a, b, c string) string { return a + "." + b + "." + c + "," + a + "." + b + "." + c },
		"as JSON (RFC 7515, 7.2.1)": func(a, b, c string) string {
			return `{"payload":"` + b + `","signatures":[{"protected":"` + a + `","signature":"` + c + `"}]}`
		},
		"as flat JSON (RFC 7515, 7.2.2)": func(a, b, c string) string {
			return `{"payload":"` + b + `","protected":"` + a + `","signature":"` + c + `"}`
		},
	} {
		add("a good token spoiled: "+name, "a good token, written as no token is", func(f *forger) string { return change(parts(f)) })
	}
	add("standard base64 letters", "+ and / for - and _, in a signature that has them", func(f *forger) string {
		a, b, c := parts(f)
		for range 100 { // until the signature has such a letter
			if strings.ContainsAny(c, "-_") {
				break
			}
			c = strings.Split(f.insider(f.header, f.claims.with("jti", b64(must(randomBytes(9))))), ".")[2]
		}
		return a + "." + b + "." + strings.NewReplacer("-", "+", "_", "/").Replace(strings.Replace(c, c[:1], "-", 1))
	})
	byName(rows)
	return rows
}

func randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := rand.Read(b)
	return b, err
}

// looseBits sets a bit of the last letter that stands for no bit of the
// signature.
func looseBits(signature string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	n := strings.IndexByte(letters, signature[len(signature)-1])
	if len(signature)%4 == 0 { // there is none: make the text another way too long
		return signature + "A"
	}
	return signature[:len(signature)-1] + letters[n^1:n^1+1]
}

// manyKeys is a JSON object of n members.
func manyKeys(n int) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `"k%d":%d`, i, i)
	}
	return b.String() + "}"
}

// claimRows are signed with the right key and say what no token of ours
// says: an operator who shares the key with another service (HS256 is
// Django's SECRET_KEY) must not give away more than that service's tokens.
func claimRows() []row {
	var rows []row
	add := func(family, name, tries string, on []string, payload func(f *forger) any) {
		rows = append(rows, forged(family+", insider: "+name, tries, on, func(f *forger) string { return f.insider(f.header, payload(f)) }))
	}
	set := func(family, tries, claim string, values ...string) {
		for _, v := range values {
			shown := v
			if len(shown) > 30 {
				shown = fmt.Sprintf("%d digits", len(v))
			}
			add(family, "`"+shown+"`", tries, nil, func(f *forger) any {
				return f.claims.with(claim, json.RawMessage(strings.NewReplacer("USER", fmt.Sprint(f.victim.id), "SID", fmt.Sprint(f.claims["sid"]), "NOW", fmt.Sprint(time.Now().Unix())).Replace(v)))
			})
		}
	}
	set("exp", "an end that is past, no date, in milliseconds, or beyond all dates", "exp",
		"1", "0", "-1", "NOW", "1.5", "null", "true", "false", `""`, `"9999999999"`, `"2099-01-01T00:00:00Z"`, `"never"`, "[9999999999]", "{}",
		"NOW000", "1e300", "1e400", "-1e400", "253402300800", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1"+strings.Repeat("0", 400), "-0")
	set("nbf", "a beginning that is to come, in milliseconds, or no date", "nbf", "4102444800", "NOW000", "1e400", `"0"`, "[]", "true")
	set("iat", "issued in the future, in milliseconds, or at no date", "iat", "4102444800", "NOW000", "1e400", `"0"`, "{}", "false")
	set("iss", "another issuer, or none that can be read", "iss", `"other"`, `"Yoozak"`, `"yoozak "`, `"yoozak/"`, `""`, `["yoozak"]`, `null`, `1`, `{"iss":"yoozak"}`, `"yоzak"`)
	set("aud", "a token for somebody else", "aud", `"other"`, `"yoozak"`, `["yoozak"]`, `["a","b"]`, `[]`, `{}`, `1`, `true`, `[null]`)
	set("token_type", "another type than the endpoint takes", "token_type", `"Access"`, `"ACCESS"`, `"access "`, `""`, `null`, `1`, `["access"]`, `{"access":true}`, `"sliding"`, `"id"`)
	set("user_id", "a user who is not the one of the session, or no number", "user_id", "0", "-1", "USER.5", "1e400", "9223372036854775807", "9223372036854775808", "18446744073709551617",
		`"x"`, `""`, "null", "true", `"USER OR 1=1"`, `"USER;--"`, "[USER]", `{"id":USER}`, `" USER"`, `"USER "`, `"0xUSER"`, `"٥"`, `"1e0"`, "USER00000000000000000000000000000000")
	set("sub", "a subject that is not the user", "sub", `"0"`, `"x"`, `"USER "`, `"USER,1"`, `"-USER"`, `["USER"]`, `0`, `{}`, `true`)
	set("sid", "a session that is not there, or no text", "sid", `"x"`, `"SID "`, `"SID\u0000"`, `"' OR '1'='1"`, `"%"`, `["SID"]`, `{"id":"SID"}`, `1`, `true`)
	for _, claim := range []string{"exp", "user_id", "token_type", "jti"} {
		add("claim missing", claim, "a claim that no token may lack", nil, func(f *forger) any { return f.claims.with(claim, nil) })
	}
	for _, claim := range []string{"iss", "sid"} {
		add("claim missing", claim, "a claim that only tokens of Django may lack, which are HS256", asymmetric, func(f *forger) any { return f.claims.with(claim, nil) })
	}
	add("sid null", "`null`", "a session that is not one, where tokens of Django cannot be", asymmetric, func(f *forger) any {
		return strings.Replace(string(text(f.claims.with("sid", "SID"))), `"SID"`, "null", 1)
	})
	add("sid null", "empty", "a session that is not one, where tokens of Django cannot be", asymmetric, func(f *forger) any { return f.claims.with("sid", "") })
	mine := func(f *forger) claims { return segment(f.other.access, 1) }
	add("two people", "the victim's id, another's session", "claims of two people in one token", nil, func(f *forger) any { return f.claims.with("sid", mine(f)["sid"]) })
	add("two people", "the victim's session, another's id", "claims of two people in one token", nil, func(f *forger) any {
		return f.claims.with("user_id", mine(f)["user_id"], "sub", mine(f)["sub"])
	})
	add("two people", "sub of another", "claims of two people in one token", nil, func(f *forger) any { return f.claims.with("sub", mine(f)["sub"]) })
	twice := func(f *forger, last string) string {
		return strings.TrimSuffix(string(text(f.claims)), "}") + "," + last + "}"
	}
	add("claim twice", "another's user_id last", "JSON with a key twice: the last counts, for all readers alike", nil, func(f *forger) any {
		return twice(f, fmt.Sprintf(`"user_id":%v`, mine(f)["user_id"]))
	})
	add("claim twice", "exp last and past", "JSON with a key twice: the last counts, for all readers alike", nil, func(f *forger) any { return twice(f, `"exp":1`) })
	add("claim twice", "token_type last and wrong", "JSON with a key twice: the last counts, for all readers alike", nil, func(f *forger) any { return twice(f, `"token_type":"sliding"`) })
	add("claim twice", "iss last and wrong", "JSON with a key twice: the last counts, for all readers alike", nil, func(f *forger) any { return twice(f, `"iss":"other"`) })
	add("claim twice", "a foreign sid last", "JSON with a key twice: the last counts, for all readers alike", nil, func(f *forger) any {
		return twice(f, fmt.Sprintf(`"sid":%q`, mine(f)["sid"]))
	})
	for name, change := range map[string]func(claims) claims{
		"EXP":        func(c claims) claims { return c.with("exp", nil, "EXP", 9999999999) },
		"User_Id":    func(c claims) claims { return c.with("user_id", nil, "User_Id", c["user_id"]) },
		"TOKEN_TYPE": func(c claims) claims { return c.with("token_type", nil, "TOKEN_TYPE", "access") },
		"uſer_id":    func(c claims) claims { return c.with("user_id", nil, "u\u017fer_id", c["user_id"]) },
	} {
		add("claim in other letters", name, "names that a reader who ignores case would take", nil, func(f *forger) any { return change(f.claims) })
	}
	for name, payload := range map[string]string{
		"a list": `[]`, "a text": `"x"`, "a number": `1`, "null": `null`, "true": `true`, "nothing": ``, "cut": `{"exp":`, "with a tail": `{}{}`, "with NUL": "{}\x00",
		"UTF-16": "\xff\xfe{\x00}\x00", "a BOM": "\ufeff{}", "single quotes": `{'exp':1}`, "a comment": `/**/{}`, "NaN": `{"exp":NaN}`, "2,500 lists": strings.Repeat("[", 2500), "compressed": "\x1f\x8b\x08\x00",
		"bad UTF-8": "{\"exp\":\"\xff\"}",
	} {
		add("malformed claims", name, "a payload that is not an object", nil, func(*forger) any { return payload })
	}
	add("claims too many", "300 of them", "more than 4 KiB", nil, func(f *forger) any {
		c := f.claims.with()
		for i := range 300 {
			c[fmt.Sprintf("claim-number-%d", i)] = i
		}
		return c
	})
	for i, r := range rows {
		family, name, _ := strings.Cut(r.name, ", insider: ")
		rows[i].bySession = family == "two people" && name != "sub of another" || name == "a foreign sid last" || family == "sid" && strings.HasPrefix(name, "`\"")
	}
	byName(rows)
	return rows
}
