package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// A recovery with a waiting time. Who has lost their factor and every recovery
// code gets the account back by a mailbox; so could whoever took that mailbox,
// or talked the staff into it. So it waits, and everybody who may be the owner
// is told and can stop it: whoever reads a mailbox that the account had proved
// and can still be taken back to, and whoever shows a factor that is older.
// Who has the password alone cannot: that is what a thief has. See
// docs/decisions/0032-devices-and-recovery.md.
const (
	// DefaultRecoveryWait is how long a recovery waits where nobody said.
	DefaultRecoveryWait = 24 * time.Hour

	// LongestRecoveryWait is what may be set: the link that stops it lives as long.
	LongestRecoveryWait = 30 * 24 * time.Hour

	recoveryEvery     = 7 * 24 * time.Hour   // one start in it
	correctionsPerDay = 5                    // starts, of which the staff may stop each: all are mailed
	recoveryKept      = 365 * 24 * time.Hour // what became of it is remembered
	mostReason        = 500                  // characters
)

// RecoveryRefused says why a recovery does not start. It is
// [account.ErrRecoveryRefused] to clients, who are told no more.
type RecoveryRefused struct{ Why string }

func (e *RecoveryRefused) Error() string { return e.Why }

// Unwrap is for package errors.
func (e *RecoveryRefused) Unwrap() error { return account.ErrRecoveryRefused }

// RecoveryStart is a recovery that is to begin.
type RecoveryStart struct {
	Email  string // of the mailbox that finishes it; empty: the user's, which has to be proved
	Keeps  bool   // it gives another address, and takes no factor away
	Reason string // of the staff
}

// StartRecovery begins a recovery of an account that has a factor, in the
// transaction that it is given, and tells whoever can stop it. Who does it, and
// when, is the entry's; its kind is the recovery's. The error is a
// [RecoveryRefused] when one runs or was started in the last seven days, when
// its owner stopped the last by a factor and this is not the staff with a
// reason, and when there is no mailbox.
func (a *Accounts) StartRecovery(ctx context.Context, tx *store.Store, u account.User, start RecoveryStart, e audit.Entry) error {
	if err := tx.LockUser(ctx, u.ID); err != nil {
		return err
	}
	r := account.Recovery{
		ID: token.NewID(), UserID: u.ID, Email: start.Email, Keeps: start.Keeps, ByStaff: e.Actor == account.ActorStaff,
		Reason: strings.TrimSpace(start.Reason), StartedAt: e.At, ReadyAt: e.At.Add(a.o.RecoveryWait),
	}
	if r.Email == "" && !u.EmailVerifiedAt.IsZero() {
		r.Email = u.Email
	}
	if err := a.mayRecover(ctx, tx, u, r); err != nil {
		return err
	}
	if err := tx.CreateRecovery(ctx, r); err != nil {
		return err
	}
	e.Kind = account.EventRecoveryStarted
	if err := a.audit.Record(ctx, tx, e); err != nil {
		return err
	}
	return a.TellOwners(ctx, tx, u, account.Mail{
		Kind: account.MailRecoveryStarted, IP: e.Request.IP, CreatedAt: e.At,
		Details: account.MailDetails{Email: account.MaskEmail(r.Email), Until: r.ReadyAt, Keeps: r.Keeps, IP: e.Request.IP, Device: e.Request.UserAgent},
	})
}

// StartRecoveryIfFactor is [Accounts.StartRecovery] for what is done at once
// where an account has no factor: then it begins none, reports so, and keeps the
// user's row, so that no factor comes meanwhile. A passkey of another relying
// party counts, unlike in [Service.factors]: who waits a day for nothing loses
// less than who is robbed because a command was run without a setting.
func (a *Accounts) StartRecoveryIfFactor(ctx context.Context, tx *store.Store, u account.User, start RecoveryStart, e audit.Entry) (waits bool, err error) {
	if err := tx.LockUser(ctx, u.ID); err != nil {
		return false, err
	}
	factors, err := tx.Factors(ctx, u.ID)
	if err != nil || len(factors) == 0 {
		return false, err
	}
	if !start.Keeps && strings.TrimSpace(start.Reason) == "" {
		return false, &RecoveryRefused{"the account has a second factor: a reason is needed"}
	}
	return true, a.StartRecovery(ctx, tx, u, start, e)
}

// mayRecover says why a recovery may not start.
func (a *Accounts) mayRecover(ctx context.Context, tx *store.Store, u account.User, r account.Recovery) error {
	past, err := tx.Recoveries(ctx, u.ID)
	if err != nil {
		return err
	}
	owners, err := a.provedAddresses(ctx, tx, u, r.StartedAt)
	if err != nil {
		return err
	}
	corrections := 0
	for _, p := range past {
		if p.Keeps && r.StartedAt.Sub(p.StartedAt) < 24*time.Hour {
			corrections++
		}
	}
	past = slices.DeleteFunc(past, func(p account.Recovery) bool {
		switch {
		case p.Running(r.StartedAt):
			return false
		case p.StoppedBy == account.StopUndone:
			return true
		case p.Keeps && !p.StoppedAt.IsZero() && (!r.Keeps || p.StoppedBy == account.StoppedByStaff):
			// A correction that was stopped holds up another alone, and none where the
			// staff stopped it: whoever corrects addresses must not take the way back from
			// who lost the factor.
			return true
		case p.ByStaff:
			return false
		}
		// What a link began in a mailbox that is the account's no more, a thief's
		// perhaps, holds up nobody. Nor does a link hold up the staff with a reason:
		// whoever has the account can begin one, or stop the owner's. What an owner's
		// factor stopped does.
		return !isAmong(owners, p.Email) || r.ByStaff && r.Reason != "" && p.StoppedBy != account.StoppedByFactor
	})
	switch {
	case !u.Active:
		return &RecoveryRefused{"the account is not active: enable or restore it first"}
	case r.Email == "":
		return &RecoveryRefused{"the account has no address that its owner has proved: name the one to which they can be written"}
	case len([]rune(r.Reason)) > mostReason:
		return &RecoveryRefused{fmt.Sprintf("the reason is longer than %d characters", mostReason)}
	case r.Keeps && corrections >= correctionsPerDay:
		return &RecoveryRefused{fmt.Sprintf("the address was corrected %d times in a day: the customer is mailed each time", correctionsPerDay)}
	case len(past) == 0:
		return nil
	}
	last := past[0]
	switch {
	case last.Running(r.StartedAt):
		return &RecoveryRefused{"one is running: it can be finished from " + last.ReadyAt.Format(time.DateTime) + " UTC on"}
	case r.StartedAt.Sub(last.StartedAt) < recoveryEvery:
		return &RecoveryRefused{"one was started on " + last.StartedAt.Format(time.DateTime) + " UTC: there is one in seven days"}
	case (last.StoppedBy == account.StoppedByFactor || last.StoppedBy == account.StoppedByYoungFactor) && (!r.ByStaff || r.Reason == ""):
		return &RecoveryRefused{"the last was stopped by somebody who showed a factor: the staff must give a reason for another"}
	}
	return nil
}

// TellOwners mails everybody who may be an account's owner: at the address that
// it has, and at those to which it can be taken back.
func (a *Accounts) TellOwners(ctx context.Context, tx *store.Store, u account.User, m account.Mail) error {
	addresses, err := a.provedAddresses(ctx, tx, u, m.CreatedAt)
	if err != nil {
		return err
	}
	for _, email := range addresses {
		if err := a.outbox.NotifyAt(ctx, tx, u, email, m); err != nil {
			return err
		}
	}
	return nil
}

// Running returns the recovery of a user that can still come to its end, or
// [store.ErrNotFound].
func (a *Accounts) Running(ctx context.Context, st *store.Store, userID int64, now time.Time) (account.Recovery, error) {
	past, err := st.Recoveries(ctx, userID)
	if err != nil {
		return account.Recovery{}, err
	}
	i := slices.IndexFunc(past, func(r account.Recovery) bool { return r.Running(now) })
	if i < 0 {
		return account.Recovery{}, store.ErrNotFound
	}
	return past[i], nil
}

// StopRecovery ends the recovery of a user that runs, in the transaction that
// it is given. It returns [store.ErrNotFound] when none does.
func (a *Accounts) StopRecovery(ctx context.Context, tx *store.Store, u account.User, by account.RecoveryStop, e audit.Entry) error {
	r, err := a.Running(ctx, tx, u.ID, e.At)
	if err != nil {
		return err
	}
	if err := a.endRecovery(ctx, tx, r, by, e); err != nil {
		return err
	}
	return a.TellOwners(ctx, tx, u, account.Mail{Kind: account.MailRecoveryStopped, IP: e.Request.IP, CreatedAt: e.At, Details: account.MailDetails{Keeps: r.Keeps}})
}

func (a *Accounts) endRecovery(ctx context.Context, tx *store.Store, r account.Recovery, by account.RecoveryStop, e audit.Entry) error {
	if err := tx.StopRecovery(ctx, r.ID, by, e.At); err != nil {
		return err
	}
	// Links that were mailed are worthless without it.
	if err := tx.CancelMails(ctx, r.UserID, account.MailRecoveryReady); err != nil {
		return err
	}
	e.Kind = account.EventRecoveryStopped
	return a.audit.Record(ctx, tx, e)
}

// correction returns the recovery of a user that runs, if it only gives another
// address, or [store.ErrNotFound].
func (a *Accounts) correction(ctx context.Context, st *store.Store, userID int64, now time.Time) (account.Recovery, error) {
	r, err := a.Running(ctx, st, userID, now)
	if err == nil && !r.Keeps {
		err = store.ErrNotFound
	}
	return r, err
}

// StopCorrection is [Accounts.StopRecovery] for a recovery that only gives
// another address.
func (a *Accounts) StopCorrection(ctx context.Context, tx *store.Store, u account.User, e audit.Entry) error {
	if _, err := a.correction(ctx, tx, u.ID, e.At); err != nil {
		return err
	}
	return a.StopRecovery(ctx, tx, u, stoppedBy(e), stopOf(e))
}

// endCorrection is StopCorrection for whatever gives the account an address: what
// was corrected before is out of date, and its reader, a stranger perhaps, must
// not get the account later. That act itself tells the owner what is so now.
func (a *Accounts) endCorrection(ctx context.Context, tx *store.Store, u account.User, e audit.Entry) error {
	r, err := a.correction(ctx, tx, u.ID, e.At)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.endRecovery(ctx, tx, r, stoppedBy(e), stopOf(e))
}

// stoppedBy says what a recovery is stopped by that an act ends.
func stoppedBy(e audit.Entry) account.RecoveryStop {
	if e.Actor == account.ActorStaff {
		return account.StoppedByStaff
	}
	return account.StoppedByLink
}

// stopOf is an act as the event of a recovery that it ends.
func stopOf(e audit.Entry) audit.Entry {
	e.Details = account.EventDetails{Agent: e.Details.Agent, Staff: e.Details.Staff}
	e.Includes = nil
	return e
}

// Recovery returns the recovery of the caller's account that runs, or
// [account.ErrNotFound].
func (s *Service) Recovery(ctx context.Context, caller *Caller) (account.Recovery, error) {
	r, err := s.accounts.Running(ctx, s.store, caller.User.ID, s.now())
	if errors.Is(err, store.ErrNotFound) {
		return r, account.ErrNotFound
	}
	return r, err
}

// StopRecovery ends the recovery of the caller's account. Their last proof, in
// this session, must be one of [mayStop]: a password is what a thief has, too, and
// a younger factor is perhaps what a thief has added. It returns
// [account.ErrNotFound] when no recovery runs.
func (s *Service) StopRecovery(ctx context.Context, caller *Caller) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	r, err := s.Recovery(ctx, caller)
	if err != nil {
		return err
	}
	proof, err := s.requireProof(ctx, caller, Field{}, account.Input{})
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.stillProved(ctx, tx, proof); err != nil {
			return err
		}
		factors, err := s.factors(ctx, tx, proof.ID)
		if err != nil {
			return err
		}
		codes, err := tx.RecoveryCodes(ctx, proof.ID)
		if err != nil {
			return err
		}
		by, err := tx.ProvedBy(ctx, caller.SessionID)
		if err != nil {
			return err
		}
		may, methods := mayStop(r, factors, codes)
		if !slices.Contains(may, by) {
			required := *account.ErrConfirmRequired
			required.Methods = methods
			return &required
		}
		how := account.StoppedByFactor
		if factors[0].ConfirmedAt.After(r.StartedAt.Add(-settledAfter)) { // the oldest, and so each
			how = account.StoppedByYoungFactor
		}
		return s.accounts.StopRecovery(ctx, tx, proof.User, how, entryBy(account.EventRecoveryStopped, caller, now))
	})
	if errors.Is(err, store.ErrNotFound) { // over since we looked
		err = account.ErrNotFound
	}
	s.outbox.Wake()
	return err
}

// mayStop returns the ids of the factors, of which the oldest comes first, whose
// holder can stop a recovery, with [account.AMRRecovery] where the recovery codes
// are as old, and how a client shows them: those that are settled; where the
// recovery only gives another address, all that were there when it began: it takes
// none away, and perhaps nobody has an address to be told at; and where the
// recovery was begun by a link in a mail alone, the oldest however young it is, or
// whoever has the mailbox would be rid of it. What the staff begin, who have seen
// a person, a young one does not stop.
func mayStop(r account.Recovery, factors []account.Factor, codes []store.RecoveryCode) (ids, methods []string) {
	settled := r.StartedAt.Add(-settledAfter)
	latest := settled
	switch {
	case r.Keeps:
		latest = r.StartedAt
	case len(factors) > 0 && !r.ByStaff && factors[0].ConfirmedAt.After(settled) && factors[0].ConfirmedAt.Before(r.StartedAt):
		latest = factors[0].ConfirmedAt
	}
	methods = []string{}
	for _, kind := range []account.FactorKind{account.Passkey, account.TOTP} {
		for _, f := range factors {
			if f.Kind == kind && !f.ConfirmedAt.After(latest) {
				ids = append(ids, f.ID)
				methods = appendOnce(methods, string(kind))
			}
		}
	}
	for _, c := range codes {
		if len(ids) > 0 && !c.CreatedAt.After(latest) {
			ids = append(ids, account.AMRRecovery)
			if c.UsedAt.IsZero() {
				methods = appendOnce(methods, account.MethodRecovery)
			}
		}
	}
	return ids, methods
}

func appendOnce(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// StopRecoveryByLink ends the recovery that a mail told of, by the link in it.
func (s *Service) StopRecoveryByLink(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.StopRecovery, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		r, err := s.accounts.Running(ctx, tx, u.ID, now)
		if err != nil {
			return asBadChallenge(err)
		}
		if c.CreatedAt.Before(r.StartedAt) { // of one before, from an address that may not be the owner's any more
			return badChallenge("challenge_invalid")
		}
		stopped := audit.ByUser(account.EventRecoveryStopped, u.ID, "", req, now)
		return asBadChallenge(s.accounts.StopRecovery(ctx, tx, u, account.StoppedByLink, stopped))
	})
}

// FinishRecovery ends a recovery whose waiting time is over, by the link that
// was mailed then. The account is given to whoever reads that mailbox as
// [Accounts.Recover] does, without the factors, recovery codes and trusted
// devices that it had; one that only gives another address keeps them.
func (s *Service) FinishRecovery(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.FinishRecovery, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		r, err := s.accounts.Running(ctx, tx, u.ID, now)
		if err != nil {
			return asBadChallenge(err)
		}
		if account.EmailKey(r.Email) != account.EmailKey(c.Email) {
			return badChallenge("challenge_invalid")
		}
		if err := tx.FinishRecovery(ctx, r.ID, now); err != nil {
			return asBadChallenge(err)
		}
		// While the address before still has its way back: it is told.
		if err := s.accounts.TellOwners(ctx, tx, u, account.Mail{Kind: account.MailRecoveryDone, IP: req.IP, CreatedAt: now, Details: account.MailDetails{Keeps: r.Keeps}}); err != nil {
			return err
		}
		finished := audit.ByUser(account.EventRecoveryFinished, u.ID, "", req, now)
		if r.Keeps {
			return s.accounts.finishAddress(ctx, tx, u, r, finished)
		}
		return s.accounts.finishRecovery(ctx, tx, u, r, finished)
	})
}

// OnlyGivesAddress reports whether what a link finishes gives the account
// another address and changes nothing else.
func (s *Service) OnlyGivesAddress(ctx context.Context, raw string) (bool, error) {
	_, u, err := s.challenge(ctx, s.store, account.FinishRecovery, raw)
	if err != nil {
		return false, err
	}
	r, err := s.accounts.Running(ctx, s.store, u.ID, s.now())
	return r.Keeps, asBadChallenge(err)
}

// finishAddress gives a user the address of a recovery, which was proved by
// the use of its link.
func (a *Accounts) finishAddress(ctx context.Context, tx *store.Store, u account.User, r account.Recovery, e audit.Entry) error {
	provedAt, err := a.proofTime(ctx, tx, r.Email, u.ID, e.At)
	if err != nil {
		return err
	}
	if provedAt.IsZero() {
		return badChallenge("email.proved_elsewhere")
	}
	return a.SetEmail(ctx, tx, u, r.Email, provedAt, e)
}

// finishRecovery gives the account to whoever reads the mailbox of a recovery.
// The staff vouch for theirs, and no way back is left. For that of a link nobody
// does: a thief moves the account to one of theirs first. So the way back that
// went elsewhere stays.
func (a *Accounts) finishRecovery(ctx context.Context, tx *store.Store, u account.User, r account.Recovery, e audit.Entry) error {
	links := []account.ChallengeKind{account.UndoFactor}
	if r.ByStaff {
		links = append(links, account.UndoEmail)
	}
	if err := a.InvalidateLinks(ctx, tx, u.ID, e.At, links...); err != nil {
		return err
	}
	if err := a.invalidateWayBack(ctx, tx, u.ID, r.Email, e.At); err != nil {
		return err
	}
	if err := a.Recover(ctx, tx, u, r.Email, e); err != nil {
		return err
	}
	if err := tx.DeleteFactors(ctx, u.ID); err != nil {
		return err
	}
	return a.suspendWithoutFactor(ctx, tx, e)
}

// TellRecoveries owes the mails that finish recoveries whose waiting time is
// over at the time now. Of several servers one owes each. Of an account that is
// disabled or closed none is owed before it is open again.
func (s *Service) TellRecoveries(ctx context.Context, now time.Time) error {
	ready, err := s.store.ReadyRecoveries(ctx, now.Add(-account.RecoveryOpen), now, 100)
	if err != nil {
		return err
	}
	for _, r := range ready {
		err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			if err := tx.HoldUser(ctx, r.UserID); err != nil {
				return err
			}
			u, err := tx.UserByID(ctx, r.UserID)
			if err != nil {
				return err
			}
			if err := tx.TellRecovery(ctx, r.ID, now); err != nil {
				return err
			}
			m := mailTo(u, account.MailRecoveryReady, "", now)
			m.Email = r.Email
			m.Details.Until, m.Details.Keeps = r.ReadyAt.Add(account.RecoveryOpen), r.Keeps
			return tx.AddMail(ctx, m)
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // another server's, stopped, disabled or erased
			return err
		}
	}
	s.outbox.Wake()
	return nil
}
