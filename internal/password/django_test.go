package password_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/password"
)

// recorded is a hash that Django made and what it said of some passwords.
type recorded struct {
	Hash, Kind string
	Answers    map[string]bool
}

// hashesOfDjango are what testdata/hashes.py recorded.
func hashesOfDjango(t testing.TB) []recorded {
	t.Helper()
	data, err := os.ReadFile("testdata/hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []recorded
	if err := json.Unmarshal(data, &rows); err != nil || len(rows) < 150 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows
}

// refused tells the hashes that Django matches and we do not take: they have
// no salt, look at eight letters, or are Argon2d.
func refused(row recorded) bool {
	return slices.Contains([]string{"unsalted_md5", "unsalted_sha1", "crypt"}, row.Kind) || strings.HasPrefix(row.Hash, "argon2$argon2d$")
}

func TestDjangosHashesVerifyAsInDjango(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	for _, row := range hashesOfDjango(t) {
		if got := password.Usable(row.Hash); got == refused(row) {
			t.Errorf("Usable(%s) = %t", row.Hash, got)
		}
		for plain, django := range row.Answers {
			match := django && !refused(row)
			want := password.Result{Match: match, Outdated: match}
			if r, err := h.Verify(t.Context(), row.Hash, plain); err != nil || r != want {
				t.Errorf("%s, %q: got %+v, %v; want %+v", row.Hash, plain, r, err, want)
			}
		}
	}
}

// TestScryptOfDjango holds a hash of Django's own tests: the recorder's
// ToDjango has no scrypt.
func TestScryptOfDjango(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	const hash = "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw=="
	for plain, want := range map[string]bool{"lètmein": true, "letmein": false} {
		if r, err := h.Verify(t.Context(), hash, plain); err != nil || r.Match != want {
			t.Errorf("%q: %+v, %v", plain, r, err)
		}
	}
}

func TestKindIsDjangos(t *testing.T) {
	t.Parallel()
	weak := map[string]bool{"md5": true, "sha1": true, "unsalted_md5": true, "unsalted_sha1": true}
	for _, row := range hashesOfDjango(t) {
		if name, isWeak := password.Format(row.Hash); name != row.Kind || isWeak != weak[row.Kind] {
			t.Errorf("Kind(%s) = %s, %t; want %s", row.Hash, name, isWeak, row.Kind)
		}
	}
	for hash, want := range map[string]string{
		"": "unknown", "!": "unusable", "!md5$a$b": "unusable", "$": "unknown", "md4$a$b": "unknown", "$2b$04$x": "unknown",
		"$argon2id$v=19$": "argon2", "$argon2i$v=19$": "unknown", "wrapped$md5$a$argon2id$": "wrapped", "md5$$": "unsalted_md5",
		"dd9de7fab081300de66b103c98b7601G": "unknown", "argon2$argon2i$m=64,t=1,p=1$": "argon2",
	} {
		if got, _ := password.Format(hash); got != want {
			t.Errorf("Kind(%q) = %s, want %s", hash, got, want)
		}
	}
}

// TestHashesThatNothingMatches begin as Django's do, and are malformed or
// cost too much. None may be worked on.
func TestHashesThatNothingMatches(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	const (
		tag20  = "3lv6YbwWJTeeLYE8zsCJwzGEVRE="
		tag32  = "aiUrMr/zG+xvoEMOx0LPh3N/fsuxvgr7i3RsdouXsOk="
		tag64  = "uu6Q6/bX33POZzMXW2O6j0KujyDW0nYJArCS/SR4ueoNRBQaD9TA79g3UfbPlAsPHiZJm8XI0+ayI997nY+jYg=="
		argon  = "$WXhwZDdhY0NYOUNJc2t2YjUxWW4wTg$47jEbfjYKzQfkCYKfGbAFw"
		bcrypt = "s0o0BMRS2O0qr1BkGJrxnu7qwixkG2Dqi6fSPeCv1gMWbOosPg7em"
		md5    = "351e0d5f40ec30f04f3b9e43593fcf17"
		sha1   = "5d6ab4a3d425ae3896df9f72e91e7729db528ade"
	)
	for _, hash := range []string{
		"pbkdf2_sha256", "pbkdf2_sha256$", "pbkdf2_sha256$1$salt", "pbkdf2_sha256$0$salt$" + tag32, "pbkdf2_sha256$-1$salt$" + tag32,
		"pbkdf2_sha256$01$salt$" + tag32, "pbkdf2_sha256$10000001$salt$" + tag32, "pbkdf2_sha256$99999999999999999999$salt$" + tag32,
		"pbkdf2_sha256$1$$" + tag32, "pbkdf2_sha256$1$salt$" + tag20, "pbkdf2_sha256$1$salt$" + tag32[:43], "pbkdf2_sha256$1$salt$" + tag32 + "$",
		"pbkdf2_sha256$1$salt$", "pbkdf2_sha512$1$salt$" + tag64, "PBKDF2_SHA256$1$salt$" + tag32, "$pbkdf2_sha256$1$salt$" + tag32,
		"pbkdf2_sha1$1$salt$" + tag32, "pbkdf2_sha1$10000001$salt$" + tag20,

		"argon2", "argon2$", "argon2$argon2id", "argon2$argon2id$m=64,t=1,p=1" + argon, "argon2$argon2i$m=64,t=1,p=1" + argon,
		"argon2$argon2id$v=16$m=64,t=1,p=1" + argon, "argon2$argon2i$v=16$m=64,t=1,p=1" + argon, "argon2$argon2i$v=18$m=64,t=1,p=1" + argon,
		"argon2$argon2x$v=19$m=64,t=1,p=1" + argon, "argon2$$argon2id$v=19$m=64,t=1,p=1" + argon, "argon2$argon2i$v=19$m=1048577,t=1,p=1" + argon,
		"argon2$argon2i$v=19$m=1048576,t=5,p=1" + argon, "argon2$argon2i$v=19$m=64,t=65,p=1" + argon, "$argon2i$v=19$m=64,t=1,p=1" + argon,
		"argon2$argon2d$v=19$m=64,t=1,p=1" + argon, "$argon2d$v=19$m=64,t=1,p=1" + argon,

		"bcrypt", "bcrypt$", "bcrypt$$2b$04$", "bcrypt$2b$04$" + bcrypt, "bcrypt$$2b$04$" + bcrypt[1:], "bcrypt$$2b$04$" + bcrypt + "x",
		"bcrypt$$2b$03$" + bcrypt, "bcrypt$$2b$17$" + bcrypt, "bcrypt$$2b$31$" + bcrypt, "bcrypt$$2b$+4$" + bcrypt, "bcrypt$$2x$04$" + bcrypt,
		"bcrypt$$2$04$" + bcrypt, "bcrypt$$1b$04$" + bcrypt, "bcrypt$$2b$04$!" + bcrypt[1:], "bcrypt_sha256$$2b$17$" + bcrypt, "$2b$04$" + bcrypt,
		"bcrypt$$2b$04$" + bcrypt + "\n",

		"scrypt", "scrypt$", "scrypt$16$salt$8$1", "scrypt$16$$8$1$" + tag64, "scrypt$15$salt$8$1$" + tag64, "scrypt$1$salt$8$1$" + tag64,
		"scrypt$0$salt$8$1$" + tag64, "scrypt$16$salt$0$1$" + tag64, "scrypt$16$salt$8$0$" + tag64, "scrypt$16$salt$8$1$" + tag32,
		"scrypt$salt$16$8$1$" + tag64, "scrypt$2097152$salt$8$1$" + tag64, "scrypt$1048576$salt$8$2$" + tag64, "scrypt$16$salt$65$1$" + tag64,
		"scrypt$16$salt$8$65$" + tag64, "scrypt$4294967296$salt$8$1$" + tag64, "scrypt$16$salt$8$1$" + tag64 + "$",

		"md5", "md5$", "md5$salt", "md5$salt$", "md5$salt$" + md5[1:], "md5$salt$" + md5 + "0", "md5$salt$" + strings.ToUpper(md5), "md5$$" + md5,
		"md5$a$b$" + md5, "md5$salt$" + sha1, md5, "sha1$salt$" + md5, "sha1$salt$" + sha1[1:] + "g", "sha1$$" + sha1, sha1, "crypt$$oaFkIpP1y4POc",

		"!md5$ZNaxjPcchOai$" + md5, "wrapped", "wrapped$", "wrapped$md5$salt", "wrapped$md5$$argon2id$v=19$m=64,t=1,p=1" + argon,
		"wrapped$sha256$salt$argon2id$v=19$m=64,t=1,p=1" + argon, "wrapped$md5$salt$argon2i$v=19$m=64,t=1,p=1" + argon,
		"wrapped$md5$salt$$argon2id$v=19$m=64,t=1,p=1" + argon, "wrapped$md5$salt$argon2id$v=19$m=1048577,t=1,p=1" + argon,
		"wrapped$wrapped$md5$salt$argon2id$v=19$m=64,t=1,p=1" + argon,
	} {
		if password.Usable(hash) {
			t.Errorf("%q is usable", hash)
			continue // it may be slow
		}
		if r, err := h.Verify(t.Context(), hash, "kV7#pazouk-42lemon"); err != nil || r.Match {
			t.Errorf("%q: %+v, %v", hash, r, err)
		}
	}
}

// TestCostliestHashesAreTaken are at the bounds; none is worked on here.
func TestCostliestHashesAreTaken(t *testing.T) {
	t.Parallel()
	const argon = "$WXhwZDdhY0NYOUNJc2t2YjUxWW4wTg$47jEbfjYKzQfkCYKfGbAFw"
	for _, hash := range []string{
		"pbkdf2_sha256$10000000$salt$aiUrMr/zG+xvoEMOx0LPh3N/fsuxvgr7i3RsdouXsOk=", "argon2$argon2id$v=19$m=1048576,t=4,p=1" + argon,
		"argon2$argon2i$v=19$m=65536,t=64,p=1" + argon, "$argon2id$v=19$m=1048576,t=64,p=1" + argon, // ours may be configured so "bcrypt$$2b$16$s0o0BMRS2O0qr1BkGJrxnu7qwixkG2Dqi6fSPeCv1gMWbOosPg7em",
		"scrypt$1048576$salt$8$1$uu6Q6/bX33POZzMXW2O6j0KujyDW0nYJArCS/SR4ueoNRBQaD9TA79g3UfbPlAsPHiZJm8XI0+ayI997nY+jYg==",
	} {
		if !password.Usable(hash) {
			t.Errorf("%q is refused", hash)
		}
	}
}

// TestZeroByteIsNotAnotherPassword tries what bcrypt takes for the same: it
// repeats a short password with a zero byte between.
func TestZeroByteIsNotAnotherPassword(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	tried := 0
	for _, row := range hashesOfDjango(t) {
		if !row.Answers["x"] || row.Kind != "bcrypt" {
			continue
		}
		tried++
		if r, err := h.Verify(t.Context(), row.Hash, "x\x00x"); err != nil || r.Match {
			t.Errorf("%s: %+v, %v", row.Hash, r, err)
		}
	}
	if tried < 3 {
		t.Errorf("tried %d hashes, want 3", tried)
	}
}
