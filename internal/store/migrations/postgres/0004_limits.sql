-- +goose Up
-- Failed tries at a password, by a keyed hash of the name or of the device.
CREATE TABLE guesses (
    key        TEXT COLLATE "C" PRIMARY KEY,
    user_id    BIGINT REFERENCES users (id) ON DELETE CASCADE, -- NULL: of a name, which may be nobody's
    count      INTEGER NOT NULL,
    last_at    TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX guesses_user_id ON guesses (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX guesses_expires_at ON guesses (expires_at);

-- Random keys that all servers need and that sign no token.
CREATE TABLE secrets (
    name       TEXT COLLATE "C" PRIMARY KEY,
    value      BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- What several servers share of their rate limits. Unlogged: its commits do not
-- wait for the disk, and after a crash every limit begins anew. No index on
-- expires_at: without one an update stays on its page, and the table is small.
CREATE UNLOGGED TABLE rate_limits (
    key        TEXT COLLATE "C" PRIMARY KEY,
    value      BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 70);

-- +goose Down
DROP TABLE rate_limits;
DROP TABLE secrets;
DROP TABLE guesses;
