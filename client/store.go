package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Tokens are a person's. The zero value is nobody's: logged out. Whoever has
// them is that person.
type Tokens struct {
	Access      string
	Refresh     string
	AccessUntil time.Time // the end of Access, by the clock of this machine
}

// Format prints whether there are tokens, and none of them.
func (t Tokens) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, map[bool]string{true: "tokens", false: "no tokens"}[t.Refresh != ""])
}

// Store keeps one person's tokens. Methods may be called from several
// goroutines. Two processes may share one: before it renews, each looks what
// the other has stored. Where that is another person's, or nothing, what it
// began before ends with [ErrLoggedOut], and its next call begins with what is
// stored.
type Store interface {
	// Load returns what was saved last; the zero value if nothing was.
	Load(ctx context.Context) (Tokens, error)
	// Save replaces it whole, or returns an error and changes nothing.
	Save(ctx context.Context, t Tokens) error
}

// MemoryStore forgets everything with the process. The zero value works.
type MemoryStore struct {
	mu     sync.Mutex
	tokens Tokens
}

// Format prints a MemoryStore without its tokens.
func (s *MemoryStore) Format(f fmt.State, _ rune) { fmt.Fprint(f, "tokens in memory") }

// Load is [Store]'s.
func (s *MemoryStore) Load(context.Context) (Tokens, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens, nil
}

// Save is [Store]'s.
func (s *MemoryStore) Save(_ context.Context, t Tokens) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = t
	return nil
}

// FileStore keeps tokens in a file that only its owner can read, in clear:
// its folder has to be one that others cannot write to.
type FileStore struct {
	Path string

	mu sync.Mutex
}

// fileVersion is of the file's form. One of another version is left alone.
const fileVersion = 1

type tokenFile struct {
	Version     int       `json:"version"`
	Access      string    `json:"access"`
	Refresh     string    `json:"refresh"`
	AccessUntil time.Time `json:"access_until"`
}

// Load is [Store]'s. A file that cannot be understood is set aside, as
// PATH.broken, and nobody is logged in.
func (s *FileStore) Load(context.Context) (Tokens, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := os.ReadFile(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return Tokens{}, nil
	}
	if err != nil {
		return Tokens{}, err
	}
	var f tokenFile
	if err := json.Unmarshal(data, &f); err != nil || f.Version < 1 {
		return Tokens{}, os.Rename(s.Path, s.Path+".broken")
	}
	if f.Version != fileVersion {
		return Tokens{}, fmt.Errorf("%s is of version %d, which this program does not know", s.Path, f.Version)
	}
	return Tokens{Access: f.Access, Refresh: f.Refresh, AccessUntil: f.AccessUntil}, nil
}

// Save is [Store]'s. The file is replaced whole: after a crash it has these
// tokens or those before.
func (s *FileStore) Save(_ context.Context, t Tokens) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t == (Tokens{}) {
		if err := os.Remove(s.Path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	data, err := json.Marshal(tokenFile{fileVersion, t.Access, t.Refresh, t.AccessUntil})
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.Path), filepath.Base(s.Path)+".*") // readable by its owner alone
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), s.Path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
