-- +goose Up
CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- an id is never given twice
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL, -- the form in which addresses are compared
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_active     BOOLEAN NOT NULL,
    is_staff      BOOLEAN NOT NULL,
    language      TEXT NOT NULL,
    joined_at     TIMESTAMP NOT NULL,
    last_login_at TIMESTAMP,
    password_at   TIMESTAMP NOT NULL
);
CREATE INDEX users_email_key ON users (email_key);

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    revoked_at   TIMESTAMP,
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    refresh_id   TEXT NOT NULL,
    refresh_at   TIMESTAMP NOT NULL,
    previous_id  TEXT NOT NULL
) WITHOUT ROWID; -- read on every request, always by id
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE signing_keys (
    id          TEXT PRIMARY KEY,
    algorithm   TEXT NOT NULL,
    token_type  TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    private_key BLOB NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    active_at   TIMESTAMP NOT NULL,
    retires_at  TIMESTAMP,
    UNIQUE (algorithm, token_type, generation) -- two servers make one key, not two
);

-- +goose Down
DROP TABLE signing_keys;
DROP TABLE sessions;
DROP TABLE users;
