package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/yoozak/clients/internal/account"
)

// groupCommitter gives SQLite's one writer to many callers. While one commit waits
// for the disk, the transactions that arrive queue up and go together into
// the next: each in a savepoint of its own, so that one can fail without
// the others, and all in one commit, so that durability costs one sync.
// A caller gets its answer after that commit.
type groupCommitter struct {
	db      *sql.DB
	file    openedFile
	conn    *sql.Conn
	q       *stmtCache
	most    int
	jobs    chan *writeJob
	closing chan struct{}
	done    chan struct{}
}

type writeJob struct {
	ctx    context.Context
	fn     func(querier) error
	taken  atomic.Bool // by the writer, which then answers; or by its caller, who left
	err    error
	answer chan struct{}
}

const (
	defaultBatch = 128
	queuedWrites = 1024
)

func newGroupCommitter(ctx context.Context, db *sql.DB, file openedFile, most int) (*groupCommitter, error) {
	db.SetMaxOpenConns(2) // the writer's, and one for a migration
	db.SetMaxIdleConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if most <= 0 {
		most = defaultBatch
	}
	b := &groupCommitter{
		db: db, file: file, conn: conn, q: &stmtCache{db: conn}, most: most,
		jobs: make(chan *writeJob, queuedWrites), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go b.run()
	return b, nil
}

var errClosed = fmt.Errorf("%w: the database is closed", account.ErrUnavailable)

// do queues fn and waits for its commit. A caller that gives up while fn is
// queued gets its answer then, and fn never runs; once fn runs, its answer is
// waited for.
func (b *groupCommitter) do(ctx context.Context, fn func(querier) error) error {
	job := &writeJob{ctx: ctx, fn: fn, answer: make(chan struct{})}
	select {
	case b.jobs <- job:
	case <-ctx.Done():
		return mendSQLite(ctx.Err())
	case <-b.closing:
		return errClosed
	}
	select {
	case <-job.answer:
		return job.err
	case <-b.done:
	case <-ctx.Done():
		if job.taken.CompareAndSwap(false, true) {
			return mendSQLite(ctx.Err())
		}
	}
	select {
	case <-job.answer:
		return job.err
	case <-b.done: // the writer ended with this job unseen, or just answered
		select {
		case <-job.answer:
			return job.err
		default:
			return errClosed
		}
	}
}

func (b *groupCommitter) close() error {
	close(b.closing)
	<-b.done
	b.q.close()
	return errors.Join(b.conn.Close(), b.db.Close())
}

func (b *groupCommitter) run() {
	defer close(b.done)
	batch := make([]*writeJob, 0, b.most)
	for {
		batch = batch[:0]
		select {
		case job := <-b.jobs:
			batch = append(batch, job)
		case <-b.closing:
			return
		}
	fill:
		for len(batch) < b.most {
			select {
			case job := <-b.jobs:
				batch = append(batch, job)
			default:
				break fill
			}
		}
		b.commit(batch)
		for _, job := range batch {
			close(job.answer)
		}
	}
}

// commit runs a batch and leaves each job's error in it.
func (b *groupCommitter) commit(batch []*writeJob) {
	err := b.file.stillThere()
	if err == nil {
		err = b.exec(`BEGIN IMMEDIATE`)
	}
	for _, job := range batch {
		switch {
		case err != nil: // the transaction is gone, and with it what ran before
		case !job.taken.CompareAndSwap(false, true): // its caller left
		case job.ctx.Err() != nil:
			job.err = mendSQLite(job.ctx.Err())
		case len(batch) == 1:
			job.err = call(job.fn, b.q)
		default:
			err = b.nested(job)
		}
	}
	if err == nil && len(batch) == 1 && batch[0].err != nil {
		_ = b.exec(`ROLLBACK`)
		return
	}
	if err == nil {
		err = b.exec(`COMMIT`)
	}
	if err == nil {
		return
	}
	_ = b.exec(`ROLLBACK`) // fails where SQLite already did
	for _, job := range batch {
		job.err = mendSQLite(err)
	}
}

// nested runs a job in a savepoint. The error is the transaction's, not the
// job's.
func (b *groupCommitter) nested(job *writeJob) error {
	if err := b.exec(`SAVEPOINT job`); err != nil {
		return err
	}
	job.err = call(job.fn, b.q)
	if job.err != nil {
		// Where the disk is full SQLite may have undone the whole transaction;
		// then there is no savepoint, and every job has to be told.
		if err := b.exec(`ROLLBACK TO job`); err != nil {
			return errors.Join(job.err, err)
		}
	}
	return b.exec(`RELEASE job`)
}

func (b *groupCommitter) exec(query string) error {
	_, err := b.q.ExecContext(context.Background(), query)
	return err
}

// call keeps a panic in one caller's function from ending the writer that
// all share.
func call(fn func(querier) error, q querier) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(q)
}
