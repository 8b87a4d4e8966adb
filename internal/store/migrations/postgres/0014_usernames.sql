-- +goose Up
-- The index of usernames gets the name that it has in SQLite.
ALTER INDEX users_username_key RENAME TO users_username;

-- +goose Down
ALTER INDEX users_username RENAME TO users_username_key;
