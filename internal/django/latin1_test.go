package django_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestNamesFromADatabaseInAnotherEncoding: PostgreSQL turns them into UTF-8,
// when it is asked to.
func TestNamesFromADatabaseInAnotherEncoding(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).NewEncoded(t, "LATIN1")
	execute(t, url+"&client_encoding=UTF8", `CREATE TABLE auth_user (
			id integer, username text, password text, email text, first_name text, last_name text,
			is_active boolean, is_staff boolean, is_superuser boolean, date_joined timestamptz, last_login timestamptz)`,
		`INSERT INTO auth_user VALUES (1, 'zoé', '!', 'zoe@example.ma', 'Zoé', 'Fçais', true, false, false, now(), NULL)`)
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		imported(t, st, url, django.Layout{})
		if u := user(t, st, 1); u.Username != "zoé" || u.FirstName != "Zoé" || u.LastName != "Fçais" {
			t.Errorf("%q %q %q", u.Username, u.FirstName, u.LastName)
		}
	})
}

// TestErrorsOfTheSourceShowNothingOfWhoLogsIn is about what a driver says of
// a URL and of a server that is not there.
func TestErrorsOfTheSourceShowNothingOfWhoLogsIn(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://planted:hunter22@127.0.0.1:1/y":                                             "127.0.0.1:1",
		"postgres://planted:hunter22@127.0.0.1:1/y?sslmode=verify_full":                         "sslmode",
		"postgres://planted:hunter22@127.0.0.1:1/y?sslmode=verify-full&sslrootcert=/no/such/ca": "/no/such/ca",
		"postgres://planted:hunter22@hunter22@127.0.0.1:1/y":                                    "%40",
	} {
		_, err := django.Open(t.Context(), url, django.Layout{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(fmt.Sprint(err), "hunter22") || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: got %v, want %q in it", url, err, want)
		}
	}
}
