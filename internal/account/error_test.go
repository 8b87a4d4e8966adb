package account_test

import (
	"slices"
	"testing"

	"github.com/yoozak/clients/internal/account"
)

// TestFieldsKeepTheOrderInWhichTheyWereFound: an error's first field is the
// first that the rules looked at, whatever came to it later.
func TestFieldsKeepTheOrderInWhichTheyWereFound(t *testing.T) {
	t.Parallel()
	errs := account.Fields{}
	names := []string{"username", "password", "email", "first_name", "last_name", "a", "z", "m"}
	for _, name := range names {
		errs.Add(name, "field.required", nil)
	}
	errs.Add("username", "username.taken", nil)
	if got := errs.Names(); !slices.Equal(got, names) {
		t.Errorf("names %v, want %v", got, names)
	}
	if got := errs["username"]; len(got) != 2 || got[1].Key != "username.taken" {
		t.Errorf("messages of username: %+v", got)
	}
	if got, want := errs.Err().Error(), "invalid: username, password, email, first_name, last_name, a, z, m"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}
