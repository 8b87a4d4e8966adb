package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

const (
	usernameKept  = account.UsernameKept
	mostUsernames = 2 // that were given up, of one account; as the text says
)

// usernameTaken makes the loser of a race for a name look as if it had come
// a little later.
func usernameTaken(err error) error {
	if !errors.Is(err, store.ErrTaken) {
		return err
	}
	return account.FieldError("username", "username.taken", nil)
}

// checkNotProvedAddress refuses a username that is an address which somebody
// else has proved: whoever types it means its owner.
func (a *Accounts) checkNotProvedAddress(ctx context.Context, st *store.Store, errs account.Fields, username string, userID int64) error {
	if !strings.Contains(username, "@") || len(errs["username"]) > 0 {
		return nil
	}
	_, err := st.Prover(ctx, username, userID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		errs.Add("username", "username.taken", nil)
	}
	return err
}

// checkUsernameFree is asked before the slow part; createUser and the unique
// index decide. A user of zero is a new one.
func (a *Accounts) checkUsernameFree(ctx context.Context, errs account.Fields, username string, userID int64) error {
	if len(errs["username"]) > 0 {
		return nil
	}
	taken, err := a.store.UsernameTaken(ctx, username, userID, a.now().Add(-usernameKept))
	if err != nil {
		return err
	}
	if taken {
		errs.Add("username", "username.taken", nil)
	}
	return a.checkNotProvedAddress(ctx, a.store, errs, username, userID)
}

// checkNotTooOften keeps one account from holding many names: it may have so
// many, and may go back to the first of them. So whoever knows the password
// cannot change the name until its owner must leave it to others.
func (a *Accounts) checkNotTooOften(ctx context.Context, st *store.Store, errs account.Fields, userID int64, username string, most int) error {
	changes, err := st.UsernameChanges(ctx, userID, a.now().Add(-usernameKept))
	if err == nil && len(changes) > most && changes[len(changes)-1].Username != username {
		errs.Add("username", "username.changed_too_often", nil)
	}
	return err
}

// checkUsernameChange says whether a user may have another name.
func (a *Accounts) checkUsernameChange(ctx context.Context, errs account.Fields, username string, u account.User) error {
	if err := a.checkUsernameFree(ctx, errs, username, u.ID); err != nil || len(errs["username"]) > 0 {
		return err
	}
	return a.checkNotTooOften(ctx, a.store, errs, u.ID, username, mostUsernames-1)
}

// lockUsername is for the transaction that gives somebody a name: it holds
// the name if it is an address, and looks once more whether it is free.
func (a *Accounts) lockUsername(ctx context.Context, tx *store.Store, username string, userID int64, now time.Time) error {
	errs := account.Fields{}
	if strings.Contains(username, "@") {
		if err := tx.LockAddress(ctx, username); err != nil {
			return err
		}
		if err := a.checkNotProvedAddress(ctx, tx, errs, username, userID); err != nil {
			return err
		}
	}
	taken, err := tx.UsernameTaken(ctx, username, userID, now.Add(-usernameKept))
	if err != nil {
		return err
	}
	if taken && len(errs) == 0 {
		errs.Add("username", "username.taken", nil)
	}
	return errs.Err()
}
