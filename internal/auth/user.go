package auth

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

var optionalEmail = emailField.optional()

// RegisterFields are those of a [Registration].
var RegisterFields = []Field{usernameField, passwordField, optionalEmail, firstNameField, lastNameField}

// Registration is what a person fills in. Username and Password are
// required; the others may be missing or blank, but not null.
type Registration struct {
	Username  account.Input
	Password  account.Input
	Email     account.Input
	FirstName account.Input
	LastName  account.Input
}

// NewUser checks a registration and hashes its password. Hashing comes
// before any transaction: it takes longer than all the rest.
func (a *Accounts) NewUser(ctx context.Context, req account.RequestInfo, r Registration) (account.User, error) {
	errs := account.Fields{}
	username := account.NormalizeUsername(usernameField.read(errs, r.Username))
	if err := a.checkUsernameFree(ctx, errs, username, 0); err != nil {
		return account.User{}, err
	}
	plain := passwordField.read(errs, r.Password)
	email := optionalEmail.read(errs, r.Email)
	if err := a.checkAddressFree(ctx, a.store, errs, email, 0); err != nil {
		return account.User{}, err
	}
	firstName := firstNameField.read(errs, r.FirstName)
	lastName := lastNameField.read(errs, r.LastName)
	if err := errs.Err(); err != nil {
		return account.User{}, err
	}
	if err := a.checkPolicy(ctx, "password", plain, username, email, firstName, lastName); err != nil {
		return account.User{}, err
	}
	hash, err := a.hasher.Hash(guard.AsStranger(ctx, req), plain)
	if err != nil {
		return account.User{}, asUnavailable(err)
	}
	now := a.now()
	return account.User{
		Username: username, Email: account.NormalizeEmail(email), FirstName: firstName, LastName: lastName,
		PasswordHash: hash, Active: true, Language: req.Language, JoinedAt: now, PasswordAt: now,
	}, nil
}

// Create stores a new user. Others' names and addresses are looked at once more
// after the row is there: whoever gives up a name at this moment is waited for.
func (a *Accounts) Create(ctx context.Context, tx *store.Store, u *account.User) error {
	if err := tx.CreateUser(ctx, u); err != nil {
		return usernameTaken(err)
	}
	if err := a.holdAddressFree(ctx, tx, *u); err != nil {
		return err
	}
	return a.lockUsername(ctx, tx, u.Username, u.ID, u.JoinedAt)
}
