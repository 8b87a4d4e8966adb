package guard

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/mileusna/useragent"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// Where people log in. A login from a place where its account was not seen for
// [PlaceLifetime], by a device that is not known, is one that its owner should
// hear of (ASVS 6.3.5). A place is a network and a family of browsers: of the
// address 24 bits of IPv4 or 48 of IPv6 count, because mobile operators give
// their customers others within these all day; of the browser its name, because
// its version changes every month.

// PlaceLifetime is how long a place is remembered after the last login there.
const PlaceLifetime = 180 * 24 * time.Hour

// placePrecision is how old the date of a place may grow before a login writes
// it again: a write for every login would cost more than the date is worth.
const placePrecision = 24 * time.Hour

// NotePlace notes the login of a user, in its transaction, and reports whether
// it comes from a place and a device that are new. The first login that is
// noted of an account is not: there is nothing to compare it with. Where limits
// are off nothing is noted, for lack of a secret.
func (g *Guard) NotePlace(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) (isNew bool, err error) {
	known, err := g.secretIn(ctx, tx)
	if err != nil || known == nil {
		return false, err
	}
	place := known.key("place of user", strconv.FormatInt(u.ID, 10)+" "+network(req.IP)+" "+useragent.Parse(req.UserAgent).Name)
	epoch := known.key("epoch of places", "")
	since := now.Add(-PlaceLifetime)
	seen, err := tx.PlaceSeenAt(ctx, u.ID, place)
	switch {
	case err == nil && seen.After(since):
		if now.Sub(seen).Abs() < placePrecision {
			return false, nil
		}
		return false, tx.NotePlace(ctx, u.ID, place, epoch, now)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	if _, isKnown := knownDevice(known, req, u, now); !isKnown {
		if isNew, err = tx.HasPlaces(ctx, u.ID, epoch, since); err != nil {
			return false, err
		}
	}
	return isNew, tx.NotePlace(ctx, u.ID, place, epoch, now)
}

// network is the part of an address that one customer keeps.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}

// secretIn is the secret for what runs in a transaction, which must not begin
// another: nil where limits are off, or where none was made yet.
func (g *Guard) secretIn(ctx context.Context, tx *store.Store) (*Secret, error) {
	if g.off {
		return nil, nil //nolint:nilnil // there is nothing to hide
	}
	if known := g.devices.known.Load(); known != nil {
		return known, nil
	}
	raw, err := tx.Secret(ctx, g.devices.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, err
	}
	if g.o.Box != nil && !secret.Sealed(secret.NewBytes(raw)) {
		return nil, inClear(g.devices)
	}
	return g.open(g.devices, raw)
}

// sweepPlaces forgets places that count for nothing any more.
func (g *Guard) sweepPlaces(ctx context.Context, now time.Time) error {
	return g.store.Sweep(ctx, "forget places of logins", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return tx.DeletePlaces(ctx, now.Add(-PlaceLifetime), most)
	})
}
