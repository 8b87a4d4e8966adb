-- +goose Up
CREATE TABLE recoveries (
    id          TEXT COLLATE "C" PRIMARY KEY,
    user_id     BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email       TEXT NOT NULL,      -- of the mailbox that finishes it
    keeps       BOOLEAN NOT NULL,   -- it gives another address and takes no factor away
    by_staff    BOOLEAN NOT NULL,
    reason      TEXT NOT NULL,      -- that the staff gave
    started_at  TIMESTAMPTZ NOT NULL,
    ready_at    TIMESTAMPTZ NOT NULL,
    told_at     TIMESTAMPTZ,                -- when the mail that finishes it was owed; NULL: not yet
    stopped_at  TIMESTAMPTZ,                -- NULL: nobody stopped it
    stopped_by  TEXT NOT NULL DEFAULT '', -- factor, link, staff
    finished_at TIMESTAMPTZ                 -- NULL: it did not come to its end
);
CREATE INDEX recoveries_user_id ON recoveries (user_id);
CREATE INDEX recoveries_ready_at ON recoveries (ready_at) WHERE told_at IS NULL AND stopped_at IS NULL;
CREATE INDEX recoveries_started_at ON recoveries (started_at);

-- +goose Down
DROP TABLE recoveries;
