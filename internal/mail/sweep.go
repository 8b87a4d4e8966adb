package mail

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// What [Sender.write] names its files, whole ones and those under way.
var (
	fileName      = regexp.MustCompile(`^\d{8}-\d{6}-\d{6,}-([a-z_]+)\.eml$`)
	temporaryName = regexp.MustCompile(`^\.\d+\.tmp$`)
)

// keepTemporary is for a file that a server was writing when it died.
const keepTemporary = time.Hour

// Sweep deletes the mails of the folder that were written longer ago than
// keep says for their kind, and says how many. Files of other names are not
// ours and stay. With SMTP there is nothing to do.
func (s *Sender) Sweep(ctx context.Context, now time.Time, keep func(account.MailKind) time.Duration) (int, error) {
	if s.folder == "" {
		return 0, nil
	}
	files, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	deleted := 0
	for _, f := range files {
		if ctx.Err() != nil {
			return deleted, ctx.Err()
		}
		life := keepTemporary
		if name := fileName.FindStringSubmatch(f.Name()); name != nil {
			life = keep(account.MailKind(name[1]))
		} else if !temporaryName.MatchString(f.Name()) {
			continue
		}
		info, problem := f.Info()
		if problem != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) <= life {
			continue // or somebody else deleted it
		}
		if problem := os.Remove(filepath.Join(s.folder, f.Name())); problem == nil {
			deleted++
		} else if !errors.Is(problem, fs.ErrNotExist) {
			err = errors.Join(err, problem)
		}
	}
	return deleted, err
}
