// Command enumeration measures whether the time of an answer tells who has
// an account. It asks a running server in turns about somebody who exists and
// somebody who does not, and prints the medians and their ratio; a ratio
// within a tenth of 1 tells nothing in practice. The server must have no
// limits on requests or mails in the way:
//
//	bin/yoozak serve
//	go run ./bench/enumeration -url http://127.0.0.1:8000
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"
)

const password = "kV7-pazouk-42-lemon"

// pair is one question in two forms, which must be answered alike.
type pair struct {
	name, path     string
	known, unknown func() map[string]string
	status         int
}

func main() {
	url := flag.String("url", "http://127.0.0.1:8000", "the server")
	tries := flag.Int("tries", 200, "questions of each form")
	flag.Parse()
	if err := run(*url, *tries); err != nil {
		fmt.Fprintln(os.Stderr, "enumeration:", err)
		os.Exit(1)
	}
}

func run(url string, tries int) error {
	// Many, so that none has more mails than usual.
	var people []string
	for range max(1, tries/4) {
		n := name()
		body := map[string]string{"username": n, "password": password, "email": n + "@example.ma"}
		if _, err := ask(url+"/api/clients/auth/register/", body, http.StatusCreated); err != nil {
			return err
		}
		people = append(people, n)
	}
	next := 0
	somebody := func() string {
		next++
		return people[next%len(people)]
	}
	pairs := []pair{
		{
			"login, username", "auth/login/",
			func() map[string]string {
				return map[string]string{"username": somebody(), "password": "wrong-" + password}
			},
			func() map[string]string {
				return map[string]string{"username": name(), "password": "wrong-" + password}
			},
			http.StatusUnauthorized,
		}, {
			"login, e-mail", "auth/login/",
			func() map[string]string {
				return map[string]string{"username": somebody() + "@example.ma", "password": "wrong-" + password}
			},
			func() map[string]string {
				return map[string]string{"username": name() + "@example.ma", "password": "wrong-" + password}
			},
			http.StatusUnauthorized,
		}, {
			"password reset", "auth/password/reset/",
			func() map[string]string { return map[string]string{"email": somebody() + "@example.ma"} },
			func() map[string]string { return map[string]string{"email": name() + "@example.ma"} },
			http.StatusAccepted,
		}, {
			"register, e-mail", "auth/register/",
			func() map[string]string {
				return map[string]string{"username": name(), "password": password, "email": somebody() + "@example.ma"}
			},
			func() map[string]string {
				n := name()
				return map[string]string{"username": n, "password": password, "email": n + "@example.ma"}
			},
			http.StatusCreated,
		},
	}
	fmt.Println("| question | known (ms) | unknown (ms) | known / unknown |\n| --- | --- | --- | --- |")
	for _, p := range pairs {
		var known, unknown []time.Duration
		for i := range tries {
			if i%2 == 1 { // whoever comes second has the other's mail delivered meanwhile
				p.known, p.unknown, known, unknown = p.unknown, p.known, unknown, known
			}
			k, err := ask(url+"/api/clients/"+p.path, p.known(), p.status)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			u, err := ask(url+"/api/clients/"+p.path, p.unknown(), p.status)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			known, unknown = append(known, k), append(unknown, u)
			if i%2 == 1 {
				p.known, p.unknown, known, unknown = p.unknown, p.known, unknown, known
			}
		}
		k, u := median(known), median(unknown)
		fmt.Printf("| %s | %.3f | %.3f | %.3f |\n", p.name, k, u, k/u)
	}
	return nil
}

func ask(url string, body map[string]string, want int) (time.Duration, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	res, err := http.Post(url, "application/json", bytes.NewReader(data)) //nolint:noctx // a measurement
	if err != nil {
		return 0, err
	}
	answer, err := io.ReadAll(res.Body)
	took := time.Since(began)
	_ = res.Body.Close()
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%d %.200s, want %d", res.StatusCode, answer, want)
	}
	return took, err
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}

func name() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "m" + hex.EncodeToString(b[:])
}
