-- +goose Up
-- When a backup was last made, as "yoozak backup" notes it; no row before the first.
CREATE TABLE backups (
    id INTEGER PRIMARY KEY CHECK (id = 1), -- one row
    at TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE backups;
