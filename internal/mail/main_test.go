package mail_test

import (
	"os"
	"testing"

	"github.com/yoozak/clients/internal/smtptest"
)

// trusted is a certificate that this process takes for an authority's, as a
// program does whose SSL_CERT_FILE names it.
var trusted = smtptest.NewCertificate("127.0.0.1")

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mail")
	if err != nil {
		panic(err)
	}
	if err := os.Setenv("SSL_CERT_FILE", trusted.File(dir)); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
