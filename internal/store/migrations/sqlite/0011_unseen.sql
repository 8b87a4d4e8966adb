-- +goose Up
-- The id of a refresh token that another was exchanged for, as long as
-- nothing was seen of it. It counts only while it is refresh_id: a release
-- that does not know the column leaves it as it is.
ALTER TABLE sessions ADD COLUMN unseen_id TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN unseen_id;
