package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// maxFactorName is how many bytes of a factor's name are kept, cut by letters.
const maxFactorName = 64

// factorName is what people call a factor, or nothing. It is shown in lists and
// on terminals.
var factorName = Field{Name: "name", Max: 255, check: func(f Field, errs account.Fields, in account.Input) string {
	text := strings.TrimSpace(f.text(errs, in))
	if account.HasControls(text) && len(errs[f.Name]) == 0 {
		errs.Add(f.Name, "factor_name", nil)
	}
	return cutName(text)
}}

// cutName shortens a name to what is kept, with no half of a letter at its end.
func cutName(text string) string {
	end := 0
	for i, c := range text {
		next := i + utf8.RuneLen(c)
		if next > maxFactorName {
			if unicode.Is(unicode.M, c) { // it belongs to the letter before
				return strings.TrimSpace(text[:end])
			}
			return strings.TrimSpace(text[:i])
		}
		if !unicode.Is(unicode.M, c) {
			end = i
		}
	}
	return text
}

// isFactorID keeps from the database what cannot be an id.
func isFactorID(text string) bool {
	return len(text) == 32 && !strings.ContainsFunc(text, func(c rune) bool { return !strings.ContainsRune("0123456789abcdef", c) })
}

// Factors are how a person confirms that it is them, beside the password.
type Factors struct {
	Factors           []account.Factor // that are confirmed, the oldest first, without what is secret
	RecoveryCodesLeft int
}

// Factors returns the caller's factors, and how many recovery codes are left.
func (s *Service) Factors(ctx context.Context, caller *Caller) (Factors, error) {
	factors, err := s.store.Factors(ctx, caller.User.ID)
	if err != nil {
		return Factors{}, err
	}
	left, err := s.store.RecoveryCodesLeft(ctx, caller.User.ID)
	return Factors{factors, left}, err
}

// factorAdded does what follows when somebody has confirmed a factor, in the
// transaction that holds the user's row: other sessions have to show it before
// anything that asks for a proof, this one just has; no device is trusted any
// more, not even when the factor goes again; every proved address is
// told, with a way to undo it; and a first factor comes with recovery codes,
// which are returned, and suspends a role. first says whether it is one that is
// asked for.
func (s *Service) factorAdded(ctx context.Context, tx *store.Store, caller *Caller, f account.Factor, method string, first bool, now time.Time) (codes []string, err error) {
	if err := tx.ForgetProofs(ctx, f.UserID, caller.SessionID); err != nil {
		return nil, err
	}
	if err := s.prove(ctx, tx, caller, f.ID, now, method, account.AMRMultiple); err != nil {
		return nil, err
	}
	if err := tx.DeleteTrustedDevices(ctx, f.UserID); err != nil {
		return nil, err
	}
	if err := s.accounts.InvalidateLinks(ctx, tx, f.UserID, now, account.ConfirmEmail); err != nil { // asked for without it
		return nil, err
	}
	if first {
		if codes, err = s.giveRecoveryCodes(ctx, tx, f.UserID, now); err != nil {
			return nil, err
		}
	}
	added := entryBy(account.EventFactorAdded, caller, now)
	added.Details.Factor = string(f.Kind)
	if err := s.audit.Record(ctx, tx, added); err != nil {
		return nil, err
	}
	u, err := tx.UserByID(ctx, f.UserID)
	if err != nil {
		return nil, err
	}
	if first {
		if err := s.accounts.suspendRole(ctx, tx, added); err != nil {
			return nil, err
		}
	}
	m := notice(account.MailFactorAdded, caller.Request, now)
	m.Details.Factor, m.Details.FactorKind = f.ID, f.Kind
	if err := s.accounts.TellOwners(ctx, tx, u, m); err != nil {
		return nil, err
	}
	return codes, nil
}

// passwordBefore is the hash that opens the way back from a factor that is
// added now, if there is one. Whoever has the password can change it first: so a
// change of a few days ago does not count, and it is the password before that.
func (s *Service) passwordBefore(ctx context.Context, tx *store.Store, u account.User, now time.Time) (string, error) {
	if !password.Usable(u.PasswordHash) {
		return "", nil
	}
	former, err := tx.FormerPassword(ctx, u.ID, now.Add(-formerPasswordKept))
	if errors.Is(err, store.ErrNotFound) {
		return u.PasswordHash, nil
	}
	return former, err
}

// formerPasswordKept is how long a password that its user replaced opens the
// way back from a factor that is added since. The mail about the change, with
// which its owner can end it, has a link for as long.
const formerPasswordKept = 7 * 24 * time.Hour

// RenameFactorFields are those of [Service.RenameFactor].
var RenameFactorFields = []Field{factorName}

// RenameFactor gives one of the caller's factors a name and returns it. It
// returns [account.ErrNotFound] when there is no such factor, or it is another
// user's.
func (s *Service) RenameFactor(ctx context.Context, caller *Caller, id string, name account.Input) (account.Factor, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return account.Factor{}, err
	}
	f := factorName
	errs := account.Fields{}
	if name.State == account.Missing {
		errs.Add(f.Name, "field.required", nil)
	}
	text := f.read(errs, name)
	if err := errs.Err(); err != nil {
		return account.Factor{}, err
	}
	if !isFactorID(id) {
		return account.Factor{}, account.ErrNotFound
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.RenameFactor(ctx, caller.User.ID, id, text)
	})
	if err != nil {
		return account.Factor{}, asNotFound(err)
	}
	factor, err := s.store.Factor(ctx, caller.User.ID, id)
	return factor, asNotFound(err)
}

// asNotFound says of what is not there what a client may know.
func asNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrNotFound
	}
	return err
}

// RemoveFactor takes one of the caller's factors away, who has shown a factor
// or a recovery code lately, and mails a notice. With the last one the recovery
// codes go. What was shown by it is not said of any session any more (ASVS
// 7.2.4), and is no proof in another one. It returns [account.ErrNotFound] as
// RenameFactor does, and [account.ErrLastOwner] for the last factor of the only owner, whose
// role would go with it.
func (s *Service) RemoveFactor(ctx context.Context, caller *Caller, id string) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	if !isFactorID(id) {
		return account.ErrNotFound
	}
	f, err := s.store.Factor(ctx, caller.User.ID, id)
	if err == nil && f.ConfirmedAt.IsZero() {
		err = store.ErrNotFound
	}
	if err != nil {
		return asNotFound(err)
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
		if err := tx.DeleteFactor(ctx, proof.ID, id); err != nil {
			return asNotFound(err)
		}
		if err := s.accounts.keepOwner(ctx, tx, proof.ID); err != nil {
			return err
		}
		// Whoever has shown it elsewhere, a thief who had added it, adds no other now.
		if err := tx.ForgetProofsBy(ctx, proof.ID, id, caller.SessionID, withoutFactors); err != nil {
			return err
		}
		if err := s.forgetShown(ctx, tx, proof.ID); err != nil {
			return err
		}
		removed := entryBy(account.EventFactorRemoved, caller, now)
		if err := s.tellRemoved(ctx, tx, proof.User, f.Kind, removed); err != nil {
			return err
		}
		return s.accounts.suspendWithoutFactor(ctx, tx, removed)
	})
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

func (s *Service) tellRemoved(ctx context.Context, tx *store.Store, u account.User, kind account.FactorKind, removed audit.Entry) error {
	removed.Details.Factor = string(kind)
	if err := s.audit.Record(ctx, tx, removed); err != nil {
		return err
	}
	m := notice(account.MailFactorRemoved, removed.Request, removed.At)
	m.Details.FactorKind = kind
	return s.outbox.Notify(ctx, tx, u, m)
}

// forgetShown follows the removal of a factor: no device is trusted any more;
// recovery codes stand in for factors, and go with the last one; and what the
// factors that are left cannot have shown is not said of the sessions. A passkey
// of another relying party is one of them: it may have been shown before the
// shop moved, and works again if that moves back.
func (s *Service) forgetShown(ctx context.Context, tx *store.Store, userID int64) error {
	factors, err := tx.Factors(ctx, userID)
	if err != nil {
		return err
	}
	if err := tx.DeleteTrustedDevices(ctx, userID); err != nil {
		return err
	}
	if len(factors) == 0 {
		if err := tx.DeleteRecoveryCodes(ctx, userID); err != nil {
			return err
		}
	}
	all, err := tx.SessionAMRs(ctx, userID)
	if err != nil {
		return err
	}
	for _, amr := range all {
		left := shownBy(amr, factors)
		if left == amr {
			continue
		}
		if err := tx.ReplaceAMR(ctx, userID, amr, left); err != nil {
			return err
		}
	}
	return nil
}

// withoutFactors is what is left of the methods that a session has shown when
// none of its second factors counts.
func withoutFactors(amr string) string { return shownBy(amr, nil) }

// shownBy is what is left of the methods that a session has shown when only
// these factors are.
func shownBy(amr string, factors []account.Factor) string {
	has := func(kind account.FactorKind) bool {
		return slices.ContainsFunc(factors, func(f account.Factor) bool { return f.Kind == kind })
	}
	methods := slices.DeleteFunc(strings.Fields(amr), func(m string) bool {
		return m == account.AMROTP && !has(account.TOTP) || m == account.AMRKey && !has(account.Passkey) || m == account.AMRRecovery && len(factors) == 0
	})
	second := slices.ContainsFunc(methods, func(m string) bool {
		return m == account.AMROTP || m == account.AMRKey || m == account.AMRRecovery
	})
	if !second {
		methods = slices.DeleteFunc(methods, func(m string) bool { return m == account.AMRMultiple })
	}
	return strings.Join(methods, " ")
}
