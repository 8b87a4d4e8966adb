-- +goose Up
-- By which factor a session's user last showed all that is asked of them: its id, or "recovery"; empty: by none.
ALTER TABLE sessions ADD COLUMN proved_by TEXT NOT NULL DEFAULT '';

-- Whether a passkey opens nothing alone, until it was shown after the password: somebody took the account back since it
-- was added, and may have done so from whoever added it.
ALTER TABLE passkeys ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE passkeys DROP COLUMN held;
ALTER TABLE sessions DROP COLUMN proved_by;
