package auth

import (
	"context"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// mailTo is a mail to a user at their address. IP is of the request that causes
// it.
func mailTo(u account.User, kind account.MailKind, ip string, now time.Time) account.Mail {
	return account.Mail{
		Kind: kind, UserID: u.ID, Email: u.Email, Language: u.Language, IP: ip,
		Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
	}
}

// Links that are worthless after a change. The way back is none of them: see
// [Service.UndoEmail].
var (
	// Whoever had the old password may have asked for these.
	linksOfPassword = []account.ChallengeKind{account.ResetPassword, account.ConfirmEmail}
	// What was mailed to the address before opens nothing any more.
	linksOfAddress = []account.ChallengeKind{account.ResetPassword, account.VerifyEmail, account.ConfirmEmail}
)

// mailChallenges are the links of the mails that have one.
var mailChallenges = map[account.MailKind]account.ChallengeKind{
	account.MailResetPassword: account.ResetPassword,
	account.MailVerifyEmail:   account.VerifyEmail,
	account.MailConfirmEmail:  account.ConfirmEmail,
	account.MailEmailChanged:  account.UndoEmail,
}

// InvalidateLinks makes a user's links of these kinds worthless, those that
// were mailed and those whose mails are still owed. The mails come first:
// sendLink holds its row while it stores a link, so that either it finds the
// mail cancelled or the link is there to be made worthless.
func (a *Accounts) InvalidateLinks(ctx context.Context, tx *store.Store, userID int64, now time.Time, kinds ...account.ChallengeKind) error {
	for mail, kind := range mailChallenges {
		if !slices.Contains(kinds, kind) {
			continue
		}
		if err := tx.CancelMails(ctx, userID, mail); err != nil {
			return err
		}
	}
	return tx.InvalidateChallenges(ctx, userID, now, kinds...)
}

// endAccess ends the sessions of the user whom an act is about, but one, makes
// their links of some kinds worthless, and records the act.
func (a *Accounts) endAccess(ctx context.Context, tx *store.Store, e audit.Entry, keepSession string, links []account.ChallengeKind) error {
	if err := tx.RevokeSessions(ctx, e.UserID, keepSession, e.At); err != nil {
		return err
	}
	if err := a.InvalidateLinks(ctx, tx, e.UserID, e.At, links...); err != nil {
		return err
	}
	return a.audit.Record(ctx, tx, e)
}

// SetPassword gives a user a hash, in the transaction that it is given. Every
// session of theirs ends, and the links that could give somebody another.
func (a *Accounts) SetPassword(ctx context.Context, tx *store.Store, hash string, e audit.Entry) error {
	if err := tx.SetPassword(ctx, e.UserID, hash, e.At); err != nil {
		return err
	}
	return a.endAccess(ctx, tx, e, "", linksOfPassword)
}

// owesVerification says whether a new user is mailed a link.
func (a *Accounts) owesVerification(u account.User) bool { return a.o.Mail.Verify && u.Email != "" }

// MailVerification owes a user a link to prove their address.
func (a *Accounts) MailVerification(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time, t guard.Turn) error {
	return a.outbox.Add(ctx, tx, mailTo(u, account.MailVerifyEmail, ip, now), t)
}

func (a *Accounts) mailPasswordChanged(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) error {
	changed := mailTo(u, account.MailPasswordChanged, req.IP, now)
	changed.Details.IP, changed.Details.Device = req.IP, req.UserAgent
	return a.outbox.Notify(ctx, tx, u, changed)
}

// wayBack returns the addresses that hold a link, or are owed one, to which
// the user's account can be taken back.
func (a *Accounts) wayBack(ctx context.Context, tx *store.Store, userID int64, now time.Time) ([]string, error) {
	return tx.OpenAddresses(ctx, userID, account.UndoEmail, account.MailEmailChanged, now)
}

// mailEmailChanged tells the address that a user had that there is another
// now. If it was proved it gets the way back, unless an earlier address still
// has one: whoever was first can go back behind all that came later, and
// whoever came later gets nothing to go back with.
func (a *Accounts) mailEmailChanged(ctx context.Context, tx *store.Store, u account.User, next, ip string, now time.Time) error {
	if account.EmailKey(u.Email) == account.EmailKey(next) {
		return nil
	}
	open, err := a.wayBack(ctx, tx, u.ID, now)
	if err != nil {
		return err
	}
	kind := account.MailEmailChanged
	if len(open) > 0 {
		kind = account.MailEmailNotice
	}
	changed := mailTo(u, kind, ip, now)
	changed.Details.Email = account.MaskEmail(next)
	return a.outbox.Notify(ctx, tx, u, changed)
}

// unusablePassword is a hash that no password matches.
const unusablePassword = "!"

// Recover gives an account to whoever reads an address: every session ends, no
// password opens it, links to reset, verify or confirm are worthless, and a
// link to choose a password is mailed. The address is proved unless another
// open account has proved it; the one before is told.
func (a *Accounts) Recover(ctx context.Context, tx *store.Store, u account.User, email string, e audit.Entry) error {
	provedAt, err := a.proofTime(ctx, tx, email, u.ID, e.At)
	if err != nil {
		return err
	}
	if err := tx.SetEmail(ctx, u.ID, email, provedAt); err != nil {
		return err
	}
	if err := tx.SetPassword(ctx, u.ID, unusablePassword, e.At); err != nil {
		return err
	}
	if err := a.endAccess(ctx, tx, e, "", linksOfAddress); err != nil {
		return err
	}
	reset := mailTo(u, account.MailResetPassword, "", e.At)
	reset.Email, reset.Details.Verified = email, true
	if err := tx.AddMail(ctx, reset); err != nil {
		return err
	}
	if account.EmailKey(u.Email) == account.EmailKey(email) {
		return nil
	}
	restored := mailTo(u, account.MailEmailRestored, e.Request.IP, e.At)
	restored.Details.Email = account.MaskEmail(email)
	return a.outbox.Notify(ctx, tx, u, restored)
}

// SetEmail gives a user another address, with what was mailed to the one before
// made worthless, but for the way back, and that one told.
func (a *Accounts) SetEmail(ctx context.Context, tx *store.Store, u account.User, email string, provedAt time.Time, ip string, now time.Time) error {
	if err := tx.SetEmail(ctx, u.ID, email, provedAt); err != nil {
		return err
	}
	if err := a.InvalidateLinks(ctx, tx, u.ID, now, linksOfAddress...); err != nil {
		return err
	}
	return a.mailEmailChanged(ctx, tx, u, email, ip, now)
}
