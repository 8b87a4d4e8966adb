-- +goose Up
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- an id is never given twice
    at         TIMESTAMP NOT NULL,
    kind       TEXT NOT NULL,
    actor      TEXT NOT NULL,
    details    TEXT NOT NULL, -- JSON; nothing personal
    -- The personal part, forgotten together. No foreign key: the row outlives the person.
    user_id    INTEGER,       -- NULL: nobody's
    session_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    ip         TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    salt       BLOB,          -- NULL: forgotten, or there was nothing
    commitment BLOB NOT NULL, -- HMAC of the personal part, the salt being its key
    seq        INTEGER,       -- the place in the chain; NULL: not sealed yet
    hash       BLOB
);
CREATE UNIQUE INDEX events_seq ON events (seq) WHERE seq IS NOT NULL;
CREATE INDEX events_unsealed ON events (id) WHERE seq IS NULL; -- whatever the planner believes of how many there are
CREATE INDEX events_user_id ON events (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_nobodys ON events (at) WHERE user_id IS NULL AND salt IS NOT NULL;

CREATE TABLE event_chain (
    id           INTEGER PRIMARY KEY CHECK (id = 1), -- one row
    seq          INTEGER NOT NULL, -- the newest sealed event
    hash         BLOB NOT NULL,
    removed_seq  INTEGER NOT NULL, -- the last that was removed because it was old
    removed_hash BLOB NOT NULL
);
INSERT INTO event_chain VALUES (1, 0, x'', 0, x'');

-- Against mistakes, ours and of somebody at a prompt. Whoever can write SQL
-- can drop these; the chain is against them.
-- +goose StatementBegin
CREATE TRIGGER events_keep BEFORE UPDATE OF id, at, kind, actor, details, commitment ON events
BEGIN
    SELECT RAISE(ABORT, 'events are not changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_seal_once BEFORE UPDATE OF seq, hash ON events WHEN OLD.seq IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'an event is sealed once');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_forget_whole BEFORE UPDATE OF user_id, session_id, request_id, ip, user_agent, salt ON events
WHEN NEW.user_id IS NOT NULL OR NEW.salt IS NOT NULL
    OR NEW.session_id <> '' OR NEW.request_id <> '' OR NEW.ip <> '' OR NEW.user_agent <> ''
BEGIN
    SELECT RAISE(ABORT, 'the personal part of an event is forgotten whole or not at all');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_oldest_only BEFORE DELETE ON events
WHEN OLD.seq IS NULL OR OLD.seq > (SELECT removed_seq FROM event_chain)
BEGIN
    SELECT RAISE(ABORT, 'only the oldest events are removed');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE events;
DROP TABLE event_chain;
