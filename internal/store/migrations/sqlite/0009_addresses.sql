-- +goose Up
-- The version of the rule that made email_key. A write that changes the key and is not the refill's makes it 0: a server of
-- the previous release does not know of the column.
ALTER TABLE users ADD COLUMN email_key_version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX users_email_key_stale ON users (id) WHERE email_key_version <> 2;
CREATE INDEX users_proved ON users (email_key) WHERE email_verified_at IS NOT NULL;
-- +goose StatementBegin
CREATE TRIGGER users_email_key_changed AFTER UPDATE OF email_key ON users
WHEN NEW.email_key <> OLD.email_key
BEGIN
    UPDATE users SET email_key_version = 0 WHERE id = NEW.id;
END;
-- +goose StatementEnd

-- The names that people had: kept for them for some time.
CREATE TABLE username_changes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    username   TEXT NOT NULL, -- before the change
    changed_at TIMESTAMP NOT NULL
);
CREATE INDEX username_changes_username ON username_changes (username);
CREATE INDEX username_changes_user_id ON username_changes (user_id);
CREATE INDEX username_changes_changed_at ON username_changes (changed_at);

-- What somebody waits for goes first (0), notices after (1).
ALTER TABLE mails ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
CREATE INDEX mails_due ON mails (priority, due_at, id) WHERE due_at IS NOT NULL;
-- A mail that waits for the quota of its mailbox and kind, by a keyed hash of both: there is one at most.
ALTER TABLE mails ADD COLUMN delay_key TEXT;
CREATE UNIQUE INDEX mails_delay_key ON mails (delay_key) WHERE delay_key IS NOT NULL;

-- +goose Down
DROP INDEX mails_delay_key;
DROP INDEX mails_due;
ALTER TABLE mails DROP COLUMN delay_key;
ALTER TABLE mails DROP COLUMN priority;
DROP TABLE username_changes;
DROP TRIGGER users_email_key_changed;
DROP INDEX users_proved;
DROP INDEX users_email_key_stale;
ALTER TABLE users DROP COLUMN email_key_version;
