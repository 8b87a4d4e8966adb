-- +goose Up
-- Of a login that waits for its second factor: how often one was tried with it.
ALTER TABLE challenges ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;

-- Wrong second factors in a row, of devices on which one was shown before, and of all others.
CREATE TABLE factor_tries (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    known   BOOLEAN NOT NULL,
    wrong   INTEGER NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, known)
);
CREATE INDEX factor_tries_last_at ON factor_tries (last_at);

-- +goose Down
DROP TABLE factor_tries;
ALTER TABLE challenges DROP COLUMN tries;
