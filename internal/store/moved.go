package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/yoozak/clients/internal/account"
)

// errMoved says that the path of a SQLite database leads elsewhere than when
// it was opened. What was written would be in a file that nobody looks at any
// more, and be lost; and what was put there, most likely a backup, is for a
// server that starts to judge.
var errMoved = fmt.Errorf("%w: the file of the database was moved, removed or replaced while this program has it open: nothing more is written; start it again", account.ErrUnavailable)

// openedFile is a SQLite database's, as it was opened.
type openedFile struct {
	path string
	info os.FileInfo
}

// stillThere returns [errMoved] when the path leads to another file, or to
// none.
func (f openedFile) stillThere() error {
	now, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(f.info, now) {
		return errMoved
	}
	return nil // of what else is wrong SQLite has its own word
}

// fileConnector opens connections to a file for as long as it is there, so
// that of one process none leads to another file than the others.
type fileConnector struct {
	driver.Connector
	file openedFile
}

// Connect opens a connection.
func (c fileConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.file.stillThere(); err != nil {
		return nil, err
	}
	return c.Connector.Connect(ctx)
}
