-- +goose Up
-- The password that a user had before they changed it while they were logged in: for factors.password_before.
CREATE TABLE former_passwords (
    user_id     BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash        TEXT NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX former_passwords_replaced_at ON former_passwords (replaced_at);

-- +goose Down
DROP TABLE former_passwords;
