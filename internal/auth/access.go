package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
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

// notice is a mail about an act, and where it was done, for
// [outbox.Outbox.Notify], which says whom it is to.
func notice(kind account.MailKind, req account.RequestInfo, now time.Time) account.Mail {
	return account.Mail{Kind: kind, IP: req.IP, Details: account.MailDetails{IP: req.IP, Device: req.UserAgent}, CreatedAt: now}
}

// Links that are worthless after a change. The way back is none of them: see
// [Service.UndoEmail].
var (
	// Whoever had the old password may have asked for these. A login that waits
	// for its second factor ends with the sessions: see [Accounts.EndSessions].
	linksOfPassword = []account.ChallengeKind{account.ResetPassword, account.ConfirmEmail}
	linksOfAddress  = account.LinksOfAddress()
)

// mailChallenges are the links of the mails that have one.
var mailChallenges = map[account.MailKind]account.ChallengeKind{
	account.MailResetPassword: account.ResetPassword,
	account.MailVerifyEmail:   account.VerifyEmail,
	account.MailConfirmEmail:  account.ConfirmEmail,
	account.MailEmailChanged:  account.UndoEmail,
	account.MailFactorAdded:   account.UndoFactor,

	// What somebody did who was logged in, and the owner perhaps did not do.
	account.MailPasswordChanged: account.NotMe,
	account.MailUsernameChanged: account.NotMe,
	account.MailNewDevice:       account.NotMe,
	account.MailNotices:         account.NotMe,

	account.MailRecoveryStarted: account.StopRecovery,
	account.MailRecoveryReady:   account.FinishRecovery,

	account.MailInvited:     account.ResetPassword,
	account.MailRoleOffered: account.AcceptRole,
}

// codesOf are the codes that are worthless with the links of a kind, and the
// mails that carry such a code alone.
var (
	codesOf = map[account.ChallengeKind][]account.CodePurpose{
		account.ResetPassword: {account.CodeReset, account.CodeLogin, account.CodeConfirm},
		account.VerifyEmail:   {account.CodeVerify},
	}
	codeMails = []account.MailKind{account.MailLoginCode, account.MailConfirmCode}
)

// InvalidateLinks makes a user's links of these kinds worthless, and the codes
// of [codesOf], those that were mailed and those whose mails are still owed.
// The mails come first: sendLink holds its row while it stores a link, so that
// either it finds the mail cancelled or the link is there to be made worthless.
func (a *Accounts) InvalidateLinks(ctx context.Context, tx *store.Store, userID int64, now time.Time, kinds ...account.ChallengeKind) error {
	for mail, kind := range mailChallenges {
		if !slices.Contains(kinds, kind) {
			continue
		}
		if err := tx.CancelMails(ctx, userID, mail); err != nil {
			return err
		}
	}
	if slices.Contains(kinds, account.ResetPassword) {
		for _, mail := range codeMails {
			if err := tx.CancelMails(ctx, userID, mail); err != nil {
				return err
			}
		}
	}
	if err := tx.InvalidateChallenges(ctx, userID, now, kinds...); err != nil {
		return err
	}
	for _, kind := range kinds {
		if err := tx.InvalidateCodes(ctx, userID, codesOf[kind]...); err != nil {
			return err
		}
	}
	return nil
}

// EndSessions ends every session of a user but the one to keep, every login
// that waits for its second factor, every trust in their devices, and a change
// of address that waits for its link: who ends the first wants the others ended,
// too, and does not know what somebody asked for in a session.
func (a *Accounts) EndSessions(ctx context.Context, tx *store.Store, userID int64, keep string, at time.Time) error {
	if err := tx.RevokeSessions(ctx, userID, keep, at); err != nil {
		return err
	}
	if err := a.InvalidateLinks(ctx, tx, userID, at, account.SecondFactor, account.ConfirmEmail); err != nil {
		return err
	}
	return tx.DeleteTrustedDevices(ctx, userID)
}

// endAccess ends the sessions of the user whom an act is about, but one, makes
// their links of some kinds worthless, and records the act.
func (a *Accounts) endAccess(ctx context.Context, tx *store.Store, e audit.Entry, keepSession string, links []account.ChallengeKind) error {
	if err := a.EndSessions(ctx, tx, e.UserID, keepSession, e.At); err != nil {
		return err
	}
	if err := a.InvalidateLinks(ctx, tx, e.UserID, e.At, links...); err != nil {
		return err
	}
	return a.audit.Record(ctx, tx, e)
}

// SetPassword gives a user a hash, in the transaction that it is given. Every
// session of theirs ends, and the links that could give somebody another. No
// password undoes a factor by itself any more: whoever set this one may have
// had another by the same way.
func (a *Accounts) SetPassword(ctx context.Context, tx *store.Store, hash string, e audit.Entry) error {
	if err := tx.SetPassword(ctx, e.UserID, hash, e.At); err != nil {
		return err
	}
	if err := tx.ForgetPasswordsBefore(ctx, e.UserID); err != nil {
		return err
	}
	return a.endAccess(ctx, tx, e, "", linksOfPassword)
}

// keepPassword keeps the password that a user had until now for the way back
// from a factor that is added within some days: see [Service.passwordBefore].
func keepPassword(ctx context.Context, tx *store.Store, u account.User, now time.Time) error {
	if !password.Usable(u.PasswordHash) {
		return nil
	}
	return tx.KeepFormerPassword(ctx, u.ID, u.PasswordHash, now, now.Add(-formerPasswordKept))
}

// forgetPasswords follows an act of whoever reads an address: nobody can say any
// more which password was the owner's, so none opens the way back from a factor.
// Where the account can be taken back to another address this one is perhaps a
// thief's, who moved the account there: then the passwords before stay.
func (a *Accounts) forgetPasswords(ctx context.Context, tx *store.Store, userID int64, email string, now time.Time) error {
	elsewhere, err := a.goesBackElsewhere(ctx, tx, userID, email, now)
	if err != nil || elsewhere {
		return err
	}
	return tx.ForgetPasswordsBefore(ctx, userID)
}

// forgetFormerPassword is forgetPasswords for who has shown more than a mailbox:
// the passwords before the factors that are there stay, so that the thief's go at
// once, in whatever order their owner opens the mails.
func (a *Accounts) forgetFormerPassword(ctx context.Context, tx *store.Store, userID int64, email string, now time.Time) error {
	elsewhere, err := a.goesBackElsewhere(ctx, tx, userID, email, now)
	if err != nil || elsewhere {
		return err
	}
	return tx.ForgetFormerPassword(ctx, userID)
}

// goesBackElsewhere reports whether the account can be taken back to another
// address than this one.
func (a *Accounts) goesBackElsewhere(ctx context.Context, tx *store.Store, userID int64, email string, now time.Time) (bool, error) {
	open, err := a.wayBack(ctx, tx, userID, now)
	return slices.ContainsFunc(open, func(other string) bool { return account.EmailKey(other) != account.EmailKey(email) }), err
}

// owesVerification says whether a new user is mailed a link.
func (a *Accounts) owesVerification(u account.User) bool { return a.o.Mail.Verify && u.Email != "" }

// MailVerification owes a user a link to prove their address, and the code of
// a request beside it; the zero request has none.
func (a *Accounts) MailVerification(ctx context.Context, tx *store.Store, u account.User, c account.MailedCode, req account.RequestInfo, now time.Time, t guard.Turn) error {
	return a.outbox.Add(ctx, tx, withCode(mailTo(u, account.MailVerifyEmail, req.IP, now), c, req), t)
}

func (a *Accounts) mailPasswordChanged(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) error {
	return a.outbox.Notify(ctx, tx, u, notice(account.MailPasswordChanged, req, now))
}

// wayBack returns the addresses that hold a link, or are owed one, to which
// the user's account can be taken back.
func (a *Accounts) wayBack(ctx context.Context, tx *store.Store, userID int64, now time.Time) ([]string, error) {
	return tx.OpenAddresses(ctx, userID, account.UndoEmail, account.MailEmailChanged, now)
}

// provedAddresses returns the user's address, if they have proved it, and
// those before from which the account can be taken back, each once.
func (a *Accounts) provedAddresses(ctx context.Context, tx *store.Store, u account.User, now time.Time) ([]string, error) {
	open, err := a.wayBack(ctx, tx, u.ID, now)
	if err != nil {
		return nil, err
	}
	if !u.EmailVerifiedAt.IsZero() && u.Email != "" {
		open = append([]string{u.Email}, open...)
	}
	var addresses []string
	told := map[string]bool{}
	for _, email := range open {
		if key := account.EmailKey(email); !told[key] {
			told[key] = true
			addresses = append(addresses, email)
		}
	}
	return addresses, nil
}

// mailEmailChanged tells the address that a user had that there is another
// now. If it was proved it gets the way back, unless an earlier address still
// has one: whoever was first can go back behind all that came later, and
// whoever came later gets nothing to go back with. The one that has a way back
// gets another: else a thief who changes the address back chooses the moment at
// which the first one ends.
func (a *Accounts) mailEmailChanged(ctx context.Context, tx *store.Store, u account.User, next string, req account.RequestInfo, now time.Time) error {
	if account.EmailKey(u.Email) == account.EmailKey(next) {
		return nil
	}
	open, err := a.wayBack(ctx, tx, u.ID, now)
	if err != nil {
		return err
	}
	kind := account.MailEmailChanged
	if slices.ContainsFunc(open, func(other string) bool { return account.EmailKey(other) != account.EmailKey(u.Email) }) {
		kind = account.MailEmailNotice
	}
	changed := notice(kind, req, now)
	changed.Details.Email = account.MaskEmail(next)
	return a.outbox.Notify(ctx, tx, u, changed)
}

// settledAfter is how old a factor is before it is taken for its owner's: for so
// long the mail about it has a link that undoes it.
const settledAfter = 7 * 24 * time.Hour

// unusablePassword is a hash that no password matches.
const unusablePassword = "!"

// Recover gives an account to whoever reads an address: every session ends, no
// password opens it, links to reset, verify or confirm are worthless, and a
// link to choose a password is mailed. The address is proved unless another
// open account has proved it; the one before is told. What ways back there are
// no more must be worthless by now: see forgetElsewhere.
func (a *Accounts) Recover(ctx context.Context, tx *store.Store, u account.User, email string, e audit.Entry) error {
	if err := a.endCorrection(ctx, tx, u, e); err != nil {
		return err
	}
	provedAt, err := a.proofTime(ctx, tx, email, u.ID, e.At)
	if err != nil {
		return err
	}
	if err := tx.SetEmail(ctx, u.ID, email, provedAt); err != nil {
		return err
	}
	if err := a.lockOut(ctx, tx, u, email, linksOfAddress, e); err != nil {
		return err
	}
	if err := a.forgetFormerPassword(ctx, tx, u.ID, email, e.At); err != nil {
		return err
	}
	if err := a.forgetElsewhere(ctx, tx, u, email, e); err != nil {
		return err
	}
	if account.EmailKey(u.Email) == account.EmailKey(email) || e.Actor == account.ActorStaff { // see TellGiven
		return nil
	}
	restored := mailTo(u, account.MailEmailRestored, e.Request.IP, e.At)
	restored.Details.Email = account.MaskEmail(email)
	return a.outbox.Notify(ctx, tx, u, restored)
}

// TellGiven tells everybody else who may be the owner that the staff give the
// account to whoever reads an address, before the ways back to theirs are
// worthless: else who has such a link learns of it when they need it.
func (a *Accounts) TellGiven(ctx context.Context, tx *store.Store, u account.User, email string, now time.Time) error {
	addresses, err := a.provedAddresses(ctx, tx, u, now)
	if err != nil {
		return err
	}
	for _, other := range addresses {
		if account.EmailKey(other) == account.EmailKey(email) {
			continue
		}
		m := account.Mail{Kind: account.MailAccountGiven, CreatedAt: now, Details: account.MailDetails{Email: account.MaskEmail(email)}}
		if err := a.outbox.NotifyAt(ctx, tx, u, other, m); err != nil {
			return err
		}
	}
	return nil
}

// forgetElsewhere leaves nothing to mailboxes that the account had since, a
// thief's perhaps: a recovery that would give it to another than this one ends
// (and any, where the staff give it at once: there is no factor left), and links
// that begin or stop one are worthless, but for what is for where the account can
// still be taken back to.
func (a *Accounts) forgetElsewhere(ctx context.Context, tx *store.Store, u account.User, email string, e audit.Entry) error {
	stay, err := a.wayBack(ctx, tx, u.ID, e.At)
	if err != nil {
		return err
	}
	stay = append(stay, email)
	r, err := a.Running(ctx, tx, u.ID, e.At)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && (e.Actor == account.ActorStaff || !isAmong(stay, r.Email)) {
		if err := a.StopRecovery(ctx, tx, u, stoppedBy(e), stopOf(e)); err != nil {
			return err
		}
	}
	for _, mail := range []account.MailKind{account.MailFactorAdded, account.MailRecoveryStarted} {
		open, err := tx.OpenAddresses(ctx, u.ID, mailChallenges[mail], mail, e.At)
		if err != nil {
			return err
		}
		for _, other := range open {
			if isAmong(stay, other) {
				continue
			}
			if err := a.invalidateMailedTo(ctx, tx, u.ID, mail, other, e.At); err != nil {
				return err
			}
		}
	}
	return nil
}

// invalidateWayBack makes the ways back worthless that went to an address, however
// it is typed: whoever reads it has the account.
func (a *Accounts) invalidateWayBack(ctx context.Context, tx *store.Store, userID int64, email string, now time.Time) error {
	open, err := a.wayBack(ctx, tx, userID, now)
	if err != nil {
		return err
	}
	for _, other := range open {
		if account.EmailKey(other) != account.EmailKey(email) {
			continue
		}
		if err := a.invalidateMailedTo(ctx, tx, userID, account.MailEmailChanged, other, now); err != nil {
			return err
		}
	}
	return nil
}

// isAmong reports whether one of the addresses is this one, however it is typed.
func isAmong(addresses []string, email string) bool {
	return slices.ContainsFunc(addresses, func(one string) bool { return account.EmailKey(one) == account.EmailKey(email) })
}

// invalidateMailedTo makes the links worthless that mails of a kind took to an
// address, also those that are owed.
func (a *Accounts) invalidateMailedTo(ctx context.Context, tx *store.Store, userID int64, mail account.MailKind, email string, now time.Time) error {
	if err := tx.CancelMailsTo(ctx, userID, mail, email); err != nil {
		return err
	}
	return tx.InvalidateMailedTo(ctx, userID, mailChallenges[mail], email, now)
}

// lockOut takes an account from whoever is in it: every session ends, no
// password opens it, links of some kinds are worthless, and a link to choose a
// password is mailed to an address. A passkey of the last days, which they may
// have added, opens nothing alone any more: it is asked for after the new
// password, for which one needs the mailbox, and is as good as before then. It
// is not taken away: whoever has only the mailbox would be rid of the owner's.
func (a *Accounts) lockOut(ctx context.Context, tx *store.Store, u account.User, email string, links []account.ChallengeKind, e audit.Entry) error {
	if err := tx.SetPassword(ctx, u.ID, unusablePassword, e.At); err != nil {
		return err
	}
	if err := keepPassword(ctx, tx, u, e.At); err != nil {
		return err
	}
	if err := a.endAccess(ctx, tx, e, "", links); err != nil {
		return err
	}
	if err := tx.HoldPasskeys(ctx, u.ID, e.At.Add(-settledAfter)); err != nil {
		return err
	}
	if err := a.suspendWithoutFactor(ctx, tx, e); err != nil {
		return err
	}
	if err := tx.DeleteApprovalsOf(ctx, u.ID); err != nil { // whoever was in it may have asked, or approved
		return err
	}
	reset := mailTo(u, account.MailResetPassword, "", e.At)
	reset.Email, reset.Details.Verified, reset.Details.Locked = email, true, true
	return tx.AddMail(ctx, reset)
}

// SetEmail gives a user another address and records the act, with what was
// mailed to the one before made worthless, but for the way back, and that one
// told: also where, if it was the user who did it. A correction that waits ends.
func (a *Accounts) SetEmail(ctx context.Context, tx *store.Store, u account.User, email string, provedAt time.Time, e audit.Entry) error {
	if err := a.endCorrection(ctx, tx, u, e); err != nil {
		return err
	}
	if err := a.audit.Record(ctx, tx, e); err != nil {
		return err
	}
	if err := tx.SetEmail(ctx, u.ID, email, provedAt); err != nil {
		return err
	}
	if err := a.InvalidateLinks(ctx, tx, u.ID, e.At, linksOfAddress...); err != nil {
		return err
	}
	return a.mailEmailChanged(ctx, tx, u, email, e.Request, e.At)
}
