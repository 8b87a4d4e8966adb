package django

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// Export writes every user as a fixture for "manage.py loaddata" and says
// how many. Groups and permissions are not in it, so that loading it leaves
// those of Django alone.
func Export(ctx context.Context, st *store.Store, to io.Writer, l Layout) (int64, error) {
	if err := errors.Join(l.check(), l.checkShared()); err != nil {
		return 0, err
	}
	if l.Model == "" {
		l.Model = "auth.user"
	}
	out := bufio.NewWriterSize(to, 1<<16)
	var written int64
	separator := "[\n"
	for after := int64(0); ; {
		users, err := st.Users(ctx, after, batchSize)
		if err != nil {
			return written, err
		}
		if len(users) == 0 {
			break
		}
		for _, u := range users {
			after = u.ID
			line, err := fixture(u, l)
			if err != nil {
				return written, err
			}
			_, _ = out.WriteString(separator) // Flush tells
			_, _ = out.Write(line)
			separator = ",\n"
			written++
		}
	}
	if written == 0 {
		_, _ = out.WriteString("[")
	}
	_, err := out.WriteString("\n]\n")
	return written, errors.Join(err, out.Flush())
}

// fixture is one object of loaddata's JSON.
func fixture(u account.User, l Layout) ([]byte, error) {
	fields := make(map[string]any, len(Fields))
	for _, f := range []struct {
		name  string
		value any
	}{
		{"username", u.Username}, {"password", password.ToDjango(u.PasswordHash)},
		{"first_name", u.FirstName}, {"last_name", u.LastName},
		{"is_active", u.Active}, {"is_staff", u.Staff}, {"is_superuser", u.Superuser},
		{"date_joined", djangoDate(u.JoinedAt, l.Zone)}, {"last_login", djangoDate(u.LastLoginAt, l.Zone)},
		{"email", u.Email}, // the last: where it shares the column of the username, mails go there
	} {
		column, wanted := l.column(f.name)
		if _, shared := fields[column]; shared && f.value == "" {
			continue // nobody has no username
		}
		if wanted {
			fields[column] = f.value
		}
	}
	line, err := json.Marshal(struct {
		Model  string         `json:"model"`
		PK     int64          `json:"pk"`
		Fields map[string]any `json:"fields"`
	}{l.Model, u.ID, fields})
	if err != nil {
		return nil, fmt.Errorf("user %d: %w", u.ID, err)
	}
	return line, nil
}

// checkShared refuses two fields in one column of which one would be lost.
// Username and email may share one, as in projects where people log in with
// their address: the address is written, because links to choose another
// password go there.
func (l Layout) checkShared() error {
	owners := map[string]string{}
	for _, field := range Fields {
		column, wanted := l.column(field)
		other, shared := owners[column]
		if !wanted || field == "id" {
			continue // which is not among a fixture's fields
		}
		if shared && (other != "username" || field != "email") {
			return fmt.Errorf("%s and %s are both to be written into the column %q: leave one out, with --column %s=", other, field, column, field)
		}
		owners[column] = field
	}
	return nil
}

// djangoDate is a date to the microsecond, or null. In a zone it is bare, as
// a project with USE_TZ=False has them.
func djangoDate(t time.Time, zone *time.Location) any {
	switch {
	case t.IsZero():
		return nil
	case zone != nil:
		return t.In(zone).Format("2006-01-02T15:04:05.000000")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}
