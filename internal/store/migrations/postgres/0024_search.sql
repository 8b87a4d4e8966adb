-- +goose NO TRANSACTION
-- +goose Up
-- What is searched of a user, folded (package fold), and the version of the rule that made it: 0 is none. A job fills it.
-- Each block is a transaction that lets go of the table of users when it does not get it, and can be run again.
DO $$ BEGIN PERFORM set_config('lock_timeout', '3s', TRUE); ALTER TABLE users
    ADD COLUMN IF NOT EXISTS search TEXT COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN IF NOT EXISTS search_version SMALLINT NOT NULL DEFAULT 0; END $$;

-- The pieces of that text, as numbers. They are no column of users: a login would write them anew.
DO $$ BEGIN PERFORM set_config('lock_timeout', '3s', TRUE); CREATE TABLE IF NOT EXISTS user_grams (user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    grams SMALLINT[] NOT NULL); END $$;
CREATE INDEX IF NOT EXISTS user_grams_grams ON user_grams USING gin (grams) WITH (gin_pending_list_limit = 256);

-- A server of the previous release changes names and does not know the text.
CREATE OR REPLACE FUNCTION users_search_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.search_version := 0; RETURN NEW; END $$;
DO $$ BEGIN PERFORM set_config('lock_timeout', '3s', TRUE); DROP TRIGGER IF EXISTS users_search_changed ON users; CREATE TRIGGER users_search_changed
    BEFORE UPDATE OF username, email, first_name, last_name ON users
    FOR EACH ROW WHEN (NEW.search = OLD.search AND (NEW.username, NEW.email, NEW.first_name, NEW.last_name) <> (OLD.username, OLD.email, OLD.first_name, OLD.last_name))
    EXECUTE FUNCTION users_search_changed(); END $$;

DROP INDEX CONCURRENTLY IF EXISTS users_search_stale;
CREATE INDEX CONCURRENTLY users_search_stale ON users (id) WHERE search_version <> 1;

-- The orders and the filters of the staff's list. With id + 0 no plan takes the primary key for what ties, and reads half of the table.
-- What is included keeps a plan in the index: a page of the table for each candidate is what costs.
DROP INDEX CONCURRENTLY IF EXISTS users_joined_at;
CREATE INDEX CONCURRENTLY users_joined_at ON users (joined_at, (id + 0)) INCLUDE (id);
DROP INDEX CONCURRENTLY IF EXISTS users_last_login_at;
CREATE INDEX CONCURRENTLY users_last_login_at ON users (last_login_at, (id + 0)) INCLUDE (id);
DROP INDEX CONCURRENTLY IF EXISTS users_email_key_id;
CREATE INDEX CONCURRENTLY users_email_key_id ON users (email_key, (id + 0)) INCLUDE (id);
DROP INDEX CONCURRENTLY IF EXISTS users_kind;
CREATE INDEX CONCURRENTLY users_kind ON users ((CASE WHEN closed_at IS NOT NULL THEN 2 WHEN is_active THEN 0 ELSE 1 END), (CASE WHEN email_verified_at IS NULL THEN 0 ELSE 1 END), language)
    INCLUDE (id, closed_at, is_active, email_verified_at);
DROP INDEX CONCURRENTLY IF EXISTS users_email_key;

-- +goose Down
CREATE INDEX users_email_key ON users (email_key);
DROP INDEX users_kind;
DROP INDEX users_email_key_id;
DROP INDEX users_last_login_at;
DROP INDEX users_joined_at;
DROP INDEX users_search_stale;
DROP TRIGGER users_search_changed ON users;
DROP FUNCTION users_search_changed;
DROP TABLE user_grams;
ALTER TABLE users DROP COLUMN search_version, DROP COLUMN search;
