package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const factorColumns = `id, user_id, kind, name, session_id, created_at, expires_at, confirmed_at, last_used_at,
	password_before, secret, last_step`

func scanFactor(scan func(...any) error) (account.Factor, error) {
	var f account.Factor
	err := scan(&f.ID, &f.UserID, &f.Kind, &f.Name, &f.SessionID, asUTC(&f.CreatedAt), asUTC(&f.ExpiresAt), asUTC(&f.ConfirmedAt), asUTC(&f.LastUsedAt),
		&f.PasswordBefore, &f.Secret, &f.LastStep)
	return f, err
}

// CreateFactor stores a factor.
func (s *Store) CreateFactor(ctx context.Context, f account.Factor) error {
	_, err := s.exec(ctx, "create a factor", `
		INSERT INTO factors (`+factorColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		f.ID, f.UserID, f.Kind, f.Name, f.SessionID, f.CreatedAt.UTC(), nullTime(f.ExpiresAt), nullTime(f.ConfirmedAt), nullTime(f.LastUsedAt),
		f.PasswordBefore, f.Secret, f.LastStep)
	return err
}

// Factors returns a user's confirmed factors, the oldest first. There are few.
func (s *Store) Factors(ctx context.Context, userID int64) ([]account.Factor, error) {
	return queryAll(ctx, s, "list factors", scanFactor, `
		SELECT `+factorColumns+`
		FROM factors
		WHERE user_id = $1 AND confirmed_at IS NOT NULL
		ORDER BY confirmed_at, id`, userID)
}

// FactorsOf returns all that there is of a user's factors, also those that
// wait to be confirmed, the oldest first.
func (s *Store) FactorsOf(ctx context.Context, userID int64) ([]account.Factor, error) {
	return queryAll(ctx, s, "list all factors", scanFactor, `
		SELECT `+factorColumns+`
		FROM factors
		WHERE user_id = $1
		ORDER BY created_at, id`, userID)
}

// PendingFactors returns those of a user's factors of a kind that a session
// asked for and that can still be confirmed, the newest first.
func (s *Store) PendingFactors(ctx context.Context, userID int64, kind account.FactorKind, sessionID string, now time.Time) ([]account.Factor, error) {
	return queryAll(ctx, s, "list factors that wait", scanFactor, `
		SELECT `+factorColumns+`
		FROM factors
		WHERE user_id = $1 AND kind = $2 AND session_id = $3 AND confirmed_at IS NULL AND expires_at > $4
		ORDER BY created_at DESC, id`, userID, kind, sessionID, now.UTC())
}

// Factor returns a user's factor, confirmed or not, or [ErrNotFound].
func (s *Store) Factor(ctx context.Context, userID int64, id string) (account.Factor, error) {
	return queryRow(ctx, s, "find a factor", scanFactor, `
		SELECT `+factorColumns+`
		FROM factors
		WHERE user_id = $1 AND id = $2`, userID, id)
}

// ConfirmFactor makes a factor of one that its owner has shown. Of several
// callers one succeeds; the others, and those who come too late, get
// [ErrNotFound].
func (s *Store) ConfirmFactor(ctx context.Context, id string, step int64, passwordBefore string, at time.Time) error {
	return s.execOne(ctx, "confirm a factor", `
		UPDATE factors
		SET confirmed_at = $1, expires_at = NULL, last_step = $2, password_before = $3
		WHERE id = $4 AND confirmed_at IS NULL AND expires_at > $1`, at.UTC(), step, passwordBefore, id)
}

// UseStep notes that the code of a time step was shown. It returns
// [ErrNotFound] when it, or one of a later step, was shown before (RFC 6238,
// section 5.2).
func (s *Store) UseStep(ctx context.Context, id string, step int64, at time.Time) error {
	return s.execOne(ctx, "use a step of a factor", `
		UPDATE factors
		SET last_step = $1, last_used_at = $2
		WHERE id = $3 AND last_step < $1 AND confirmed_at IS NOT NULL`, step, at.UTC(), id)
}

// RenameFactor gives a user's confirmed factor a name, or returns
// [ErrNotFound].
func (s *Store) RenameFactor(ctx context.Context, userID int64, id, name string) error {
	return s.execOne(ctx, "rename a factor", `
		UPDATE factors
		SET name = $1
		WHERE user_id = $2 AND id = $3 AND confirmed_at IS NOT NULL`, name, userID, id)
}

// DeleteFactor deletes a user's factor, or returns [ErrNotFound].
func (s *Store) DeleteFactor(ctx context.Context, userID int64, id string) error {
	return s.execOne(ctx, "delete a factor", `
		DELETE FROM factors
		WHERE user_id = $1 AND id = $2`, userID, id)
}

// DeleteFactorsSince deletes a user's factors that were confirmed at the given
// time or later, and those that wait to be.
func (s *Store) DeleteFactorsSince(ctx context.Context, userID int64, since time.Time) error {
	_, err := s.exec(ctx, "delete younger factors", `
		DELETE FROM factors
		WHERE user_id = $1 AND (confirmed_at >= $2 OR confirmed_at IS NULL)`, userID, since.UTC())
	return err
}

// ForgetPasswordsBefore has no password open the way back from any of a user's
// factors.
func (s *Store) ForgetPasswordsBefore(ctx context.Context, userID int64) error {
	_, err := s.exec(ctx, "forget the passwords before factors", `
		UPDATE factors
		SET password_before = ''
		WHERE user_id = $1 AND password_before <> ''`, userID)
	if err != nil {
		return err
	}
	return s.ForgetFormerPassword(ctx, userID)
}

// ForgetFormerPassword forgets the password that a user replaced.
func (s *Store) ForgetFormerPassword(ctx context.Context, userID int64) error {
	_, err := s.exec(ctx, "forget a former password", `DELETE FROM former_passwords WHERE user_id = $1`, userID)
	return err
}

// KeepFormerPassword keeps the hash of a password that its user replaced, unless
// one is kept that was replaced after the time since: the older is the owner's.
func (s *Store) KeepFormerPassword(ctx context.Context, userID int64, hash string, at, since time.Time) error {
	_, err := s.exec(ctx, "keep a former password", `
		INSERT INTO former_passwords (user_id, hash, replaced_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE
		SET hash = excluded.hash, replaced_at = excluded.replaced_at
		WHERE former_passwords.replaced_at <= $4`, userID, hash, at.UTC(), since.UTC())
	return err
}

// FormerPassword returns the hash of the password that a user replaced after
// the given time, or [ErrNotFound].
func (s *Store) FormerPassword(ctx context.Context, userID int64, since time.Time) (string, error) {
	return queryValue[string](ctx, s, "find a former password", `
		SELECT hash
		FROM former_passwords
		WHERE user_id = $1 AND replaced_at > $2`, userID, since.UTC())
}

// SweepFormerPasswords forgets up to limit passwords that were replaced before
// the given time, and says how many.
func (s *Store) SweepFormerPasswords(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "forget former passwords", `
		DELETE FROM former_passwords
		WHERE user_id IN (SELECT user_id FROM former_passwords WHERE replaced_at <= $1 ORDER BY replaced_at LIMIT $2)`, before.UTC(), limit)
}

// SweepPasswordsBefore does the same to up to limit factors that were confirmed
// before the given time, and says how many.
func (s *Store) SweepPasswordsBefore(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "forget the passwords before factors", `
		UPDATE factors
		SET password_before = ''
		WHERE id IN (SELECT id FROM factors WHERE password_before <> '' AND confirmed_at < $1 LIMIT $2)`, before.UTC(), limit)
}

// FactorsWithSecret returns up to limit factors that have a secret, in the order
// of their ids after the given one.
func (s *Store) FactorsWithSecret(ctx context.Context, after string, limit int) ([]account.Factor, error) {
	return queryAll(ctx, s, "list factors with a secret", scanFactor, `
		SELECT `+factorColumns+`
		FROM factors
		WHERE id > $1 AND secret IS NOT NULL
		ORDER BY id
		LIMIT $2`, after, limit)
}

// SetFactorSecret stores a factor's secret in another form.
func (s *Store) SetFactorSecret(ctx context.Context, id string, secret []byte) error {
	_, err := s.exec(ctx, "store the secret of a factor", `
		UPDATE factors
		SET secret = $1
		WHERE id = $2`, secret, id)
	return err
}

// DeleteFactors deletes all factors of a user and all recovery codes.
func (s *Store) DeleteFactors(ctx context.Context, userID int64) error {
	const op = "delete all factors"
	if _, err := s.exec(ctx, op, `DELETE FROM factors WHERE user_id = $1`, userID); err != nil {
		return err
	}
	_, err := s.exec(ctx, op, `DELETE FROM recovery_codes WHERE user_id = $1`, userID)
	return err
}

// DeleteUnconfirmedFactors forgets up to limit factors that were not
// confirmed in time, and says how many.
func (s *Store) DeleteUnconfirmedFactors(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete factors that were not confirmed", `
		DELETE FROM factors
		WHERE id IN (SELECT id FROM factors WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, before.UTC(), limit)
}

// HoldUser keeps others from changing a user until the transaction ends, so
// that what it reads of their factors stays so. It returns [ErrNotFound] when
// there is none, or is not active.
func (s *Store) HoldUser(ctx context.Context, userID int64) error {
	return s.execOne(ctx, "hold a user", `
		UPDATE users
		SET is_active = is_active
		WHERE id = $1 AND is_active`, userID)
}

// LockUser is [Store.HoldUser] for whoever may not be active.
func (s *Store) LockUser(ctx context.Context, userID int64) error {
	return s.execOne(ctx, "lock a user", `
		UPDATE users
		SET is_active = is_active
		WHERE id = $1`, userID)
}

// ReplaceRecoveryCodes gives a user other recovery codes, by their hashes, and
// forgets those before.
func (s *Store) ReplaceRecoveryCodes(ctx context.Context, userID int64, hashes []string, at time.Time) error {
	const op = "replace recovery codes"
	if _, err := s.exec(ctx, op, `DELETE FROM recovery_codes WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, hash := range hashes {
		_, err := s.exec(ctx, op, `
			INSERT INTO recovery_codes (user_id, hash, created_at)
			VALUES ($1, $2, $3)`, userID, hash, at.UTC())
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteRecoveryCodes forgets a user's recovery codes.
func (s *Store) DeleteRecoveryCodes(ctx context.Context, userID int64) error {
	return s.ReplaceRecoveryCodes(ctx, userID, nil, time.Time{})
}

// RecoverySet tells a user's set of recovery codes from any other, used or
// not; empty: they have none.
func (s *Store) RecoverySet(ctx context.Context, userID int64) (string, error) {
	return queryValue[string](ctx, s, "tell a set of recovery codes", `
		SELECT COALESCE(min(hash), '')
		FROM recovery_codes
		WHERE user_id = $1`, userID)
}

// RecoveryCode is one of a person's recovery codes, without what it is.
type RecoveryCode struct {
	CreatedAt time.Time
	UsedAt    time.Time // zero: not yet
}

// RecoveryCodes returns a user's recovery codes, used or not.
func (s *Store) RecoveryCodes(ctx context.Context, userID int64) ([]RecoveryCode, error) {
	return queryAll(ctx, s, "list recovery codes", func(scan func(...any) error) (c RecoveryCode, err error) {
		err = scan(asUTC(&c.CreatedAt), asUTC(&c.UsedAt))
		return c, err
	}, `
		SELECT created_at, used_at
		FROM recovery_codes
		WHERE user_id = $1
		ORDER BY created_at, hash`, userID)
}

// UseRecoveryCode uses a user's recovery code up. Of several callers one
// succeeds; the others get [ErrNotFound], as for a code that there is not.
func (s *Store) UseRecoveryCode(ctx context.Context, userID int64, hash string, at time.Time) error {
	return s.execOne(ctx, "use a recovery code", `
		UPDATE recovery_codes
		SET used_at = $1
		WHERE user_id = $2 AND hash = $3 AND used_at IS NULL`, at.UTC(), userID, hash)
}

// RecoveryCodesLeft counts a user's recovery codes that were not used.
func (s *Store) RecoveryCodesLeft(ctx context.Context, userID int64) (int, error) {
	return queryValue[int](ctx, s, "count recovery codes", `
		SELECT count(*)
		FROM recovery_codes
		WHERE user_id = $1 AND used_at IS NULL`, userID)
}
