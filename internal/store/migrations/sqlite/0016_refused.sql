-- +goose Up
-- What a webhook's receiver took, and what it refused for good.
ALTER TABLE webhooks ADD COLUMN accepted_at  TIMESTAMP;                  -- when a client's message was last accepted
ALTER TABLE webhooks ADD COLUMN given_up     INTEGER NOT NULL DEFAULT 0; -- messages, since all that were given up were last replayed
ALTER TABLE webhooks ADD COLUMN given_up_at  TIMESTAMP;                  -- the last of those that were refused for too long
ALTER TABLE webhooks ADD COLUMN given_up_why TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE webhooks DROP COLUMN accepted_at;
ALTER TABLE webhooks DROP COLUMN given_up;
ALTER TABLE webhooks DROP COLUMN given_up_at;
ALTER TABLE webhooks DROP COLUMN given_up_why;
