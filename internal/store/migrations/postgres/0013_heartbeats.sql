-- +goose Up
-- When each server last wrote, by its clock; and the time up to which it
-- believes that clock: see internal/pulse. There are a few rows, each changed
-- every few seconds: with room on the page an update stays there.
CREATE TABLE heartbeats (
    server   TEXT COLLATE "C" PRIMARY KEY, -- of one run of a server
    at       TIMESTAMPTZ NOT NULL,
    believed TIMESTAMPTZ NOT NULL,
    room     BYTEA NOT NULL -- empty, but when a change did not fit: whether one fits again
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE heartbeats;
