-- +goose Up
-- What a webhook's receiver took, and what it refused for good.
ALTER TABLE webhooks
    ADD COLUMN accepted_at  TIMESTAMPTZ,                 -- when a client's message was last accepted
    ADD COLUMN given_up     BIGINT NOT NULL DEFAULT 0,   -- messages, since all that were given up were last replayed
    ADD COLUMN given_up_at  TIMESTAMPTZ,                 -- the last of those that were refused for too long
    ADD COLUMN given_up_why TEXT   NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE webhooks
    DROP COLUMN accepted_at,
    DROP COLUMN given_up,
    DROP COLUMN given_up_at,
    DROP COLUMN given_up_why;
