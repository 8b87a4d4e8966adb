//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/argon2"
)

// bareAnswer is what the bare server answers on a path: the same bytes as the real one, without any work.
type bareAnswer struct {
	Method string              `json:"method"`
	Path   string              `json:"path"`
	Status int                 `json:"status"`
	Header map[string][]string `json:"header"`
	Body   []byte              `json:"body"`
}

// serveBare is the limit that requests a second are held against: net/http alone, until ctx ends.
func serveBare(ctx context.Context, addr, answersFile string) error {
	content, err := os.ReadFile(answersFile)
	if err != nil {
		return err
	}
	var answers []bareAnswer
	if err := json.Unmarshal(content, &answers); err != nil {
		return fmt.Errorf("read %s: %w", answersFile, err)
	}
	server := &http.Server{Addr: addr, Handler: bareHandler(answers), ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func bareHandler(answers []bareAnswer) http.Handler {
	mux := http.NewServeMux()
	for _, a := range answers {
		mux.HandleFunc(a.Method+" "+a.Path+"{$}", func(w http.ResponseWriter, r *http.Request) {
			if a.Method != http.MethodGet {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			header := w.Header()
			for name, values := range a.Header {
				header[name] = values
			}
			w.WriteHeader(a.Status)
			_, _ = w.Write(a.Body)
		})
	}
	return mux
}

// The parameters of the product's password hashes.
const (
	argon2Memory = 19456 // KiB
	argon2Time   = 2
)

// hashRate is what hashBare prints.
type hashRate struct {
	Hashes  int     `json:"hashes"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
}

// hashBare is the limit that logins a second are held against: Argon2id and nothing else, one after
// another on the core that it is given. It prints a hashRate.
func hashBare(duration time.Duration) error {
	password, salt := []byte("Boussole-Atlas-77"), make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	hash := func() { argon2.IDKey(password, salt, argon2Time, argon2Memory, 1, 32) }
	hash()
	before := cpuMeter{}.read()
	start := time.Now()
	var rate hashRate
	for time.Since(start) < duration {
		hash()
		rate.Hashes++
	}
	rate.Seconds = time.Since(start).Seconds()
	rate.CPU = cpuMeter{}.read().load - before.load
	return json.NewEncoder(os.Stdout).Encode(rate)
}
