package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// What the staff do to an account, in the transaction that they are given. Who
// of them may is the business of package staff.

// Wake has mails that were owed go out now.
func (a *Accounts) Wake() { a.outbox.Wake() }

// Delivers reports whether mails reach people.
func (a *Accounts) Delivers() bool { return a.o.Mail.Delivers }

// Disable keeps a user from logging in, ends their sessions, makes their links
// worthless but for the ways back, and tells them. A change that a thief asked for
// must not wait for the day on which the account is enabled.
func (a *Accounts) Disable(ctx context.Context, tx *store.Store, u account.User, e audit.Entry) error {
	if err := a.NotLastOwner(ctx, tx, u.ID); err != nil {
		return err
	}
	if err := tx.SetActive(ctx, u.ID, false); err != nil {
		return err
	}
	if err := a.endAccess(ctx, tx, e, "", linksOfAddress); err != nil {
		return err
	}
	if err := tx.DeleteApprovalsOf(ctx, u.ID); err != nil {
		return err
	}
	return a.TellOwners(ctx, tx, u, account.Mail{Kind: account.MailAccountDisabled, CreatedAt: e.At})
}

// Close closes an account for its owner, as [Service.CloseAccount] does.
func (a *Accounts) Close(ctx context.Context, tx *store.Store, u account.User, e audit.Entry) error {
	if err := a.NotLastOwner(ctx, tx, u.ID); err != nil {
		return err
	}
	if err := tx.CloseUser(ctx, u.ID, e.At); err != nil {
		return err
	}
	if err := a.endAccess(ctx, tx, e, "", linksOfAddress); err != nil {
		return err
	}
	if err := tx.DeleteApprovalsOf(ctx, u.ID); err != nil {
		return err
	}
	return a.mailClosed(ctx, tx, u, e.Request.IP, e.At)
}

// RestorableFor is for how long a closed account can be restored.
func (a *Accounts) RestorableFor() time.Duration { return a.o.EraseAfter }

// RestorableUntil is when a closed account is erased.
func (a *Accounts) RestorableUntil(u account.User) time.Time {
	if u.ClosedAt.IsZero() {
		return time.Time{}
	}
	return u.ClosedAt.Add(a.o.EraseAfter)
}

// Erase deletes a user at once, whatever the state of the account. Their
// events stay, without them. It holds the user before their mails, as whatever
// ends access does, or each would wait for the other. It returns
// [store.ErrNotFound] where another erased them.
func (a *Accounts) Erase(ctx context.Context, tx *store.Store, u account.User, e audit.Entry) error {
	if err := tx.LockUser(ctx, u.ID); err != nil {
		return err
	}
	if err := a.NotLastOwner(ctx, tx, u.ID); err != nil {
		return err
	}
	if err := tx.CloseUser(ctx, u.ID, e.At); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return a.erase(ctx, tx, []int64{u.ID}, e)
}

// erase deletes closed accounts. Their events stay, without them.
func (a *Accounts) erase(ctx context.Context, tx *store.Store, ids []int64, e audit.Entry) error {
	erased, err := tx.EraseUsers(ctx, ids)
	if err != nil {
		return err
	}
	events, err := tx.AnonymiseEventsOf(ctx, erased)
	if err != nil {
		return err
	}
	if err := tx.ForgetDelivered(ctx, erased); err != nil {
		return err
	}
	entries := make([]audit.Entry, len(erased))
	for i, id := range erased {
		entries[i] = e
		entries[i].Kind, entries[i].UserID, entries[i].Erased = account.EventAccountErased, 0, id
		entries[i].Details.Count = events[id]
	}
	return a.audit.RecordAll(ctx, tx, entries)
}

// MailReset owes a user the link to choose another password. The IP is that of
// whoever of the staff has it sent.
func (a *Accounts) MailReset(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time, t guard.Turn) error {
	return a.outbox.Add(ctx, tx, byStaff(u, account.MailResetPassword, ip, now), t)
}

// MailProof is [Accounts.MailReset] for a link to prove the address.
func (a *Accounts) MailProof(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time, t guard.Turn) error {
	return a.outbox.Add(ctx, tx, byStaff(u, account.MailVerifyEmail, ip, now), t)
}

func byStaff(u account.User, kind account.MailKind, ip string, now time.Time) account.Mail {
	m := mailTo(u, kind, ip, now)
	m.Details.ByStaff = true
	return m
}

// Invited is a user whom the staff create: without a password, and with an
// address at which they are mailed the link to choose one. The errors are
// about fields.
type Invited struct {
	Email, FirstName, LastName, Language account.Input
	Username                             account.Input // missing: the address
}

// InvitedFields are those of an [Invited].
var InvitedFields = []Field{emailField, firstNameField, lastNameField, languageField, usernameField.optional()}

// RecoverFields are those of [Accounts.Recover]: without an address it is the
// account's.
var RecoverFields = []Field{emailField.optional()}

// languageField is how a user is written to.
var languageField = Field{Name: "language", Choices: account.Languages()}

// NewInvited checks an invitation. An address that somebody has, proved or
// not, is refused.
func (a *Accounts) NewInvited(ctx context.Context, in Invited, language string) (account.User, error) {
	errs := account.Fields{}
	email := account.NormalizeEmail(emailField.read(errs, in.Email))
	username := ""
	if in.Username.State != account.Missing {
		username = account.NormalizeUsername(usernameField.optional().read(errs, in.Username))
	}
	u := account.User{
		Email: email, FirstName: firstNameField.read(errs, in.FirstName), LastName: lastNameField.read(errs, in.LastName),
		Language: languageField.read(errs, in.Language), PasswordHash: unusablePassword, Active: true,
	}
	var err error
	if len(errs["email"]) == 0 {
		var known []account.User
		if known, err = a.store.UsersByEmail(ctx, email, 1); err != nil {
			return account.User{}, err
		}
		if len(known) > 0 {
			errs.Add("email", "email.known", account.Args{"id": known[0].ID})
		}
	}
	if len(errs["email"]) == 0 && len(errs["username"]) == 0 {
		if username == "" {
			username, err = a.usernameFor(ctx, email)
		} else {
			err = a.checkUsernameFree(ctx, errs, username, 0)
		}
		if err != nil {
			return account.User{}, err
		}
	}
	if err := errs.Err(); err != nil {
		return account.User{}, err
	}
	if u.Language == "" {
		u.Language = language
	}
	u.Username, u.JoinedAt = username, a.now()
	u.PasswordAt = u.JoinedAt
	return u, nil
}

// usernameFor is the username of who is invited without one: the address. Where
// that cannot be one (it is longer, or has characters that no username may have),
// or somebody is called so, as anybody may who comes first, it is what of it stands
// before the @ and may be in a username, with some letters behind where somebody is
// called that, too: never another address, which could be another person's.
func (a *Accounts) usernameFor(ctx context.Context, email string) (string, error) {
	errs := account.Fields{}
	name := usernameField.read(errs, account.TextInput(email))
	if err := a.checkUsernameFree(ctx, errs, name, 0); err != nil {
		return "", err
	}
	if errs.Err() == nil {
		return name, nil
	}
	const suffix = 8 // letters
	local, _, _ := strings.Cut(account.NormalizeUsername(email), "@")
	name = strings.Map(func(c rune) rune {
		errs := account.Fields{}
		if usernameCharacters(errs, "username", string(c)); errs.Err() != nil {
			return -1
		}
		return c
	}, local)
	if name == "" {
		name = "client"
	}
	name = string([]rune(name)[:min(utf8.RuneCountInString(name), usernameField.Max-suffix-1)])
	taken := account.Fields{}
	if err := a.checkUsernameFree(ctx, taken, name, 0); err != nil {
		return "", err
	}
	if taken.Err() != nil {
		name += "-" + strings.ToLower(rand.Text()[:suffix])
	}
	return name, nil
}

// MailInvitation owes a user the link to choose their first password.
func (a *Accounts) MailInvitation(ctx context.Context, tx *store.Store, u account.User, now time.Time, t guard.Turn) error {
	return a.outbox.Add(ctx, tx, byStaff(u, account.MailInvited, "", now), t)
}

// Version is what an edit is made of: whoever sends it back edits what they
// saw. Two versions are the same when nothing that staff can edit differs, nor the
// correction of the address that waits, which an edit can stop; the zero one: none
// does.
func Version(u account.User, waits account.Recovery) string {
	seen := []string{u.FirstName, u.LastName, u.Email, u.Language}
	if waits.ID != "" {
		seen = append(seen, waits.ID)
	}
	text, err := json.Marshal(seen)
	if err != nil {
		panic("auth: " + err.Error()) // texts
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// UserEditFields are those of a [UserEdit].
var UserEditFields = []Field{{Name: "version", Max: 64, Required: true}, firstNameField, lastNameField, emailField.optional(), languageField}

// UserEdit is what staff change of somebody; what is missing stays.
type UserEdit struct {
	Version                              account.Input // as [Version] had it
	FirstName, LastName, Email, Language account.Input
}

// Edited is a user as an edit makes them, and the names of the fields that
// differ.
type Edited struct {
	User   account.User
	Fields []string
}

// ReadEdit checks an edit of a user, of whom a correction of the address waits, or
// the zero one. It returns [account.ErrEditConflict] when somebody else edited them
// since the version.
func (a *Accounts) ReadEdit(u account.User, waits account.Recovery, in UserEdit) (Edited, error) {
	errs := account.Fields{}
	version := UserEditFields[0].read(errs, in.Version)
	e := Edited{User: u}
	set := func(f Field, in account.Input, to *string) {
		if in.State == account.Missing {
			return
		}
		text := f.read(errs, in)
		if f.Name == "email" {
			text = account.NormalizeEmail(text)
		}
		if text != *to {
			*to = text
			e.Fields = append(e.Fields, f.Name)
		}
	}
	set(firstNameField, in.FirstName, &e.User.FirstName)
	set(lastNameField, in.LastName, &e.User.LastName)
	set(emailField, in.Email, &e.User.Email)
	set(languageField.required(), in.Language, &e.User.Language)
	if err := errs.Err(); err != nil {
		return Edited{}, err
	}
	if version != Version(u, waits) {
		return Edited{}, account.ErrEditConflict
	}
	return e, nil
}
