package store

import (
	"context"
	"path/filepath"
)

// Room is the disk that an import takes, in bytes.
type Room struct {
	Users  int64  // that are new
	During int64  // until the import ends
	After  int64  // from then on
	Folder string // where; "" is a PostgreSQL server
	Free   int64  // there; negative: not known
}

// What a user of an import takes in the database, as measured with hashes and
// addresses of the usual length; and what is written beside the database until
// it ends. SQLite writes each page into its log first; sorting the names takes
// the rest. PostgreSQL's log has every row, and pages of indexes over and over.
const (
	sqliteUser, sqliteUserLog     = 400, 450
	postgresUser, postgresUserLog = 640, 800
)

// ImportRoom estimates what an import takes that finds so many users.
func (s *Store) ImportRoom(ctx context.Context, found int64) (Room, error) {
	here, err := queryValue[int64](ctx, s, "count users", `SELECT count(*) FROM users`)
	if err != nil {
		return Room{}, err
	}
	r := Room{Users: max(0, found-here), Free: -1}
	if s.postgres != nil {
		r.After, r.During = r.Users*postgresUser, r.Users*(postgresUser+postgresUserLog)
		return r, nil
	}
	r.After, r.During = r.Users*sqliteUser, r.Users*(sqliteUser+sqliteUserLog)
	file, err := s.file(ctx)
	if err != nil {
		return Room{}, err
	}
	r.Folder = filepath.Dir(file)
	if free, _, known := DiskSpace(r.Folder); known {
		r.Free = free
	}
	return r, nil
}

// file is the path of a SQLite database.
func (s *Store) file(ctx context.Context) (string, error) {
	return queryValue[string](ctx, s, "find the database's file", `
		SELECT file
		FROM pragma_database_list
		WHERE name = 'main'`)
}
