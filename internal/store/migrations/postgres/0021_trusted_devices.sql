-- +goose Up
-- On which trusted device a session was opened; empty: on none.
ALTER TABLE sessions ADD COLUMN trusted_id TEXT NOT NULL DEFAULT '';

CREATE TABLE trusted_devices (
    id           TEXT COLLATE "C" PRIMARY KEY,
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash         TEXT COLLATE "C" NOT NULL, -- SHA-256 of 256 random bits
    factors      TEXT NOT NULL,     -- which ones the user had, as a digest
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,               -- NULL: never
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL
);
CREATE UNIQUE INDEX trusted_devices_hash ON trusted_devices (hash);
CREATE INDEX trusted_devices_user_id ON trusted_devices (user_id);
CREATE INDEX trusted_devices_expires_at ON trusted_devices (expires_at);

-- From where and with what a user has logged in: a keyed hash, which tells nobody where that was.
CREATE TABLE login_places (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place   TEXT COLLATE "C" NOT NULL,
    epoch   TEXT NOT NULL,          -- which secret the hash is keyed with
    seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, place)
);
CREATE INDEX login_places_seen_at ON login_places (seen_at);

-- How many notices of a kind a mailbox of a user was owed since a time.
CREATE TABLE notices (
    user_id   BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind      TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    since     TIMESTAMPTZ NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind, email_key)
);
CREATE INDEX notices_since ON notices (since);

-- +goose Down
DROP TABLE notices;
DROP TABLE login_places;
DROP TABLE trusted_devices;
ALTER TABLE sessions DROP COLUMN trusted_id;
