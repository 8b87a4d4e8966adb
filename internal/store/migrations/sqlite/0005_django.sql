-- +goose Up
ALTER TABLE users ADD COLUMN is_superuser BOOLEAN NOT NULL DEFAULT FALSE;

-- What "import-django" last saw of each user. No foreign key: a row that outlives its user says that the account
-- was erased here, so that the next import does not bring it back.
CREATE TABLE django_imports (
    user_id     INTEGER PRIMARY KEY,
    fields      BLOB NOT NULL,      -- digests of Django's row, field by field
    password_at TIMESTAMP NOT NULL  -- users.password_at as the import wrote it; another one there: chosen here since
);

-- Refresh tokens that Django blacklisted, until they expire.
CREATE TABLE revoked_tokens (
    jti        TEXT PRIMARY KEY,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at);

-- +goose Down
DROP TABLE revoked_tokens;
DROP TABLE django_imports;
ALTER TABLE users DROP COLUMN is_superuser;
