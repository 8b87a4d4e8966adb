package guard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// A device on which somebody has logged in keeps a token that says so, as
// OWASP's "device cookies". It grants no access: it gives the device tries of
// its own at that one account's password, so that strangers who use up theirs
// do not lock the owner out. It is worthless once the password changes or
// the user logs out everywhere, and half a year after the last login.

// DeviceLifetime is how long a device is remembered after a login.
const DeviceLifetime = 180 * 24 * time.Hour

// device is what a device token says.
type device struct {
	id       [16]byte
	userID   int64
	issuedAt time.Time // in microseconds
	second   bool      // a second factor was shown on it
}

// The token in bytes: version, id, user, time, MAC.
const (
	deviceVersion       = 1
	secondDeviceVersion = 2 // a second factor was shown on it
	deviceClaims        = 1 + 16 + 8 + 8
	deviceBytes         = deviceClaims + sha256.Size

	// MaxDeviceToken is how long a device token is in text.
	MaxDeviceToken = (deviceBytes*8 + 5) / 6
)

// token signs a device.
func (d device) token(secret *Secret) string {
	b := make([]byte, 0, deviceBytes)
	if d.second {
		b = append(b, secondDeviceVersion)
	} else {
		b = append(b, deviceVersion)
	}
	b = append(b, d.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(d.userID)) //nolint:gosec // bits
	b = binary.BigEndian.AppendUint64(b, uint64(d.issuedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, secret.mac("device", b)...))
}

// openDevice returns the device of a token that we signed.
func openDevice(secret *Secret, raw string) (device, bool) {
	if len(raw) != MaxDeviceToken {
		return device{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(raw)
	if err != nil || len(b) != deviceBytes || b[0] != deviceVersion && b[0] != secondDeviceVersion ||
		!hmac.Equal(b[deviceClaims:], secret.mac("device", b[:deviceClaims])) {
		return device{}, false
	}
	d := device{
		userID:   int64(binary.BigEndian.Uint64(b[17:])),                       //nolint:gosec // bits
		issuedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(b[25:]))).UTC(), //nolint:gosec // bits
	}
	d.second = b[0] == secondDeviceVersion
	copy(d.id[:], b[1:])
	return d, true
}

// knownDevice returns the device that the request shows if it is the user's.
func knownDevice(secret *Secret, req account.RequestInfo, u account.User, now time.Time) (device, bool) {
	d, ok := openDevice(secret, req.DeviceToken)
	if !ok || u.ID == 0 || d.userID != u.ID || now.Sub(d.issuedAt) > DeviceLifetime ||
		d.issuedAt.Before(u.PasswordAt) || d.issuedAt.Before(u.SignedOutAt) {
		return device{}, false
	}
	return d, true
}

func newDevice(userID int64) device {
	d := device{userID: userID}
	_, _ = rand.Read(d.id[:]) // never fails: crypto/rand ends the process instead
	return d
}

// KnownUser returns the user whose known device the request shows, if any, and
// the lane in which mails wait that are asked for on it: see [Guard.MailTurn].
// What it does depends on the token alone, not on anything that is asked for.
func (g *Guard) KnownUser(ctx context.Context, req account.RequestInfo) (u account.User, lane string, known bool, err error) {
	if g.off {
		return account.User{}, "", false, nil
	}
	secret, err := g.secret(ctx)
	if err != nil {
		return account.User{}, "", false, err
	}
	d, ok := openDevice(secret, req.DeviceToken)
	if !ok {
		return account.User{}, "", false, nil
	}
	u, err = g.store.UserByID(ctx, d.userID)
	if errors.Is(err, store.ErrNotFound) {
		return account.User{}, "", false, nil
	}
	if err != nil {
		return account.User{}, "", false, err
	}
	_, known = knownDevice(secret, req, u, g.o.Now())
	return u, secret.key("mail lane", string(d.id[:])), known, nil
}

// RememberDevice returns the token for a device of which nothing is known yet,
// and on which the user has just shown that they are themselves. A nil Secret,
// where limits are off, returns none.
func (s *Secret) RememberDevice(userID int64, now time.Time) string {
	if s == nil {
		return ""
	}
	return s.remember(device{}, userID, now)
}

// remember returns the token for a device on which the user has just shown
// that they are themselves: a new one, or the same with another date.
func (s *Secret) remember(d device, userID int64, now time.Time) string {
	if d.userID != userID {
		d = newDevice(userID)
	}
	d.issuedAt = now
	return d.token(s)
}
