-- +goose Up
-- The live sessions of a user are looked for at each login; those that have ended may be many.
CREATE INDEX sessions_user_live ON sessions (user_id, revoked_at);
DROP INDEX sessions_user_id;

-- +goose Down
CREATE INDEX sessions_user_id ON sessions (user_id);
DROP INDEX sessions_user_live;
