-- +goose Up
CREATE TABLE recoveries (
    id          TEXT PRIMARY KEY,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email       TEXT NOT NULL,      -- of the mailbox that finishes it
    keeps       BOOLEAN NOT NULL,   -- it gives another address and takes no factor away
    by_staff    BOOLEAN NOT NULL,
    reason      TEXT NOT NULL,      -- that the staff gave
    started_at  TIMESTAMP NOT NULL,
    ready_at    TIMESTAMP NOT NULL,
    told_at     TIMESTAMP,                -- when the mail that finishes it was owed; NULL: not yet
    stopped_at  TIMESTAMP,                -- NULL: nobody stopped it
    stopped_by  TEXT NOT NULL DEFAULT '', -- factor, link, staff
    finished_at TIMESTAMP                 -- NULL: it did not come to its end
) WITHOUT ROWID;
CREATE INDEX recoveries_user_id ON recoveries (user_id);
CREATE INDEX recoveries_ready_at ON recoveries (ready_at) WHERE told_at IS NULL AND stopped_at IS NULL;
CREATE INDEX recoveries_started_at ON recoveries (started_at);

-- +goose Down
DROP TABLE recoveries;
