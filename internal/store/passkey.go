package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

//nolint:gosec // names of columns
const credentialColumns = `factor_id, user_id, credential_id, public_key, algorithm, sign_count, aaguid, transports,
	backup_eligible, backed_up, rp_id, held`

func scanCredential(scan func(...any) error) (account.Credential, error) {
	var c account.Credential
	var transports string
	err := scan(&c.FactorID, &c.UserID, &c.ID, &c.PublicKey, &c.Algorithm, &c.SignCount, &c.AAGUID, &transports,
		&c.BackupEligible, &c.BackedUp, &c.RPID, &c.Held)
	c.Transports = strings.Fields(transports)
	return c, err
}

// CreateCredential stores what WebAuthn keeps of a factor. It returns
// [ErrTaken] when there is one with this id, whoever has it.
func (s *Store) CreateCredential(ctx context.Context, c account.Credential) error {
	_, err := s.exec(ctx, "create a passkey", `
		INSERT INTO passkeys (`+credentialColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		c.FactorID, c.UserID, c.ID, c.PublicKey, c.Algorithm, c.SignCount, c.AAGUID, strings.Join(c.Transports, " "),
		c.BackupEligible, c.BackedUp, c.RPID, c.Held)
	return err
}

// Credential returns the credential with an id, or [ErrNotFound].
func (s *Store) Credential(ctx context.Context, id []byte) (account.Credential, error) {
	return queryRow(ctx, s, "find a passkey", scanCredential, `
		SELECT `+credentialColumns+`
		FROM passkeys
		WHERE credential_id = $1`, id)
}

// Credentials returns those of a user, of whatever relying party. There are
// few.
func (s *Store) Credentials(ctx context.Context, userID int64) ([]account.Credential, error) {
	return queryAll(ctx, s, "list passkeys", scanCredential, `
		SELECT `+credentialColumns+`
		FROM passkeys
		WHERE user_id = $1
		ORDER BY factor_id`, userID)
}

// HoldPasskeys has a user's passkeys that were added after the given time open
// nothing alone, until they are used.
func (s *Store) HoldPasskeys(ctx context.Context, userID int64, since time.Time) error {
	_, err := s.exec(ctx, "hold passkeys", `
		UPDATE passkeys
		SET held = TRUE
		WHERE user_id = $1 AND factor_id IN (SELECT id FROM factors WHERE user_id = $1 AND confirmed_at > $2)`, userID, since.UTC())
	return err
}

// UseCredential notes the use of a credential, which is held no more. It returns
// [ErrNotFound] when it is not there any more, or its counter is not the one that
// was read.
func (s *Store) UseCredential(ctx context.Context, c account.Credential, next uint32, backedUp bool, at time.Time) error {
	err := s.execOne(ctx, "use a passkey", `
		UPDATE passkeys
		SET sign_count = $1, backed_up = $2, held = FALSE
		WHERE factor_id = $3 AND sign_count = $4`, next, backedUp, c.FactorID, c.SignCount)
	if err != nil {
		return err
	}
	return s.execOne(ctx, "use a passkey", `
		UPDATE factors
		SET last_used_at = $1
		WHERE id = $2 AND confirmed_at IS NOT NULL`, at.UTC(), c.FactorID)
}

// CredentialsElsewhere counts the passkeys that are not of a relying party, by
// the one that they are of.
func (s *Store) CredentialsElsewhere(ctx context.Context, rpID string) (map[string]int, error) {
	type row struct {
		rpID  string
		count int
	}
	rows, err := queryAll(ctx, s, "count passkeys", func(scan func(...any) error) (r row, err error) {
		err = scan(&r.rpID, &r.count)
		return r, err
	}, `
		SELECT rp_id, count(*)
		FROM passkeys
		WHERE rp_id <> $1
		GROUP BY rp_id`, rpID)
	count := make(map[string]int, len(rows))
	for _, r := range rows {
		count[r.rpID] = r.count
	}
	return count, err
}

// UserHandle returns by what authenticators know a user: the one given, unless
// they have one already.
func (s *Store) UserHandle(ctx context.Context, userID int64, fresh []byte) ([]byte, error) {
	const op = "find a user handle"
	_, err := s.exec(ctx, op, `
		INSERT INTO user_handles (user_id, handle)
		VALUES ($1, $2)
		ON CONFLICT (user_id) DO NOTHING`, userID, fresh)
	if err != nil {
		return nil, err
	}
	return queryValue[[]byte](ctx, s, op, `
		SELECT handle
		FROM user_handles
		WHERE user_id = $1`, userID)
}

// HandleOf returns by what authenticators know a user, or [ErrNotFound].
func (s *Store) HandleOf(ctx context.Context, userID int64) ([]byte, error) {
	return queryValue[[]byte](ctx, s, "find a user handle", `
		SELECT handle
		FROM user_handles
		WHERE user_id = $1`, userID)
}

const ceremonyColumns = `hash, kind, user_id, session_id, challenge_hash, challenge, offered, rp_id, expires_at`

func scanCeremony(scan func(...any) error) (account.Ceremony, error) {
	var c account.Ceremony
	var userID sql.NullInt64
	var offered string
	err := scan(&c.Hash, &c.Kind, &userID, &c.SessionID, &c.ChallengeHash, &c.Challenge, &offered, &c.RPID, asUTC(&c.ExpiresAt))
	c.UserID, c.Offered = userID.Int64, strings.Fields(offered)
	return c, err
}

// CreateCeremony stores what an authenticator is asked.
func (s *Store) CreateCeremony(ctx context.Context, c account.Ceremony) error {
	_, err := s.exec(ctx, "create a ceremony", `
		INSERT INTO ceremonies (`+ceremonyColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.Hash, c.Kind, sql.NullInt64{Int64: c.UserID, Valid: c.UserID != 0}, c.SessionID, c.ChallengeHash, c.Challenge,
		strings.Join(c.Offered, " "), c.RPID, c.ExpiresAt.UTC())
	return err
}

// TakeCeremony returns a ceremony and deletes it. Of several callers one gets
// it; the others get [ErrNotFound].
func (s *Store) TakeCeremony(ctx context.Context, hash string) (account.Ceremony, error) {
	return queryRow(ctx, s, "take a ceremony", scanCeremony, `
		DELETE FROM ceremonies
		WHERE hash = $1
		RETURNING `+ceremonyColumns, hash)
}

// DeleteCeremonies forgets up to limit ceremonies that expired before the given
// time, and says how many.
func (s *Store) DeleteCeremonies(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete ceremonies", `
		DELETE FROM ceremonies
		WHERE hash IN (SELECT hash FROM ceremonies WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		before.UTC(), limit)
}
