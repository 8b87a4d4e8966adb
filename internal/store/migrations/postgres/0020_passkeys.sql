-- +goose Up
-- What WebAuthn keeps of a factor that is a passkey (Web Authentication Level 3, "credential record").
CREATE TABLE passkeys (
    factor_id       TEXT COLLATE "C" PRIMARY KEY REFERENCES factors (id) ON DELETE CASCADE,
    user_id         BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id   BYTEA NOT NULL,
    public_key      BYTEA NOT NULL,    -- a COSE_Key (RFC 9052, section 7)
    algorithm       BIGINT NOT NULL, -- of COSE
    sign_count      BIGINT NOT NULL,
    aaguid          TEXT NOT NULL,    -- the model of the authenticator, as a UUID
    transports      TEXT NOT NULL,    -- separated by spaces
    backup_eligible BOOLEAN NOT NULL,
    backed_up       BOOLEAN NOT NULL,
    rp_id           TEXT NOT NULL     -- the relying party for which it was made
);
CREATE UNIQUE INDEX passkeys_credential_id ON passkeys (credential_id);
CREATE INDEX passkeys_user_id ON passkeys (user_id);

-- By what an authenticator knows a user: made once, random, and never the user's number.
CREATE TABLE user_handles (
    user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    handle  BYTEA NOT NULL -- 64 random bytes
);

-- What an authenticator was asked, until its answer comes. The row is deleted by whoever reads it.
CREATE TABLE ceremonies (
    hash           TEXT COLLATE "C" PRIMARY KEY, -- SHA-256 of its id
    kind           TEXT NOT NULL,
    user_id        BIGINT REFERENCES users (id) ON DELETE CASCADE, -- NULL: whoever has a passkey
    session_id     TEXT NOT NULL,    -- in which it was asked for; empty: in none
    challenge_hash TEXT NOT NULL,    -- of the login that waits for it; empty: none does
    challenge      BYTEA NOT NULL,    -- what is to be signed
    offered        TEXT NOT NULL,    -- the algorithms, or the credentials, that were; separated by spaces
    rp_id          TEXT NOT NULL,
    expires_at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX ceremonies_expires_at ON ceremonies (expires_at);
CREATE INDEX ceremonies_user_id ON ceremonies (user_id) WHERE user_id IS NOT NULL;

-- +goose Down
DROP TABLE ceremonies;
DROP TABLE user_handles;
DROP TABLE passkeys;
