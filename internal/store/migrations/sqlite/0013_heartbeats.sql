-- +goose Up
-- When each server last wrote, by its clock; and the time up to which it
-- believes that clock: see internal/pulse.
CREATE TABLE heartbeats (
    server   TEXT PRIMARY KEY, -- of one run of a server
    at       TIMESTAMP NOT NULL,
    believed TIMESTAMP NOT NULL,
    room     BLOB NOT NULL -- empty, but when a change did not fit: whether one fits again
) WITHOUT ROWID;

-- +goose Down
DROP TABLE heartbeats;
