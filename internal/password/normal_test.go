package password_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/yoozak/clients/internal/password"
)

// spellings are two ways each to type one password: NFKC, and another.
var spellings = [][2]string{
	{"crème-brûlée", "cre\u0300me-bru\u0302le\u0301e"},
	{"kV7#pazouk", "ｋＶ７＃ｐａｚｏｕｋ"},
	{"office 42 fi", "oﬃce\u00a042\u00a0ﬁ"},
	{"\u0645\u062d\u0645\u062f 12345678", "\ufee3\ufea4\ufee4\ufeaa ١٢٣٤٥٦٧٨"}, // but for the digits, which NFKC leaves
}

func TestEveryKeyboardTypesTheSamePassword(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	for _, s := range spellings[:3] {
		for _, first := range s {
			hash, err := h.Hash(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			for _, then := range s {
				if r, err := h.Verify(t.Context(), hash, then); err != nil || !r.Match || r.Outdated {
					t.Errorf("registered %+q, typed %+q: %+v, %v", first, then, r, err)
				}
			}
			if r, err := h.Verify(t.Context(), hash, s[1]+"ﬁ"); err != nil || r.Match {
				t.Errorf("registered %+q, typed more: %+v, %v", first, r, err)
			}
		}
	}
	arabic := spellings[3]
	hash, err := h.Hash(t.Context(), arabic[0])
	if err != nil {
		t.Fatal(err)
	}
	if r, err := h.Verify(t.Context(), hash, arabic[1]); err != nil || r.Match {
		t.Errorf("digits of another script match: %+v, %v", r, err)
	}
}

// TestHashesFromBeforeNFKCAreRenewed because they were made of what was
// typed.
func TestHashesFromBeforeNFKCAreRenewed(t *testing.T) {
	t.Parallel()
	h := newHasher(t, password.Options{})
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	for _, s := range spellings[:3] {
		tag := argon2.IDKey([]byte(s[1]), salt, cheap.Time, cheap.Memory, cheap.Threads, 32)
		hash := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", cheap.Memory, cheap.Time, cheap.Threads, b64(salt), b64(tag))
		if r, err := h.Verify(t.Context(), hash, s[1]); err != nil || !r.Match || !r.Outdated {
			t.Errorf("%+q: %+v, %v", s[1], r, err)
		}
		if r, err := h.Verify(t.Context(), hash, s[0]); err != nil || r.Match {
			t.Errorf("%+q: %+v, %v", s[0], r, err)
		}
		// Django's are compared with what is typed, and nothing else.
		if r, err := h.Verify(t.Context(), "argon2"+hash, s[1]); err != nil || !r.Match || !r.Outdated {
			t.Errorf("Django's, %+q: %+v, %v", s[1], r, err)
		}
		tag = argon2.IDKey([]byte(s[0]), salt, cheap.Time, cheap.Memory, cheap.Threads, 32)
		hash = fmt.Sprintf("argon2$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", cheap.Memory, cheap.Time, cheap.Threads, b64(salt), b64(tag))
		if r, err := h.Verify(t.Context(), hash, s[1]); err != nil || r.Match {
			t.Errorf("Django's of %+q, typed %+q: %+v, %v", s[0], s[1], r, err)
		}
	}
}

// TestPolicyJudgesWhatIsHashed: a password that is written otherwise must not
// be let through as another, nor one that Django refuses as it was typed.
func TestPolicyJudgesWhatIsHashed(t *testing.T) {
	t.Parallel()
	about := []password.Attribute{{Name: "username", Value: "salmabennani"}, {Name: "first_name", Value: "Ｓａｌｍａ－Ｂｅｎｎａｎｉ"}}
	for plain, want := range map[string]string{
		"ｓａｌｍａｂｅｎｎａｎｉ":                     "password_too_similar",
		"salmabennani":                     "password_too_similar",
		"salma-bennani":                    "password_too_similar",
		"e\u0301e\u0301e\u0301e\u0301":     "password_too_short", // four letters
		"ﷺ":                                "password_too_short", // eighteen, of which Django counts one
		"𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝":                         "password_too_common",
		"ｑｗｅｒｔｙ１２３":                        "password_too_common",
		"①②③④⑤⑥⑦⑧⑨⓪":                       "password_entirely_numeric",
		"\U0001d7ce\U0001d7cf00\U0001d7d0": "password_entirely_numeric",
	} {
		found := false
		for _, p := range password.Check(plain, about) {
			found = found || p.Code == want
		}
		if !found {
			t.Errorf("%q: %+v, want %s", plain, password.Check(plain, about), want)
		}
	}
	for _, plain := range []string{"kV7-pazouk-42", "ｋＶ７－ｐａｚｏｕｋ", "é́è-kV7-pazouk"} {
		if problems := password.Check(plain, about); problems != nil {
			t.Errorf("%q: %+v, want none", plain, problems)
		}
	}
}
