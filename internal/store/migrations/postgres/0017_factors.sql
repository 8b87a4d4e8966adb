-- +goose Up
-- What was shown at login (RFC 8176, separated by spaces; empty: nobody knows, it was before this release) and when its user
-- last showed that they are themselves, by all that is asked of them; NULL: not in this session.
ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN proved_at TIMESTAMPTZ;
-- Of a login that waits for its second factor: what was shown before it.
ALTER TABLE challenges ADD COLUMN amr TEXT NOT NULL DEFAULT '';
-- Of the way back from a factor: which one.
ALTER TABLE challenges ADD COLUMN factor_id TEXT NOT NULL DEFAULT '';

CREATE TABLE factors (
    id              TEXT COLLATE "C" PRIMARY KEY,
    user_id         BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind            TEXT NOT NULL,
    name            TEXT NOT NULL,      -- that its owner gave it
    session_id      TEXT NOT NULL,      -- that asked for it
    created_at      TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ,       -- of one that was not confirmed yet; NULL: it was
    confirmed_at    TIMESTAMPTZ,       -- NULL: it is no factor yet
    last_used_at    TIMESTAMPTZ,
    password_before TEXT NOT NULL,      -- the hash in force when it was confirmed, for the way back; empty: no password opens that
    secret          BYTEA,               -- of totp; encrypted, where there is a key for it
    last_step       BIGINT NOT NULL     -- of totp: the newest step that was used (RFC 6238, section 5.2)
);
CREATE INDEX factors_user_id ON factors (user_id);
CREATE INDEX factors_expires_at ON factors (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE recovery_codes (
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash       TEXT COLLATE "C" NOT NULL, -- SHA-256 of 120 random bits
    created_at TIMESTAMPTZ NOT NULL,
    used_at    TIMESTAMPTZ,
    PRIMARY KEY (user_id, hash)
);

-- +goose Down
DROP TABLE recovery_codes;
DROP TABLE factors;
ALTER TABLE challenges DROP COLUMN factor_id;
ALTER TABLE challenges DROP COLUMN amr;
ALTER TABLE sessions DROP COLUMN proved_at;
ALTER TABLE sessions DROP COLUMN amr;
