-- +goose Up
-- A code of six digits that was asked for by mail. The code is nowhere: it follows from the row and from a key, when the mail is sent.
CREATE TABLE codes (
    id_hash    TEXT PRIMARY KEY,        -- SHA-256 of 256 random bits that only the asker holds
    purpose    TEXT NOT NULL,
    user_id    INTEGER REFERENCES users (id) ON DELETE CASCADE, -- NULL: not known before the mail is sent, or nobody
    email      TEXT NOT NULL,           -- as it was asked for, then where it was mailed to
    email_key  TEXT NOT NULL,           -- of the address that was asked for
    asker      TEXT NOT NULL,           -- the session that asked; empty: whoever holds the id
    known_to   INTEGER NOT NULL,        -- the user from whose known device or session it was asked for; 0: nobody's
    created_at TIMESTAMP NOT NULL,
    mail_id    INTEGER,                 -- the first mail that has it; NULL: there is none, or the code was made worthless
    sent_at    TIMESTAMP,               -- when that mail was made; NULL: not yet, and no code is right
    expires_at TIMESTAMP,               -- NULL: it was not sent yet
    tries      INTEGER NOT NULL,        -- wrong ones
    used_at    TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX codes_user_id ON codes (user_id, created_at);
CREATE INDEX codes_created_at ON codes (created_at);
CREATE INDEX codes_nobodys ON codes (email_key) WHERE user_id IS NULL;

-- +goose Down
DROP TABLE codes;
