package django

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// origin is what is remembered of a row of Django's, to know next time which
// of its fields changed there: a digest of each text, a short one where a
// collision would only hide a new first name, and the other values as they
// are. A date counts to the millisecond, which is all that a dump has.
//
//	0 username, 8 email, 16 first name, 24 last name, 32 password (16 bytes),
//	48 date_joined, 56 last_login, 64 is_active, 65 is_staff, 66 is_superuser
type origin [67]byte

// activeAt is where is_active is.
const activeAt = 64

func originOf(u User) (o origin) {
	for i, s := range []string{u.Username, u.Email, u.FirstName, u.LastName} {
		sum := sha256.Sum256([]byte(s))
		copy(o[8*i:], sum[:8])
	}
	sum := sha256.Sum256([]byte(u.Password))
	copy(o[32:], sum[:16])
	binary.BigEndian.PutUint64(o[48:], millis(u.DateJoined))
	binary.BigEndian.PutUint64(o[56:], millis(u.LastLogin))
	o[activeAt], o[65], o[66] = bit(u.IsActive), bit(u.IsStaff), bit(u.IsSuperuser)
	return o
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// millis is a date as a number; 0 is no date.
func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMilli())
}

// changes says which fields differ from what was remembered. Where that
// cannot be read, all do.
type changes struct {
	username, email, firstName, lastName, password, joined, login, active, staff, superuser bool
}

func (o origin) since(before []byte) changes {
	differ := func(from, to int) bool {
		return len(before) != len(o) || string(before[from:to]) != string(o[from:to])
	}
	return changes{
		username: differ(0, 8), email: differ(8, 16), firstName: differ(16, 24), lastName: differ(24, 32),
		password: differ(32, 48), joined: differ(48, 56), login: differ(56, 64),
		active: differ(activeAt, 65), staff: differ(65, 66), superuser: differ(66, 67),
	}
}
