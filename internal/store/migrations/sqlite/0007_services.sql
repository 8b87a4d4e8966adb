-- +goose Up
CREATE TABLE services (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    audience    TEXT NOT NULL, -- whose tokens it may ask about; empty: anybody's
    scopes      TEXT NOT NULL, -- separated by spaces
    created_at  TIMESTAMP NOT NULL,
    disabled_at TIMESTAMP
) WITHOUT ROWID;

-- +goose Down
DROP TABLE services;
