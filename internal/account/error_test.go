package account_test

import (
	"slices"
	"strings"
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

// TestCodesFitIntoAHeader: in the order of the messages, and 1 KiB at most.
func TestCodesFitIntoAHeader(t *testing.T) {
	t.Parallel()
	errs := account.Fields{}
	errs.Add("username", "username.taken", nil)
	errs.Add("password", "password_too_short", nil)
	errs.Add("password", "password_too_common", nil)
	if got, want := errs.Codes(), "username=taken, password=too_short, password=too_common"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for range 200 {
		errs.Add("password", "password_too_common", nil)
	}
	if got := errs.Codes(); len(got) > 1024 || len(got) < 1000 || !strings.HasSuffix(got, "password=too_common") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
