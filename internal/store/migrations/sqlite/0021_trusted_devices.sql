-- +goose Up
-- On which trusted device a session was opened; empty: on none.
ALTER TABLE sessions ADD COLUMN trusted_id TEXT NOT NULL DEFAULT '';

CREATE TABLE trusted_devices (
    id           TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash         TEXT NOT NULL, -- SHA-256 of 256 random bits
    factors      TEXT NOT NULL,     -- which ones the user had, as a digest
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP,               -- NULL: never
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX trusted_devices_hash ON trusted_devices (hash);
CREATE INDEX trusted_devices_user_id ON trusted_devices (user_id);
CREATE INDEX trusted_devices_expires_at ON trusted_devices (expires_at);

-- From where and with what a user has logged in: a keyed hash, which tells nobody where that was.
CREATE TABLE login_places (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place   TEXT NOT NULL,
    epoch   TEXT NOT NULL,          -- which secret the hash is keyed with
    seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, place)
) WITHOUT ROWID;
CREATE INDEX login_places_seen_at ON login_places (seen_at);

-- How many notices of a kind a mailbox of a user was owed since a time.
CREATE TABLE notices (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind      TEXT NOT NULL,
    email_key TEXT NOT NULL,
    since     TIMESTAMP NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind, email_key)
) WITHOUT ROWID;
CREATE INDEX notices_since ON notices (since);

-- +goose Down
DROP TABLE notices;
DROP TABLE login_places;
DROP TABLE trusted_devices;
ALTER TABLE sessions DROP COLUMN trusted_id;
