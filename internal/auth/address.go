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

// claimKept is how long the claim of a new account keeps others from an
// address, where people can prove one: as long as the link works that was
// mailed there. Its reader has had the time to use it, or to say that the
// account is not theirs; a stranger's typing must not keep them out for good.
// And what a stranger made must be theirs by a reset: see [store.Store.Keeper].
var claimKept = challengeLifetimes[account.VerifyEmail]

// checkAddressFree is for who comes with an address that they typed, where one
// address is for one account: it refuses what another open account proved, or
// claims. A user of zero is a new one.
func (a *Accounts) checkAddressFree(ctx context.Context, st *store.Store, errs account.Fields, email string, userID int64) error {
	if !a.o.OnePerAddress || email == "" || len(errs["email"]) > 0 {
		return nil
	}
	if _, err := a.keeper(ctx, st, email, userID); !errors.Is(err, store.ErrNotFound) {
		if err == nil {
			errs.Add("email", "email.taken", nil)
		}
		return err
	}
	return nil
}

// keeper is the open user who keeps another from an address, or
// [store.ErrNotFound].
func (a *Accounts) keeper(ctx context.Context, st *store.Store, email string, userID int64) (account.User, error) {
	if a.o.Mail.Delivers {
		return st.Keeper(ctx, email, userID, a.now().Add(-claimKept))
	}
	claimants, err := st.Claimants(ctx, email, 2)
	for _, u := range claimants {
		if u.ID != userID {
			return u, nil
		}
	}
	if err == nil {
		err = store.ErrNotFound
	}
	return account.User{}, err
}

// holdAddressFree is for the transaction that makes an account: it holds the
// address until that ends, and looks once more whether it is free. A username
// that is an address is held with it, and all in one order: of two accounts,
// each with the other's, neither waits for the other.
func (a *Accounts) holdAddressFree(ctx context.Context, tx *store.Store, u account.User) error {
	if !a.o.OnePerAddress || u.Email == "" {
		return nil
	}
	addresses := []string{account.EmailKey(u.Email)}
	if strings.Contains(u.Username, "@") {
		addresses = append(addresses, account.EmailKey(u.Username))
	}
	slices.Sort(addresses)
	for _, address := range addresses {
		if err := tx.LockAddress(ctx, address); err != nil {
			return err
		}
	}
	errs := account.Fields{}
	if err := a.checkAddressFree(ctx, tx, errs, u.Email, u.ID); err != nil {
		return err
	}
	return errs.Err()
}

// AddressFree is asked before the staff give a user another address, where one
// address is for one account: it returns an error about the field "email", which
// names the other. An address that they vouch for is as good as proved: only
// a proof keeps it from its reader.
func (a *Accounts) AddressFree(ctx context.Context, st *store.Store, u account.User, email string, vouched bool) error {
	if !a.o.OnePerAddress || email == "" || account.EmailKey(email) == account.EmailKey(u.Email) {
		return nil
	}
	var other account.User
	var err error
	if vouched {
		other, err = st.Prover(ctx, email, u.ID)
	} else {
		other, err = a.keeper(ctx, st, email, u.ID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = account.FieldError("email", "email.known", account.Args{"id": other.ID})
	}
	return err
}

// HoldAddressFree is AddressFree for the transaction that gives it, which it
// holds the address for. It comes before the user is held, as everywhere.
func (a *Accounts) HoldAddressFree(ctx context.Context, tx *store.Store, u account.User, email string, vouched bool) error {
	if !a.o.OnePerAddress || email == "" || account.EmailKey(email) == account.EmailKey(u.Email) {
		return nil
	}
	if err := tx.LockAddress(ctx, email); err != nil {
		return err
	}
	return a.AddressFree(ctx, tx, u, email, vouched)
}

// loginCandidates returns the users whose password a name may be typed with,
// in the order in which they are tried: the holder of the address, then the
// user who is called exactly so. If nobody is, it is the one who is called by the
// address in the form in which addresses are compared: our page makes such
// usernames, and a stranger's claim must not keep out who writes it otherwise.
// There are two only where a username is an address of somebody else. It returns
// nobody for a name that is nobody's.
func (a *Accounts) loginCandidates(ctx context.Context, name string) ([]account.User, error) {
	named, err := a.store.UserByUsername(ctx, name)
	exact := err == nil
	if key := account.EmailKey(name); errors.Is(err, store.ErrNotFound) && strings.Contains(name, "@") && key != name {
		named, err = a.store.UserByUsername(ctx, key)
	}
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
	case exact && a.o.Mail.Delivers && held.EmailVerifiedAt.IsZero() && named.Active:
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
