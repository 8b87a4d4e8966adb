package django

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// verifyEmails takes Django's word for the addresses of its users. It never
// speaks for an address that was chosen here: only where the address here is
// the one that Django has now. Of several accounts with one address, one is
// verified: who was verified here, else the earliest open one of Django's.
func (r *run) verifyEmails() error {
	owners := map[string]int64{} // of addresses that several have
	for after := int64(0); ; {
		ids, err := r.tx.ImportedIDs(r.ctx, after, batchSize)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		users, origins, err := r.vouched(ids)
		if err != nil {
			return err
		}
		if err := r.findOwners(users, owners); err != nil {
			return err
		}
		var verified []int64
		for _, id := range slices.Sorted(maps.Keys(users)) {
			u := users[id]
			if !u.EmailVerifiedAt.IsZero() || !vouchedFor(u, origins[id]) {
				continue
			}
			if owner, shared := owners[account.EmailKey(u.Email)]; shared && owner != id {
				r.tell(Issue{Note: true, ID: strconv.FormatInt(id, 10), Username: u.Username, Reason: reasonShared, Owner: owner})
				continue
			}
			verified = append(verified, id)
		}
		if err := r.tx.VerifyEmails(r.ctx, verified, r.o.Now); err != nil {
			return err
		}
		r.report.Verified += int64(len(verified))
	}
}

// vouched are those users whom this source has, and what it has of them.
func (r *run) vouched(ids []int64) (map[int64]account.User, map[int64]store.Origin, error) {
	users, err := r.tx.UsersWithID(r.ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	origins, err := r.tx.Origins(r.ctx, ids)
	maps.DeleteFunc(users, func(id int64, _ account.User) bool { return !r.seen.has(id) })
	return users, origins, err
}

// vouchedFor says that a user has the address here that Django had for them
// at this import, and did not leave.
func vouchedFor(u account.User, from store.Origin) bool {
	now := originOf(User{Email: u.Email})
	return strings.Contains(u.Email, "@") && u.ClosedAt.IsZero() && len(from.Fields) == len(now) && bytes.Equal(from.Fields[8:16], now[8:16])
}

// findOwners decides for each address of these users that others have, too,
// whose it is, and adds that to owners.
func (r *run) findOwners(users map[int64]account.User, owners map[string]int64) error {
	var keys []string
	for _, u := range users {
		if key := account.EmailKey(u.Email); key != "" {
			if _, known := owners[key]; !known {
				keys = append(keys, key)
			}
		}
	}
	all, err := r.tx.UsersWithEmail(r.ctx, keys)
	if err != nil {
		return err
	}
	for key, sharing := range all {
		if len(sharing) < 2 {
			continue
		}
		if owners[key], err = r.owner(sharing); err != nil {
			return err
		}
	}
	return nil
}

// owner is the one of several with one address whose it is; zero: nobody's.
func (r *run) owner(sharing []account.User) (int64, error) {
	ids := make([]int64, len(sharing))
	for i, u := range sharing {
		ids[i] = u.ID
	}
	origins, err := r.tx.Origins(r.ctx, ids)
	if err != nil {
		return 0, err
	}
	rank := func(u account.User) int {
		switch {
		case u.Active && !u.EmailVerifiedAt.IsZero():
			return 0
		case !r.seen.has(u.ID) || !vouchedFor(u, origins[u.ID]):
			return 3
		case u.Active:
			return 1
		}
		return 2
	}
	first := slices.MinFunc(sharing, func(a, b account.User) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ID, b.ID))
	})
	return first.ID, nil
}
