package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
)

// A recovery code stands in for a factor that was lost, once. It has 120
// random bits, so that SHA-256 without a salt is enough (ASVS 6.5.2 asks for
// more below 112), in the alphabet of Crockford's base32, whose letters cannot
// be taken for one another.
const (
	recoveryCodes    = 10 // that are given at once
	recoveryBytes    = 15
	recoveryAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	recoveryLength   = recoveryBytes * 8 / 5
)

// newRecoveryCode makes a code as it is shown, in groups of four, and what is
// stored of it.
func newRecoveryCode() (text, hash string) {
	var b [recoveryBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	var letters strings.Builder
	for i := range recoveryLength {
		if i > 0 && i%4 == 0 {
			letters.WriteByte('-')
		}
		letters.WriteByte(recoveryAlphabet[fiveBits(b[:], i)])
	}
	text = letters.String()
	hash, _ = recoveryHash(text)
	return text, hash
}

// fiveBits returns the i-th group of five bits.
func fiveBits(b []byte, i int) int {
	bit := i * 5
	pair := int(b[bit/8]) << 8
	if bit/8+1 < len(b) {
		pair |= int(b[bit/8+1])
	}
	return pair >> (11 - bit%8) & 31
}

// recoveryHash returns what is stored of a code as it was typed: in either
// case, in groups or not, with letters that look like a digit. It reports
// whether it can be one.
func recoveryHash(text string) (hash string, ok bool) {
	if number, code, found := strings.Cut(text, "."); found && len(strings.TrimSpace(number)) <= 2 { // copied from the list
		text = code
	}
	var b strings.Builder
	for _, c := range text {
		switch c = unicode.ToUpper(c); {
		case unicode.IsSpace(c), unicode.Is(unicode.Pd, c), unicode.Is(unicode.Cf, c):
		case c == 'O':
			b.WriteByte('0')
		case c == 'I', c == 'L':
			b.WriteByte('1')
		case unicode.Is(unicode.Nd, c):
			b.WriteByte('0' + digitValue(c))
		case strings.ContainsRune(recoveryAlphabet, c):
			b.WriteRune(c)
		default:
			return "", false
		}
	}
	if b.Len() != recoveryLength {
		return "", false
	}
	sum := sha256.Sum256([]byte("recovery code " + b.String()))
	return hex.EncodeToString(sum[:]), true
}

// giveRecoveryCodes gives a user ten new recovery codes in place of those
// before, and returns them as they are shown, once.
func (s *Service) giveRecoveryCodes(ctx context.Context, tx *store.Store, userID int64, now time.Time) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([]string, recoveryCodes)
	for i := range codes {
		codes[i], hashes[i] = newRecoveryCode()
	}
	return codes, tx.ReplaceRecoveryCodes(ctx, userID, hashes, now)
}

// recoveryUsed records that a recovery code was used, and tells its owner how
// many are left. They are counted: nothing says so beside the codes themselves.
func (s *Service) recoveryUsed(ctx context.Context, tx *store.Store, u account.User, used audit.Entry) error {
	left, err := tx.RecoveryCodesLeft(ctx, u.ID)
	if err != nil {
		return err
	}
	used.Details.Count = left
	if err := s.audit.Record(ctx, tx, used); err != nil {
		return err
	}
	m := notice(account.MailRecoveryUsed, used.Request, used.At)
	m.Details.Count = left
	return s.outbox.Notify(ctx, tx, u, m)
}

// RenewRecoveryCodes gives the caller, who has shown a factor or one of the
// codes lately, ten other recovery codes, and mails a notice. Those before are
// worthless, also as a proof in another session. Of two requests at once one is answered with an error: nobody
// keeps codes that another request made worthless at the same moment.
func (s *Service) RenewRecoveryCodes(ctx context.Context, caller *Caller) ([]string, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return nil, err
	}
	before, err := s.store.RecoverySet(ctx, caller.User.ID)
	if err != nil {
		return nil, err
	}
	proof, err := s.requireProof(ctx, caller, Field{}, account.Input{})
	if err != nil {
		return nil, err
	}
	var codes []string
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.stillProved(ctx, tx, proof); err != nil {
			return err
		}
		factor, err := s.hasFactor(ctx, tx, proof.ID)
		if err == nil && !factor {
			return account.NonFieldError("factor_none", nil)
		}
		if err != nil {
			return err
		}
		current, err := tx.RecoverySet(ctx, proof.ID)
		if err == nil && current != before {
			return account.NonFieldError("recovery_renewed", nil)
		}
		if err != nil {
			return err
		}
		if codes, err = s.giveRecoveryCodes(ctx, tx, proof.ID, now); err != nil {
			return err
		}
		if err := tx.ForgetProofsBy(ctx, proof.ID, account.AMRRecovery, caller.SessionID, withoutFactors); err != nil {
			return err
		}
		return errors.Join(
			s.audit.Record(ctx, tx, entryBy(account.EventRecoveryRenewed, caller, now)),
			s.outbox.Notify(ctx, tx, proof.User, notice(account.MailRecoveryRenewed, caller.Request, now)),
		)
	})
	if err != nil {
		return nil, err
	}
	s.outbox.Wake()
	return codes, nil
}
