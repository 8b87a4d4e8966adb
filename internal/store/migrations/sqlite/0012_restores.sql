-- +goose Up
-- When "yoozak restored" was last run; no row before the first time.
CREATE TABLE restores (
    id INTEGER PRIMARY KEY CHECK (id = 1), -- one row
    at TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE restores;
