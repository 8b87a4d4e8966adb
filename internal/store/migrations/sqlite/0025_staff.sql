-- +goose Up
-- Who of the users works for the shop, and as what. A role counts once it was accepted, and while it is not suspended.
CREATE TABLE staff (
    user_id      INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    role         TEXT NOT NULL,
    given_by     INTEGER REFERENCES users (id) ON DELETE SET NULL, -- NULL: by a command, or somebody who is gone
    given_at     TIMESTAMP NOT NULL,
    accepted_at  TIMESTAMP, -- NULL: not yet
    suspended_at TIMESTAMP  -- NULL: it is not
);

-- Sessions in which staff worked, and when last: they end when nobody does for a while.
CREATE TABLE staff_sessions (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    seen_at    TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- What staff write down about a user, for each other. The user may ask for it.
CREATE TABLE staff_notes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    author_id  INTEGER REFERENCES users (id) ON DELETE SET NULL,
    text       TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX staff_notes_user_id ON staff_notes (user_id, id);
CREATE INDEX staff_notes_author_id ON staff_notes (author_id) WHERE author_id IS NOT NULL;
CREATE INDEX staff_given_by ON staff (given_by) WHERE given_by IS NOT NULL;

-- Who of the staff looked at whom, and when that was last noted: one event an hour is enough.
CREATE TABLE staff_looks (
    agent_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (agent_id, user_id)
);
CREATE INDEX staff_looks_user_id ON staff_looks (user_id);
CREATE INDEX staff_looks_seen_at ON staff_looks (seen_at);

-- What waits for a second person of the staff: whom it is about was written down when it was asked for. A row is deleted
-- when it was done, or some time after nobody may do it any more.
CREATE TABLE staff_approvals (
    id          TEXT PRIMARY KEY,
    act         TEXT NOT NULL,
    users       TEXT NOT NULL, -- ids, as a list of JSON
    format      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    asked_by    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    asked_at    TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    decided_by  INTEGER REFERENCES users (id) ON DELETE CASCADE, -- NULL: nobody yet
    decided_at  TIMESTAMP,
    approved    BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX staff_approvals_asked_by ON staff_approvals (asked_by);
CREATE INDEX staff_approvals_decided_by ON staff_approvals (decided_by) WHERE decided_by IS NOT NULL;
CREATE INDEX staff_approvals_expires_at ON staff_approvals (expires_at);

-- Which of the staff did what an event tells (it is in the details, too, which the chain holds), and why: a text about a
-- person, which belongs to the part that is forgotten.
ALTER TABLE events ADD COLUMN agent_id INTEGER;
ALTER TABLE events ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE INDEX events_agent_id ON events (agent_id, id) WHERE agent_id IS NOT NULL;
-- +goose StatementBegin
CREATE TRIGGER events_keep_agent BEFORE UPDATE OF agent_id ON events
BEGIN
    SELECT RAISE(ABORT, 'events are not changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_forget_reason BEFORE UPDATE OF reason ON events
WHEN NEW.reason <> '' OR NEW.salt IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the personal part of an event is forgotten whole or not at all');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER events_forget_reason;
DROP TRIGGER events_keep_agent;
DROP INDEX events_agent_id;
ALTER TABLE events DROP COLUMN reason;
ALTER TABLE events DROP COLUMN agent_id;
DROP TABLE staff_approvals;
DROP TABLE staff_looks;
DROP TABLE staff_notes;
DROP TABLE staff_sessions;
DROP TABLE staff;
