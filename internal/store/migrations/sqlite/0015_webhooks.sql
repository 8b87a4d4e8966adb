-- +goose Up
-- Who is told of acts. There are a few rows, of which a worker changes its own many times a second while it delivers.
CREATE TABLE webhooks (
    id           TEXT PRIMARY KEY,
    url          TEXT NOT NULL,
    types        TEXT NOT NULL, -- separated by spaces; empty: all
    secret       BLOB NOT NULL, -- encrypted, where there is a key for it
    old_secret   BLOB,          -- signs, too, until old_until
    old_until    TIMESTAMP,
    created_at   TIMESTAMP NOT NULL,
    disabled_at  TIMESTAMP,
    disabled_why TEXT NOT NULL,
    sequence     INTEGER NOT NULL, -- the newest place that was given
    version      INTEGER NOT NULL, -- one more with each command that the worker has to hear of
    seen         INTEGER NOT NULL, -- the version by which the worker goes
    lease        TEXT NOT NULL, -- of the server whose worker it is; empty: nobody's
    lease_until  TIMESTAMP
) WITHOUT ROWID;

-- What each is told, and what came of it. An act adds rows without a place; the worker gives places once they are committed.
CREATE TABLE webhook_deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL,
    message_id TEXT NOT NULL, -- webhook-id
    type       TEXT NOT NULL,
    user_id    INTEGER,        -- no reference: it tells of an erasure, too. NULL: about nobody, or they were erased
    fields     TEXT NOT NULL, -- names of what changed, separated by spaces
    at         TIMESTAMP NOT NULL,
    sequence   INTEGER,        -- place within the webhook
    state      TEXT NOT NULL, -- new, waiting, delivered, given_up
    due_at     TIMESTAMP,     -- of the next attempt; NULL: none, or an earlier one of the same user comes first
    attempts   INTEGER NOT NULL,
    first_at   TIMESTAMP,     -- of the first attempt
    tried_at   TIMESTAMP,     -- of the last attempt
    took       INTEGER NOT NULL, -- microseconds
    status     INTEGER NOT NULL, -- of HTTP; 0: no answer
    failure    TEXT NOT NULL  -- why the last attempt failed
);
CREATE INDEX webhook_deliveries_new ON webhook_deliveries (webhook_id, id) WHERE state = 'new';
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, user_id, id) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_user_id ON webhook_deliveries (user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX webhook_deliveries_sequence ON webhook_deliveries (webhook_id, sequence) WHERE sequence IS NOT NULL;

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
