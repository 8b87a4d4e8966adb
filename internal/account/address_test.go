package account_test

import (
	"slices"
	"testing"

	"github.com/yoozak/clients/internal/account"
)

func TestSpellingsOfOneAddressHaveOneKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, a, b string }{
		{"case", "Amina@Example.MA", "amina@example.ma"},
		{"composition", "ame\u0301lie@example.ma", "am\u00e9lie@example.ma"},
		{"domain in Unicode and in ASCII", "amina@exämple.ma", "amina@xn--exmple-cua.ma"},
		{"ASCII form in capitals", "amina@EXÄMPLE.ma", "AMINA@XN--EXMPLE-CUA.MA"},
		{"Arabic domain", "info@متجر.example", "info@xn--pgbep1f.example"},
		{"domain in full width", "amina@ｅxample.ma", "amina@example.ma"},
	} {
		if got, want := account.EmailKey(test.a), account.EmailKey(test.b); got != want {
			t.Errorf("%s: %q has the key %q, %q has %q", test.name, test.a, got, test.b, want)
		}
	}
	for _, pair := range [][2]string{{"a@example.ma", "b@example.ma"}, {"a+b@example.ma", "a@example.ma"}, {"amina", "amina@"}} {
		if account.EmailKey(pair[0]) == account.EmailKey(pair[1]) {
			t.Errorf("%q and %q have one key", pair[0], pair[1])
		}
	}
}

// A row that a server of the previous release wrote has the key of its rule.
func TestKeysOfTheEarlierRuleAreLookedFor(t *testing.T) {
	t.Parallel()
	const stored = "amina@exämple.ma" // version 1 of "Amina@Exämple.ma"
	for _, typed := range []string{"Amina@Exämple.ma", "amina@xn--exmple-cua.ma"} {
		if keys := account.EmailKeys(typed); !slices.Contains(keys, stored) || keys[0] != account.EmailKey(typed) {
			t.Errorf("EmailKeys(%q) = %q", typed, keys)
		}
	}
	if keys := account.EmailKeys("Amina@example.ma"); len(keys) != 1 {
		t.Errorf("an ASCII address has several keys: %q", keys)
	}
}

func TestSpellingsOfOneMailboxHaveOneKey(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"amina+shop@example.ma", "amina@example.ma"},
		{"Amina+a+b@exämple.ma", "amina@xn--exmple-cua.ma"},
		{"a.mina@gmail.com", "amina+x@googlemail.com"},
		{`"amina"@example.ma`, "amina@example.ma"},
		{`"a\mi\na+x"@Example.ma`, "amina@example.ma"},
		{`"a.mina"@gmail.com`, "amina@gmail.com"},
	} {
		if a, b := account.MailboxKey(pair[0]), account.MailboxKey(pair[1]); a != b {
			t.Errorf("%q is %q, %q is %q", pair[0], a, pair[1], b)
		}
	}
	for _, pair := range [][2]string{{"a.mina@example.ma", "amina@example.ma"}, {"+a@example.ma", "+b@example.ma"}} {
		if account.MailboxKey(pair[0]) == account.MailboxKey(pair[1]) {
			t.Errorf("%q and %q are one mailbox", pair[0], pair[1])
		}
	}
}
