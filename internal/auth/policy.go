package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/password"
)

// asUnavailable turns a queue that is too long into an answer for the client.
func asUnavailable(err error) error {
	if errors.Is(err, password.ErrBusy) {
		return errors.Join(account.ErrUnavailable, err)
	}
	return err
}

// PasswordMin is how many characters a new password has at least.
func (s *Service) PasswordMin() int { return max(s.o.PasswordMin, password.MinLength) }

// checkPolicy applies the password rules, with what the person is known by.
// It comes before any transaction: it may ask another server.
func (a *Accounts) checkPolicy(ctx context.Context, field, plain, username, email, firstName, lastName string) error {
	errs := account.Fields{}
	for _, p := range (password.Policy{Min: a.o.PasswordMin, House: a.o.HouseWords}).Check(plain, []password.Attribute{
		{Name: "username", Value: username},
		{Name: "first_name", Value: firstName},
		{Name: "last_name", Value: lastName},
		{Name: "email", Value: email},
	}) {
		errs.Add(field, p.Code, account.Args{"attribute": account.Term("attribute." + p.Attribute), "n": p.Min})
	}
	// Only of a password that Django would take: its answers stay as they are.
	if len(errs) == 0 && (a.o.Breached.Listed(plain) || a.o.Breached.Leaked(ctx, plain)) {
		errs.Add(field, "password_breached", nil)
	}
	return errs.Err()
}

// NewPassword checks a password that was chosen for a user, in the field
// "password", and returns its hash.
func (a *Accounts) NewPassword(ctx context.Context, in account.Input, u account.User) (string, error) {
	errs := account.Fields{}
	plain := passwordField.read(errs, in)
	if err := errs.Err(); err != nil {
		return "", err
	}
	return a.newPassword(ctx, "password", plain, u)
}

// newPassword judges a password that a user chose and returns its hash.
func (a *Accounts) newPassword(ctx context.Context, field, plain string, u account.User) (string, error) {
	if err := a.checkPolicy(ctx, field, plain, u.Username, u.Email, u.FirstName, u.LastName); err != nil {
		return "", err
	}
	hash, err := a.hasher.Hash(ctx, plain)
	return hash, asUnavailable(err)
}
