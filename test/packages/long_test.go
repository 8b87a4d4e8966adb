//go:build long

package packages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// run runs a program in the repository's folder and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestAlertsFire: each rule is seen to fire, and to be silent while all is well.
func TestAlertsFire(t *testing.T) {
	rules, err := os.ReadFile("../../packaging/monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("../../packaging/monitoring/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(string(tests), `alertname="`+m[1]+`"`) {
			t.Errorf("%s is never seen to fire", m[1])
		}
	}
	run(t, "promtool", "test", "rules", "packaging/monitoring/alerts_test.yml")
}

// TestUnit: systemd finds no mistake in it, and little that the service is
// exposed to.
func TestUnit(t *testing.T) {
	said := run(t, "systemd-analyze", "security", "--offline=yes", "--no-pager", "packaging/systemd/yoozak.service")
	m := regexp.MustCompile(`exposure level for yoozak.service: ([0-9.]+)`).FindStringSubmatch(said)
	if m == nil {
		t.Fatal(said)
	}
	if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > 1.5 {
		t.Errorf("exposure %s, want 1.5 or less", m[1])
	}
}

// cleanDebian is the root of a Debian of the test's own.
func cleanDebian(t *testing.T) (root string) {
	t.Helper()
	debian.once.Do(func() {
		var err error
		if debian.dir, err = os.MkdirTemp("", "yoozak-debian-"); err != nil {
			t.Fatal(err)
		}
		run(t, "debootstrap", "--variant=minbase", "--include=adduser", "bookworm", filepath.Join(debian.dir, "root"), "http://deb.debian.org/debian")
		debian.whole = true
	})
	if !debian.whole {
		t.Fatal("debootstrap has failed before")
	}
	root = filepath.Join(t.TempDir(), "debian")
	run(t, "cp", "-a", filepath.Join(debian.dir, "root"), root)
	return root
}

// debian is made once: it takes minutes.
var debian struct {
	once  sync.Once
	dir   string
	whole bool
}

func TestMain(m *testing.M) {
	code := m.Run()
	if debian.dir != "" {
		_ = os.RemoveAll(debian.dir)
	}
	os.Exit(code)
}

// TestDebianPackage is installed in a clean Debian and runs there as its unit
// runs it: as its own user, with no capability, a read-only system, no new
// privileges. It is told to systemd that it is ready; it is removed and purged,
// and customers' accounts stay.
func TestDebianPackage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("a clean Debian is made by root: run it with sudo")
	}
	run(t, "make", "binaries", "packages", "PLATFORMS=linux/amd64")
	debs, err := filepath.Glob("../../dist/yoozak_*_amd64.deb")
	if err != nil || len(debs) != 1 { // of another version is another program
		t.Fatalf("the packages are %q, %v", debs, err)
	}
	root := cleanDebian(t)
	run(t, "cp", strings.TrimPrefix(debs[0], "../../"), filepath.Join(root, "root/yoozak.deb"))
	chroot := func(args ...string) string {
		t.Helper()
		return run(t, "chroot", append([]string{root}, args...)...)
	}
	chroot("dpkg", "--install", "/root/yoozak.deb")
	if said := chroot("yoozak", "version"); !strings.HasPrefix(said, "yoozak ") {
		t.Error(said)
	}
	if said := chroot("stat", "-c", "%U %a", "/etc/yoozak/yoozak.env", "/var/lib/yoozak"); said != "root 640\nyoozak 700\n" {
		t.Errorf("owners and modes: %q", said)
	}
	if said := chroot("yoozakctl", "config", "check"); said != "the settings are good\n" {
		t.Error(said)
	}
	for shell, file := range map[string]string{
		"bash": "bash-completion/completions/yoozak", "zsh": "zsh/vendor-completions/_yoozak", "fish": "fish/vendor_completions.d/yoozak.fish",
	} {
		installed, err := os.ReadFile(filepath.Join(root, "usr/share", file))
		if err != nil || string(installed) != chroot("yoozak", "completion", shell) {
			t.Errorf("%s completes %d bytes of commands that are not this program's, %v", shell, len(installed), err)
		}
	}
	for _, name := range []string{"yoozak", "yoozakctl"} { // each is looked for by its name
		if said := chroot("bash", "-c", ". /usr/share/bash-completion/completions/"+name+"; complete -p "+name); said != "complete -F _yoozak "+name+"\n" {
			t.Errorf("bash completes by %q", said)
		}
		if _, err := os.Stat(filepath.Join(root, "usr/share/fish/vendor_completions.d", name+".fish")); err != nil {
			t.Error(err)
		}
	}
	actAsTheService(t, root, chroot)
	backUpAndRestoreAsDocumented(t, chroot)
	installedDocumentsLeadSomewhere(t, root)

	notify := filepath.Join(root, "run/yoozak-notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() //nolint:errcheck // the test is over
	if err := os.Chmod(notify, 0o666); err != nil {
		t.Fatal(err)
	}
	address := porttest.Address(t)
	unit := exec.Command("bwrap", "--ro-bind", root, "/", "--bind", filepath.Join(root, "var/lib/yoozak"), "/var/lib/yoozak",
		"--bind", notify, "/run/yoozak-notify", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/var/lib/yoozak", "--die-with-parent",
		"--info-fd", "3", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP",
		"setpriv", "--reuid=yoozak", "--regid=yoozak", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
		"/usr/bin/yoozak", "serve")
	unit.Env = []string{"PATH=/usr/bin:/bin", "NOTIFY_SOCKET=/run/yoozak-notify", "YOOZAK_LISTEN=" + address, "YOOZAK_DRAIN=0s"}
	log := new(yoozaktest.Buffer)
	unit.Stdout, unit.Stderr = log, log
	info, told, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	unit.ExtraFiles = []*os.File{told}
	if err := unit.Start(); err != nil {
		t.Fatal(err)
	}
	_ = told.Close()
	// bwrap passes no signal on, and setpriv forgets whose death is its own.
	var sandbox struct {
		ChildPID int `json:"child-pid"`
	}
	if err := json.NewDecoder(info).Decode(&sandbox); err != nil || sandbox.ChildPID < 2 {
		t.Fatalf("bwrap tells no process: %v\n%s", err, log)
	}
	t.Cleanup(func() { _ = syscall.Kill(sandbox.ChildPID, syscall.SIGKILL) })
	if err := socket.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, 64)
	n, err := socket.Read(message)
	if err != nil || string(message[:n]) != "READY=1" {
		t.Fatalf("systemd is told %q, %v\n%s", message[:n], err, log)
	}
	res, err := http.Post("http://"+address+"/api/clients/auth/register/", "application/json",
		strings.NewReader(`{"username": "amina", "email": "amina@example.ma", "password": "`+yoozaktest.Password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Errorf("registration in the sandbox: %d\n%s", res.StatusCode, log)
	}
	if err := syscall.Kill(sandbox.ChildPID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := unit.Wait(); err != nil {
		t.Errorf("the server ends with %v\n%s", err, log)
	}
	if said := chroot("dpkg", "--purge", "yoozak"); !strings.Contains(said, "holds customers' accounts and stays") {
		t.Errorf("purge says %s", said)
	}
	if said := chroot("ls", "/var/lib/yoozak"); !strings.Contains(said, "yoozak.db") {
		t.Errorf("the accounts are gone: %s", said)
	}
}

// actAsTheService: yoozakctl has the settings and the secrets that the unit is
// given, shows them to nobody, and leaves none behind. The backup that it makes
// is found by the doctor.
func actAsTheService(t *testing.T, root string, chroot func(args ...string) string) {
	t.Helper()
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	put("etc/yoozak/encryption-key", base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n", 0o600)
	put("etc/systemd/system/yoozak.service.d/override.conf", `[Service]
LoadCredential=encryption-key:/etc/yoozak/encryption-key
Environment=YOOZAK_ENCRYPTION_KEY_FILE=%d/encryption-key
Environment="YOOZAK_MAIL_FROM=The shop <bonjour@shop.example>" YOOZAK_DRAIN=7s 'YOOZAK_JWT_ISSUER=100%% ours'
`, 0o644)
	settings := chroot("cat", "/etc/yoozak/yoozak.env")
	put("etc/yoozak/yoozak.env", settings+"YOOZAK_DRAIN = 8s \n; no setting=\nexport YOOZAK_LANGUAGE=ar\nYOOZAK_SUPPORT=\"aide@shop.example\"", 0o640)
	shown := chroot("yoozakctl", "config", "show")
	for _, want := range []string{ // as systemd has them: the file goes before Environment=
		`YOOZAK_DRAIN +8s +\(variable\)`, `YOOZAK_MAIL_FROM +The shop <bonjour@shop.example> +\(variable\)`, `YOOZAK_JWT_ISSUER +100% ours +\(variable\)`,
		`YOOZAK_LANGUAGE +fr`, `YOOZAK_SUPPORT +aide@shop.example +\(variable\)`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(shown) {
			t.Errorf("yoozakctl's settings have no %q:\n%s", want, shown)
		}
	}
	put("etc/yoozak/yoozak.env", settings, 0o640)
	chroot("yoozakctl", "migrate")
	said := chroot("sh", "-c", "yoozakctl doctor; yoozakctl backup /var/lib/yoozak/b.db && yoozakctl doctor")
	for _, want := range []string{
		"note  backup    no backup has ever been recorded", "ok    backup    the newest backup is of", "ok    files     nobody else may read", "there is no key that signs tokens yet",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("yoozakctl doctor does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "in clear") || strings.Contains(said, "BAD") {
		t.Error(said)
	}
	if owner := chroot("stat", "-c", "%U %a", "/var/lib/yoozak/yoozak.db", "/var/lib/yoozak/b.db"); owner != "yoozak 600\nyoozak 600\n" {
		t.Errorf("the service's files are %q", owner)
	}
	if left := chroot("find", "/run", "-name", "yoozakctl*"); left != "" {
		t.Errorf("secrets are left in %s", left)
	}
	chroot("rm", "-r", "/etc/systemd/system/yoozak.service.d", "/var/lib/yoozak/yoozak.db")
}

// backUpAndRestoreAsDocumented does what docs/operations.md says: the line of
// cron, in cron's environment, which has no /usr/sbin in its PATH, and the
// restore for practice, as often as somebody practises.
func backUpAndRestoreAsDocumented(t *testing.T, chroot func(args ...string) string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(page), "\n## Back up and restore\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	line := regexp.MustCompile(`(?m)^\d+ \d+ \* \* \* root (.+)$`).FindStringSubmatch(chapter)
	restore := regexp.MustCompile("(?s)```sh\n(sudo systemctl stop.+?)```").FindStringSubmatch(chapter)
	if line == nil || restore == nil {
		t.Fatalf("docs/operations.md shows no cron line, or no restore:\n%s", chapter)
	}
	if french, err := os.ReadFile("../../docs/operations.fr.md"); err != nil || !strings.Contains(string(french), line[0]) {
		t.Errorf("docs/operations.fr.md has another line of cron, %v", err)
	}
	chroot("yoozakctl", "migrate")
	chroot("env", "-i", "PATH=/usr/bin:/bin", "SHELL=/bin/sh", "sh", "-c", strings.ReplaceAll(line[1], `\%`, "%"))
	made := strings.TrimSpace(chroot("sh", "-c", "ls /var/backups/yoozak/yoozak-*.db"))
	if said := chroot("yoozakctl", "backup", "--check", made); !strings.Contains(said, "is good") {
		t.Error(said)
	}
	practice := regexp.MustCompile(`(?m)^sudo (systemctl .*\n)?`).ReplaceAllString(restore[1], "")
	practice = strings.NewReplacer("yoozak-DATE.db", filepath.Base(made), "yoozakctl restored", "yoozakctl restored --yes").Replace(practice)
	for range 2 {
		chroot("sh", "-c", "echo newer >/var/lib/yoozak/yoozak.db-wal")
		said := chroot("sh", "-euc", practice)
		if left := chroot("sh", "-c", "cd /var/lib/yoozak && ls"); !strings.Contains(said, "tokens that Django issued") || strings.Contains(left, "yoozak.db-wal") {
			t.Errorf("%s\n%s\nleaves %s", practice, said, left)
		}
	}
	chroot("sh", "-c", "rm -r /var/lib/yoozak/* /var/backups/yoozak")
}

// installedDocumentsLeadSomewhere: what an operator reads on the server leads to
// what is there.
func installedDocumentsLeadSomewhere(t *testing.T, root string) {
	t.Helper()
	folder := filepath.Join(root, "usr/share/doc/yoozak")
	for _, name := range []string{"operations.md", "operations.fr.md", "backup.md", "backup.fr.md", "configuration.md", "keys.md", "console.md", "scale.md", "scale.fr.md"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([a-z][\w./-]*\.md)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(folder, link[1])); err != nil {
				t.Errorf("%s leads to %s: %v", name, link[1], err)
			}
		}
	}
}

// TestImage is built by buildah, which needs no daemon, from a Debian of the
// test's where the Dockerfile says debian:12-slim. It has no file but the program
// and the authorities' certificates, is nobody's who is root, and serves on a
// read-only root.
func TestImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("a clean Debian is made by root: run it with sudo")
	}
	run(t, "make", "binaries", "PLATFORMS=linux/amd64")
	base, storage := cleanDebian(t), t.TempDir()
	buildah := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(run(t, "buildah", append([]string{"--root", storage + "/root", "--runroot", storage + "/run", "--storage-driver", "vfs"}, args...)...))
	}
	container := buildah("from", "scratch")
	buildah("add", "--quiet", container, base, "/")
	buildah("commit", "--quiet", container, "docker.io/library/debian:12-slim")
	buildah("build", "--isolation", "chroot", "--pull-never", "--format", "docker", "--tag", "yoozak", ".")
	container = buildah("from", "--pull-never", "yoozak")
	root := buildah("mount", container) // a folder, with vfs
	files := run(t, "find", root, "-type", "f", "-printf", "/%P %u:%g %m\n")
	if want := "/yoozak root:root 755"; !strings.Contains(files, want) {
		t.Errorf("no %q in the image:\n%s", want, files)
	}
	for file := range strings.Lines(files) {
		name, _, _ := strings.Cut(file, " ")
		if name != "/yoozak" && name != "/etc/ssl/certs/ca-certificates.crt" && name != "/data/README" {
			t.Errorf("the image has %s", name)
		}
	}
	var image struct {
		Docker struct {
			Config struct {
				User, WorkingDir string
				Cmd, Entrypoint  []string
				Healthcheck      struct{ Test []string }
				Volumes          map[string]any
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(buildah("inspect", "--type", "image", "yoozak")), &image); err != nil {
		t.Fatal(err)
	}
	c := image.Docker.Config
	if c.User != "65532:65532" || c.WorkingDir != "/data" || c.Volumes["/data"] == nil || strings.Join(append(c.Entrypoint, c.Cmd...), " ") != "/yoozak serve" ||
		strings.Join(c.Healthcheck.Test, " ") != "CMD /yoozak healthcheck" {
		t.Errorf("the image says %+v", c)
	}

	data := t.TempDir()
	for _, mountpoint := range []string{"proc", "dev"} { // the kernel's, which a runtime of containers puts there
		if err := os.Mkdir(filepath.Join(root, mountpoint), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	address := porttest.Address(t)
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "bwrap", append([]string{
			"--ro-bind", root, "/", "--bind", data, "/data", "--proc", "/proc", "--dev", "/dev", "--unshare-user", "--uid", "65532", "--gid", "65532",
			"--chdir", "/data", "--die-with-parent", "/yoozak",
		}, args...)...)
		cmd.Env = []string{"YOOZAK_LISTEN=" + address, "YOOZAK_DRAIN=0s"}
		return cmd
	}
	server, log := inside("serve"), new(yoozaktest.Buffer)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Process.Kill(), server.Wait() })
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := inside("healthcheck", "--ready").CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("healthcheck: %v %s\n%s", err, out, log)
		}
	}
}

// TestReleaseHasAListOfItsModules: the SBOM is CycloneDX, of this binary.
func TestReleaseHasAListOfItsModules(t *testing.T) {
	run(t, "make", "binaries", "packages", "PLATFORMS=linux/amd64")
	text, err := os.ReadFile("../../dist/yoozak-linux-amd64.cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		BOMFormat  string `json:"bomFormat"`
		Metadata   struct{ Component struct{ Name string } }
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(text, &list); err != nil || list.BOMFormat != "CycloneDX" || list.Metadata.Component.Name != "github.com/yoozak/clients" {
		t.Fatalf("%s: %v", list.BOMFormat, err)
	}
	there := map[string]string{}
	for _, c := range list.Components {
		there[c.Name] = c.Version
	}
	for _, m := range regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(run(t, "go", "version", "-m", "dist/yoozak-linux-amd64"), -1) {
		if there[m[1]] != m[2] {
			t.Errorf("the list has %s %q, the program %s", m[1], there[m[1]], m[2])
		}
	}
	if len(there) < 20 {
		t.Errorf("the list has %d modules", len(there))
	}
}

// TestChart is linted and rendered by helm, with every part on.
func TestChart(t *testing.T) {
	helm := filepath.Join(t.TempDir(), "helm")
	build := exec.Command("go", "build", "-o", helm, "helm.sh/helm/v3/cmd/helm")
	build.Dir = "../../packaging/tools"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run(t, helm, "lint", "--strict", "packaging/helm/yoozak")
	rendered := run(t, helm, "template", "shop", "packaging/helm/yoozak", "--set", "ingress.enabled=true,smtp=true,ingress.tlsSecret=tls")
	for _, want := range []string{"kind: Deployment", "kind: PodDisruptionBudget", "kind: Ingress", "kind: Job", "path: /readyz", "readOnlyRootFilesystem: true", "YOOZAK_SMTP_URL_FILE"} {
		if !strings.Contains(rendered, want) {
			t.Errorf("the rendered chart has no %q:\n%s", want, rendered)
		}
	}
}
