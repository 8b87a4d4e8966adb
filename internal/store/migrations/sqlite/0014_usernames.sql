-- +goose Up
-- The index of usernames gets a name. One that belongs to a UNIQUE inside a table cannot be dropped, so an import into an empty
-- table could not build it after the rows. Only the text of the schema changes, in the way of lang_altertable.html, section 7:
-- what both indexes hold is the same. To rebuild the table would copy every user.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, 'TEXT NOT NULL UNIQUE,', 'TEXT NOT NULL,')
WHERE type = 'table' AND name = 'users';
UPDATE sqlite_schema
SET name = 'users_username', sql = 'CREATE UNIQUE INDEX users_username ON users (username)'
WHERE type = 'index' AND name = 'sqlite_autoindex_users_1'
  AND EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'users' AND sql NOT LIKE '%UNIQUE%');
PRAGMA writable_schema = RESET;
-- A change of the schema that other connections see, so that they read it again.
CREATE TABLE schema_changed (id INTEGER PRIMARY KEY);
DROP TABLE schema_changed;
