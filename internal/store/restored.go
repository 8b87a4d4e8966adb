package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// What "yoozak restored" does to a database that came from a backup, in one
// transaction: see [Store.LongTx].

// LongTx is [Store.Tx] for what changes every row of large tables: on
// PostgreSQL it may take as long as it does.
func (s *Store) LongTx(ctx context.Context, fn func(ctx context.Context, tx *Store) error) error {
	if s.batch != nil {
		return s.Tx(ctx, fn)
	}
	if err := s.outside(ctx); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	return s.postgresTx(s.inside(ctx), fn)
}

// RestoredAt is when the database was last declared to come from a backup;
// zero: never.
func (s *Store) RestoredAt(ctx context.Context) (time.Time, error) {
	at, err := queryRow(ctx, s, "read the time of the last restore", scanTime, `
		SELECT at
		FROM restores`)
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	return at, err
}

// SetRestoredAt notes that the database comes from a backup.
func (s *Store) SetRestoredAt(ctx context.Context, at time.Time) error {
	_, err := s.exec(ctx, "note a restore", `
		INSERT INTO restores (id, at)
		VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE
		SET at = excluded.at`, at.UTC())
	return err
}

// RevokeAllSessions ends every session, and says how many.
func (s *Store) RevokeAllSessions(ctx context.Context, at time.Time) (int64, error) {
	return s.exec(ctx, "revoke all sessions", `
		UPDATE sessions
		SET revoked_at = $1
		WHERE revoked_at IS NULL`, at.UTC())
}

// RevokeAllKeys ends every key, and says how many had no such end.
func (s *Store) RevokeAllKeys(ctx context.Context) (int64, error) {
	return s.exec(ctx, "revoke all keys", `
		UPDATE signing_keys
		SET retires_at = $1
		WHERE retires_at IS NULL OR retires_at <> $1`, revoked)
}

// DeleteSecret forgets the random key of a name: whoever needs it makes
// another.
func (s *Store) DeleteSecret(ctx context.Context, name string) error {
	_, err := s.exec(ctx, "delete a secret", `
		DELETE FROM secrets
		WHERE name = $1`, name)
	return err
}

// InvalidateAllChallenges makes every challenge worthless, and says how many
// were not.
func (s *Store) InvalidateAllChallenges(ctx context.Context, at time.Time) (int64, error) {
	return s.exec(ctx, "void all challenges", `
		UPDATE challenges
		SET used_at = $1
		WHERE used_at IS NULL`, at.UTC())
}

// GiveUpMails gives up every mail that waits, and says how many. Each can be
// tried again: see [Store.RetryMail].
func (s *Store) GiveUpMails(ctx context.Context, failure string) (int64, error) {
	return s.exec(ctx, "give up all mails", giveUp+`due_at IS NOT NULL`, failure)
}

// SkipUserIDs leaves out as many ids of users as it is told, beyond the
// highest that was ever given, and returns the next that will be. On
// PostgreSQL that stays so when the transaction is undone.
func (s *Store) SkipUserIDs(ctx context.Context, many int64) (next int64, err error) {
	highest, err := queryValue[int64](ctx, s, "find the highest id", s.dialect.highestID)
	if err != nil {
		return 0, err
	}
	if many > math.MaxInt64-1-highest {
		return 0, fmt.Errorf("there are no %d ids beyond %d", many, highest)
	}
	for _, statement := range s.dialect.setHighestID {
		if _, err := s.exec(ctx, "move the ids on", statement, highest+many); err != nil {
			return 0, err
		}
	}
	return highest + many + 1, nil
}
