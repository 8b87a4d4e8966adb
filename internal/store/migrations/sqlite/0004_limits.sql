-- +goose Up
-- Failed tries at a password, by a keyed hash of the name or of the device.
CREATE TABLE guesses (
    key        TEXT PRIMARY KEY,
    user_id    INTEGER REFERENCES users (id) ON DELETE CASCADE, -- NULL: of a name, which may be nobody's
    count      INTEGER NOT NULL,
    last_at    TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX guesses_user_id ON guesses (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX guesses_expires_at ON guesses (expires_at);

-- Random keys that all servers need and that sign no token.
CREATE TABLE secrets (
    name       TEXT PRIMARY KEY,
    value      BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- One server keeps its rate limits in memory: there is no table for them here.

-- +goose Down
DROP TABLE secrets;
DROP TABLE guesses;
