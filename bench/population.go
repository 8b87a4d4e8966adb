//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// client is one registered user with the session that the registration opened.
type client struct {
	username string
	access   string
	refresh  string
}

// population is a database with users, made over the API alone.
type population struct {
	database string
	clients  []client // hashed with minimal parameters, as nobody measures their logins
	shoppers []client // hashed as in production, for logins
}

const password = "Boussole-Atlas-77"

// populate returns the database of an engine and algorithm, and makes it the first time.
func (b *bench) populate(engine, algorithm string) (*population, error) {
	key := engine + "_" + strings.ToLower(algorithm)
	if p := b.populations[key]; p != nil {
		return p, nil
	}
	p := &population{}
	var err error
	if p.database, err = b.newDatabase(engine, key); err != nil {
		return nil, err
	}
	s := setting{database: p.database, algorithm: algorithm, core: -1, fastHash: true}
	if p.clients, err = b.registerAll(s, "client", b.options.users); err != nil {
		return nil, fmt.Errorf("make users: %w", err)
	}
	s.fastHash = false
	if p.shoppers, err = b.registerAll(s, "shopper", b.options.shoppers); err != nil {
		return nil, fmt.Errorf("make users: %w", err)
	}
	b.log.Info("populated", "engine", engine, "algorithm", algorithm, "users", len(p.clients)+len(p.shoppers))
	b.populations[key] = p
	return p, nil
}

func (b *bench) newDatabase(engine, name string) (string, error) {
	if engine == sqlite {
		return "sqlite:" + filepath.Join(b.dir, name+".db"), nil
	}
	if b.postgres == nil {
		var err error
		b.postgres, err = startPostgres(b.ctx, b.dir, b.options.serverCore, b.options.tcp, b.options.postgres...)
		if err != nil {
			return "", err
		}
	}
	return b.postgres.create(b.ctx, name)
}

// registerAll starts a server for as long as it takes to register count users.
func (b *bench) registerAll(s setting, prefix string, count int) ([]client, error) {
	y, err := b.startYoozak(s)
	if err != nil {
		return nil, err
	}
	defer y.end()

	const workers = 8
	clients := make([]client, count)
	failures := make([]error, workers)
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			c, err := dial(y.addr)
			if err != nil {
				failures[worker] = err
				return
			}
			defer c.close()
			for i := worker; i < count && b.ctx.Err() == nil; i += workers {
				if clients[i], err = register(c, fmt.Sprintf("%s-%05d", prefix, i)); err != nil {
					failures[worker] = err
					return
				}
			}
		})
	}
	wait.Wait()
	return clients, errors.Join(append(failures, b.ctx.Err())...)
}

func register(c *conn, username string) (client, error) {
	answer, err := c.do(registration(username), 30*time.Second)
	if err != nil {
		return client{}, err
	}
	if answer.status != 201 {
		return client{}, unexpectedStatus(answer, 201)
	}
	var tokens struct{ Access, Refresh string }
	if err := json.Unmarshal(answer.body, &tokens); err != nil {
		return client{}, fmt.Errorf("answer to register: %w", err)
	}
	return client{username: username, access: tokens.Access, refresh: tokens.Refresh}, nil
}

func registration(username string) []byte {
	return postRequest(registerPath, fmt.Appendf(nil,
		`{"username":%q,"password":%q,"email":"%s@example.com","first_name":"Amina","last_name":"El Idrissi"}`,
		username, password, username))
}

func (p *population) meRequests() [][]byte {
	requests := make([][]byte, len(p.clients))
	for i, c := range p.clients {
		requests[i] = getRequest(mePath, c.access)
	}
	return requests
}

func (p *population) sessionsRequests() [][]byte {
	requests := make([][]byte, len(p.clients))
	for i, c := range p.clients {
		requests[i] = getRequest(sessionsPath, c.access)
	}
	return requests
}

func (p *population) refreshRequests() [][]byte {
	requests := make([][]byte, len(p.clients))
	for i, c := range p.clients {
		requests[i] = postRequest(refreshPath, fmt.Appendf(nil, `{"refresh":%q}`, c.refresh))
	}
	return requests
}

func (p *population) loginRequests() [][]byte {
	requests := make([][]byte, len(p.shoppers))
	for i, c := range p.shoppers {
		requests[i] = postRequest(loginPath, fmt.Appendf(nil, `{"username":%q,"password":%q}`, c.username, password))
	}
	return requests
}

// proveMe sends each GET me once and looks for the right user in the answer: a fast wrong answer is worth nothing.
func (p *population) proveMe(addr string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	for i, request := range p.meRequests() {
		answer, err := c.do(request, 10*time.Second)
		if err != nil {
			return err
		}
		if answer.status != 200 || !bytes.Contains(answer.body, []byte(`"`+p.clients[i].username+`"`)) {
			return fmt.Errorf("GET me of %s answered %d %.200s", p.clients[i].username, answer.status, answer.body)
		}
	}
	return nil
}
