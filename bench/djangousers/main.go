// Command djangousers makes a Django SQLite file with many users, to measure "yoozak import-django" with: real
// columns, names of several lengths, hashes of the length and randomness of PBKDF2's (that nothing can match).
//
//	go run ./bench/djangousers -users 1000000 -out /var/tmp/django.sqlite3
package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver
)

func main() {
	users := flag.Int("users", 1_000_000, "how many")
	out := flag.String("out", "django.sqlite3", "the file; it must not exist")
	flag.Parse()
	if err := generate(context.Background(), *users, *out); err != nil {
		fmt.Fprintln(os.Stderr, "djangousers:", err)
		os.Exit(1)
	}
}

// schema is what Django 3.2 makes of django.contrib.auth.
const schema = `
	CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL,
		"last_login" datetime NULL, "is_superuser" bool NOT NULL, "username" varchar(150) NOT NULL UNIQUE,
		"last_name" varchar(150) NOT NULL, "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL,
		"is_active" bool NOT NULL, "date_joined" datetime NOT NULL, "first_name" varchar(150) NOT NULL)`

func generate(ctx context.Context, users int, path string) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is there already", path)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `
		INSERT INTO auth_user (id, password, last_login, is_superuser, username, last_name, email, is_staff, is_active, date_joined, first_name)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close() //nolint:errcheck // the process ends
	random := rand.New(rand.NewPCG(1, 2))
	for id := 1; id <= users; id++ {
		if _, err := insert.ExecContext(ctx, row(random, id)...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

var (
	first = []string{"Amina", "Badr", "Chaïmae", "Driss", "El Mehdi", "فاطمة الزهراء", "Ghita", "Hamza", "ياسين", "Imane"}
	last  = []string{"Alaoui", "Bennani", "El Idrissi", "بن علي", "Tazi", "Berrada", "Ouazzani Chahdi", "Fassi-Fihri"}
	hosts = []string{"gmail.com", "Example.MA", "menara.ma", "outlook.fr"}
)

func row(random *rand.Rand, id int) []any {
	joined := time.Date(2018, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(id) * 137 * time.Second).Add(time.Duration(random.IntN(1e6)) * time.Microsecond)
	var login any
	if random.IntN(4) > 0 {
		login = date(joined.Add(time.Duration(random.IntN(1000)) * time.Hour))
	}
	// Random, as the names of people are: an index has no easy order to insert them in.
	name := fmt.Sprintf("%s%x", []string{"amina.", "b_", "client-", "yassine"}[random.IntN(4)], uint64(id)*0x9e3779b97f4a7c15>>24)
	return []any{
		id, hash(random), login, id == 1, name, last[random.IntN(len(last))], name + "@" + hosts[random.IntN(len(hosts))],
		id < 20, random.IntN(50) > 0, date(joined), first[random.IntN(len(first))],
	}
}

// date is Django's way to write one into SQLite.
func date(at time.Time) string { return at.Format("2006-01-02 15:04:05.000000") }

func hash(random *rand.Rand) string {
	digest, salt := make([]byte, 32), make([]byte, 22)
	for i := range digest {
		digest[i] = byte(random.Uint32())
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for i := range salt {
		salt[i] = letters[random.IntN(len(letters))]
	}
	return "pbkdf2_sha256$260000$" + string(salt) + "$" + base64.StdEncoding.EncodeToString(digest)
}
