-- +goose Up
CREATE TABLE services (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    audience    TEXT NOT NULL, -- whose tokens it may ask about; empty: anybody's
    scopes      TEXT NOT NULL, -- separated by spaces
    created_at  TIMESTAMPTZ NOT NULL,
    disabled_at TIMESTAMPTZ
);

-- +goose Down
DROP TABLE services;
