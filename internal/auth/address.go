package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Who has an address. Anybody can type anybody's address into a
// registration: so what an account claims counts for nothing against what
// another has proved, by a link that was mailed there. See
// docs/decisions/0013-addresses.md.

// holder returns the open user to whom an address belongs, or
// [store.ErrNotFound]. It is whoever proved it. While nobody has, it is the
// one open account that claims it, where people can prove an address; where
// no mail is delivered it is the oldest of those that do.
func (a *Accounts) holder(ctx context.Context, email string) (account.User, error) {
	u, err := a.store.Prover(ctx, email, 0)
	if !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	claimants, err := a.store.Claimants(ctx, email, 2)
	switch {
	case err != nil:
		return account.User{}, err
	case len(claimants) == 0, a.o.Mail.Delivers && len(claimants) > 1:
		return account.User{}, store.ErrNotFound
	}
	return claimants[0], nil
}

// loginCandidates returns the users whose password a name may be typed with,
// in the order in which they are tried: the holder of the address, then the
// user who is called exactly so. There are two only where a username is an
// address of somebody else. It returns nobody for a name that is nobody's.
func (a *Accounts) loginCandidates(ctx context.Context, name string) ([]account.User, error) {
	named, err := a.store.UserByUsername(ctx, name)
	isNamed := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if !strings.Contains(name, "@") {
		if isNamed {
			return []account.User{named}, nil
		}
		return nil, nil
	}
	held, err := a.holder(ctx, name)
	isHeld := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	switch {
	case !isHeld && !isNamed:
		return nil, nil
	case !isHeld:
		return []account.User{named}, nil
	case !isNamed || named.ID == held.ID:
		return []account.User{held}, nil
	case a.o.Mail.Delivers && held.EmailVerifiedAt.IsZero() && named.Active:
		return []account.User{named}, nil // two claims, and neither is proved
	}
	return []account.User{held, named}, nil
}

// proofTime says when a user may be noted to have proved an address: now, or
// the zero time if another open account has. It holds the address until the
// transaction ends.
func (a *Accounts) proofTime(ctx context.Context, tx *store.Store, email string, userID int64, now time.Time) (time.Time, error) {
	if err := tx.LockAddress(ctx, email); err != nil {
		return time.Time{}, err
	}
	_, err := tx.Prover(ctx, email, userID)
	if errors.Is(err, store.ErrNotFound) {
		return now, nil
	}
	return time.Time{}, err
}

// prove notes that a user reads the mailbox of their address, unless another
// open account has proved it: then it returns an error about the field
// "token". It returns [store.ErrNotFound] when the address is not theirs any
// more.
func (a *Accounts) prove(ctx context.Context, tx *store.Store, u account.User, now time.Time) error {
	at, err := a.proofTime(ctx, tx, u.Email, u.ID, now)
	if err != nil {
		return err
	}
	if at.IsZero() {
		return badChallenge("email.proved_elsewhere")
	}
	return tx.SetProof(ctx, u.ID, u.Email, at)
}

// Reopen is for an account that is open again: it takes its proof away if
// another open account proved the address meanwhile.
func (a *Accounts) Reopen(ctx context.Context, tx *store.Store, u account.User, now time.Time) error {
	if u.Email == "" || u.EmailVerifiedAt.IsZero() {
		return nil
	}
	at, err := a.proofTime(ctx, tx, u.Email, u.ID, now)
	if err != nil || !at.IsZero() {
		return err
	}
	return tx.SetProof(ctx, u.ID, u.Email, time.Time{})
}

// RefillAddresses brings keys of addresses up to date that a server of
// another release wrote, and says in the log whose proof of an address does
// not count because somebody else's was earlier.
func (a *Accounts) RefillAddresses(ctx context.Context) error {
	refilled := false
	err := a.store.Sweep(ctx, "refill keys of addresses", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		n, err := tx.RefillEmailKeys(ctx, most)
		refilled = refilled || n > 0
		return int64(n), err
	})
	if err != nil {
		return err
	}
	if !refilled && a.proofsLooked.Swap(true) {
		return nil
	}
	ids, err := a.store.DoubleProofs(ctx, 1000)
	if err == nil && len(ids) > 0 {
		a.o.Log.WarnContext(ctx, "addresses that two open accounts have proved belong to whoever was first; see yoozak user list --double-addresses",
			"accounts", len(ids), "first_user_id", slices.Min(ids))
	}
	return err
}
