-- +goose Up
ALTER TABLE users ADD COLUMN email_verified_at TIMESTAMP;
ALTER TABLE users ADD COLUMN closed_at TIMESTAMP;     -- by its owner; erased some time later
ALTER TABLE users ADD COLUMN signed_out_at TIMESTAMP; -- tokens without a session that are older are not good
CREATE INDEX users_closed_at ON users (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE challenges (
    hash       TEXT PRIMARY KEY, -- of the token that was mailed
    kind       TEXT NOT NULL,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email      TEXT NOT NULL,    -- the address that the token was mailed to
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP         -- or made worthless
) WITHOUT ROWID;
CREATE INDEX challenges_user_id ON challenges (user_id);
CREATE INDEX challenges_expires_at ON challenges (expires_at);

CREATE TABLE mails (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    user_id     INTEGER REFERENCES users (id) ON DELETE CASCADE, -- NULL: of an address that may be nobody's
    email       TEXT NOT NULL,
    email_key   TEXT NOT NULL,
    language    TEXT NOT NULL,
    ip          TEXT NOT NULL, -- of the request that caused it
    details     TEXT NOT NULL, -- JSON
    created_at  TIMESTAMP NOT NULL,
    due_at      TIMESTAMP,     -- NULL: delivered, or given up
    lease       TEXT NOT NULL, -- of the server that delivers it now
    attempts    INTEGER NOT NULL,
    sent_at     TIMESTAMP,
    failure     TEXT NOT NULL  -- why the last attempt failed
);
CREATE INDEX mails_due_at ON mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mails_email_key ON mails (email_key, created_at);
CREATE INDEX mails_ip ON mails (ip, created_at);
CREATE INDEX mails_user_id ON mails (user_id);

-- +goose Down
DROP TABLE mails;
DROP TABLE challenges;
DROP INDEX users_closed_at;
ALTER TABLE users DROP COLUMN signed_out_at;
ALTER TABLE users DROP COLUMN closed_at;
ALTER TABLE users DROP COLUMN email_verified_at;
