package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mail"
)

// TestFolderIsItsOwnersAlone: the files have links that open accounts.
func TestFolderIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "mails")
	s, err := mail.NewFolder(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	if s.Folder() != dir {
		t.Errorf("folder %q", s.Folder())
	}
	if err := s.Send(t.Context(), example(account.MailResetPassword, "ar"), link); err != nil {
		t.Fatal(err)
	}
	folder, err := os.Stat(dir)
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v; want 0700", folder.Mode().Perm(), err)
	}
	file, err := os.Stat(filepath.Join(dir, "20260605-125656-000007-reset_password.eml"))
	if err != nil {
		t.Fatal(err)
	}
	if file.Mode().Perm() != 0o600 {
		t.Errorf("file %v, want 0600", file.Mode().Perm())
	}
}

// TestFolderHasNoHalfMails: whoever reads the folder while it is written to
// sees whole mails under the names of mails.
func TestFolderHasNoHalfMails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := mail.NewFolder(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	const total = 200
	var writers sync.WaitGroup
	for worker := range 4 {
		writers.Go(func() {
			for n := range total / 4 {
				m := example(account.MailVerifyEmail, "fr")
				m.ID = int64(1000*worker + n)
				if err := s.Send(t.Context(), m, link); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasPrefix(filepath.Base(file), ".") {
				continue // being written
			}
			raw, err := os.ReadFile(file)
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(raw)), "--") {
				t.Fatalf("%s is not whole: %v", file, err)
			}
		}
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != total {
		t.Errorf("%d files, %v; want %d and nothing beside them", len(all), err, total)
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := mail.NewFolder(filepath.Join(file, "mails"), from)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link)
	if err == nil || mail.Permanent(err) {
		t.Fatalf("got %v, want an error that may pass", err)
	}
	if reason := private(t, err); reason != "mkdir: not a directory" {
		t.Errorf("reason %q", reason)
	}
}

// TestOldMailsOfTheFolderAreDeleted, and nothing that is not ours.
func TestOldMailsOfTheFolderAreDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := mail.NewFolder(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	for name, age := range map[string]time.Duration{
		"20260605-125656-000007-reset_password.eml": 25 * time.Hour, "20260605-125656-000008-reset_password.eml": 23 * time.Hour,
		"20260605-125656-000009-email_changed.eml": 6 * 24 * time.Hour, "20260605-125656-1000009-email_changed.eml": 8 * 24 * time.Hour,
		".1234.tmp": 2 * time.Hour, ".1235.tmp": time.Minute,
		"notes.eml": 1000 * time.Hour, "20260605-125656-000007-reset_password.eml.bak": 1000 * time.Hour, "20260605-hello.eml": 1000 * time.Hour,
		".gitignore": 1000 * time.Hour, "x.tmp": 1000 * time.Hour,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "20250605-125656-000001-reset_password.eml"), 0o700); err != nil {
		t.Fatal(err)
	}
	n, err := s.Sweep(t.Context(), now, func(kind account.MailKind) time.Duration {
		return map[account.MailKind]time.Duration{account.MailResetPassword: 24 * time.Hour, account.MailEmailChanged: 7 * 24 * time.Hour}[kind]
	})
	if n != 3 || err != nil {
		t.Errorf("%d deleted, %v; want 3", n, err)
	}
	for _, gone := range []string{"20260605-125656-000007-reset_password.eml", "20260605-125656-1000009-email_changed.eml", ".1234.tmp"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", gone, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 9 {
		t.Errorf("%d files are left, %v; want 9", len(left), err)
	}
}

func TestSweepOfAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	s, err := mail.NewFolder(filepath.Join(t.TempDir(), "mails"), from)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), time.Now(), func(account.MailKind) time.Duration { return 0 }); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
