-- +goose Up
-- What is searched of a user, folded (package fold), and the version of the rule that made it: 0 is none. A job fills it.
ALTER TABLE users ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN search_version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_search_stale ON users (id) WHERE search_version <> 1;

-- The pieces of that text, as numbers: the index without the text.
CREATE VIRTUAL TABLE user_grams USING fts5(grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');

-- A server of the previous release changes names and does not know the text.
-- +goose StatementBegin
CREATE TRIGGER users_search_changed AFTER UPDATE OF username, email, first_name, last_name ON users
WHEN NEW.search = OLD.search AND (NEW.username <> OLD.username OR NEW.email <> OLD.email OR NEW.first_name <> OLD.first_name OR NEW.last_name <> OLD.last_name)
BEGIN
    UPDATE users SET search_version = 0 WHERE id = NEW.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_search_deleted AFTER DELETE ON users
BEGIN
    DELETE FROM user_grams WHERE rowid = OLD.id;
END;
-- +goose StatementEnd

-- The orders and the filters of the staff's list.
CREATE INDEX users_joined_at ON users (joined_at);
CREATE INDEX users_last_login_at ON users (last_login_at);
CREATE INDEX users_kind ON users ((CASE WHEN closed_at IS NOT NULL THEN 2 WHEN is_active THEN 0 ELSE 1 END), (CASE WHEN email_verified_at IS NULL THEN 0 ELSE 1 END), language);

-- +goose Down
DROP INDEX users_kind;
DROP INDEX users_last_login_at;
DROP INDEX users_joined_at;
DROP TRIGGER users_search_deleted;
DROP TRIGGER users_search_changed;
DROP TABLE user_grams;
DROP INDEX users_search_stale;
ALTER TABLE users DROP COLUMN search_version;
ALTER TABLE users DROP COLUMN search;
