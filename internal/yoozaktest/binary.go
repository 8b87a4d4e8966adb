package yoozaktest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Binary is the path of yoozak, built from the source that is there. Test
// processes take turns to build it into one place; where it is up to date,
// that is a look.
func Binary(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(folder(tb), "yoozak")
}

// Shadow is the path of yoozak-shadow, which is beside yoozak.
func Shadow(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(folder(tb), "yoozak-shadow")
}

func folder(tb testing.TB) string {
	tb.Helper()
	dir, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

var build = sync.OnceValues(func() (string, error) {
	module, root, err := folders()
	if err != nil {
		return "", err
	}
	if err := errors.Join(look(module+root+"/cmd"), look(module+root+"/internal")); err != nil {
		return "", err
	}
	// A folder for each copy of the source.
	source := filepath.Clean(module + root)
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "yoozaktest", fmt.Sprintf("%x", sha256.Sum256([]byte(source)))[:16])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(dir, "lock")) //nolint:gosec // a folder of our own
	if err != nil {
		return "", err
	}
	defer lock.Close() //nolint:errcheck // which also unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", &os.PathError{Op: "lock", Path: lock.Name(), Err: err}
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", dir+"/", "./cmd/...") //nolint:gosec,noctx // a folder of our own
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir, nil
})

// folders finds the module that is tested, and from there the one that has
// the product: "" or "/..".
func folders() (module, root string, err error) {
	module, err = os.Getwd()
	for err == nil && module != "/" {
		if _, none := os.Stat(filepath.Join(module, "go.mod")); none == nil {
			for _, root := range []string{"", "/.."} {
				if _, none := os.Stat(module + root + "/cmd/yoozak"); none == nil {
					return module, root, nil
				}
			}
		}
		module = filepath.Dir(module)
	}
	return "", "", errors.Join(errors.New("no cmd/yoozak beside a go.mod"), err)
}

// look lists all folders of the source. "go test" keeps a result for as long
// as what the test has looked at is the same, so a test has to look at what
// the binary is made of; by names that begin with the tested module's folder,
// for others do not count. So they are not cleaned of "..".
func look(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" {
			err = errors.Join(err, look(folder+"/"+e.Name()))
		}
	}
	return err
}
