package auth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
)

// TestFieldsAreThoseThatARegistrationChecks: what a document says of a field
// is what the flow does with it.
func TestFieldsAreThoseThatARegistrationChecks(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		register := func(field string, in account.Input) map[string][]string {
			r := authtest.Registration("amina")
			*map[string]*account.Input{
				"username": &r.Username, "password": &r.Password, "email": &r.Email, "first_name": &r.FirstName, "last_name": &r.LastName,
			}[field] = in
			_, err := s.Register(t.Context(), authtest.Req, r)
			return authtest.FieldKeys(err)
		}
		for _, f := range auth.RegisterFields {
			if f.Required {
				if diff := cmp.Diff(map[string][]string{f.Name: {"field.required"}}, register(f.Name, account.Input{})); diff != "" {
					t.Errorf("without %s (-want +got):\n%s", f.Name, diff)
				}
			}
			long := strings.Repeat("a", f.Max+1)
			if f.Format == "email" {
				long = strings.Repeat("a", f.Max+1-len("@x.ma")) + "@x.ma"
			}
			want := "field.max_length"
			if f.Format == "password" {
				want = "password_too_long"
			}
			if got := register(f.Name, account.TextInput(long)); !slices.Contains(got[f.Name], want) {
				t.Errorf("%s of %d characters: %v, want %s", f.Name, f.Max+1, got, want)
			}
		}
	})
}
