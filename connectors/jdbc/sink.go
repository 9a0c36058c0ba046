package jdbc

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// sink writes a table: an upsert by key, or, without one, inserts.
//
// With a key a row that is written again ends as the same row, so a crash leaves
// nothing behind. Without one, rows are written at least once; or, when asked for,
// exactly once: they stay with the checkpoint until it exists, and Commit writes
// them in one transaction with a row in millrace_commits that says so.
type sink struct {
	*table
	schema   *types.Schema
	key      []int
	exact    bool
	maxRows  int
	interval time.Duration
	retries  int64
	job      string
	lock     string // a writer's

	mu   sync.Mutex
	conn sqldb.Conn // Commit's
}

func newSink(t connectors.Table) (connectors.Sink, error) {
	tb, err := newTable(t)
	if err != nil {
		return nil, err
	}
	if err := (&sqldb.Encoder{Dialect: tb.dialect, Cols: plainTargets(t.Schema)}).Check(); err != nil {
		return nil, tb.errorf("%w", err)
	}
	s := &sink{table: tb, schema: t.Schema, key: t.Key, exact: t.Options.String("sink.delivery-guarantee") == "exactly-once" && len(t.Key) == 0,
		maxRows: int(t.Options.Int("sink.buffer-flush.max-rows")), interval: t.Options.Duration("sink.buffer-flush.interval"), retries: t.Options.Int("sink.max-retries")}
	return s, nil
}

// Changes: with a key all but -U, else inserts.
func (s *sink) Changes(query batch.Changes) batch.Changes {
	if len(s.key) == 0 {
		query.Kinds &= batch.InsertOnly
	}
	query.Kinds &^= batch.UpdateBefore.Set()
	return query
}

// Guarantee is what EXPLAIN says of a crash.
func (s *sink) Guarantee() string {
	switch {
	case len(s.key) > 0:
		return "exactly once by key"
	case s.exact:
		return "exactly once by transaction"
	}
	return "at least once"
}

// Idempotent: rows written again end as the same rows.
func (s *sink) Idempotent() bool { return len(s.key) > 0 }

// Open connects and compares the table with what is written.
func (s *sink) Open(ctx context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	lock := fmt.Sprintf("%s %s %s %d", env.Job, s.path, s.name, env.Subtask)
	c, err := s.alone(ctx, lock)
	if err != nil {
		return nil, err
	}
	targets, err := s.check(ctx, c)
	if err == nil && s.exact {
		err = s.commits(ctx, c)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	o := &sink{table: s.table, schema: s.schema, key: s.key, exact: s.exact, maxRows: s.maxRows, interval: s.interval, retries: s.retries, job: env.Job, lock: lock}
	return newWriter(ctx, o, c, targets), nil
}

// alone connects and waits until what an earlier writer of this job had under way has
// ended: a statement goes on in the server when its client is killed, and would undo
// what is written after it.
func (s *sink) alone(ctx context.Context, lock string) (sqldb.Conn, error) {
	c, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	got, err := s.dialect.Lock(ctx, c, lock, s.retry)
	if err == nil && !got {
		err = fmt.Errorf("%s: another run of this job writes the table, or a statement of an earlier run has been going on for %v", s.server, s.retry)
	}
	if err != nil {
		c.Close()
		return nil, s.errorf("%w", err)
	}
	return c, nil
}

// check finds the written columns in the table and looks for those it needs beside
// them.
func (s *sink) check(ctx context.Context, c sqldb.Conn) ([]sqldb.Target, error) {
	targets, cols, err := s.targets(ctx, c, s.schema)
	if err != nil {
		return nil, err
	}
	if faults := s.unwritten(targets, cols); faults != nil {
		return nil, faults[0]
	}
	return targets, nil
}

// unwritten are faults of columns that each row needs and that aren't written.
func (s *sink) unwritten(targets []sqldb.Target, cols []sqldb.Column) (faults []error) {
	written := map[string]bool{}
	for _, t := range targets {
		written[t.Name] = true
	}
	for _, col := range cols {
		if !written[col.Name] && !col.Default {
			faults = append(faults, s.errorf("%s has column %q, NOT NULL and without a default, which isn't written; add it to the CREATE TABLE", s.name, col.Name))
		}
	}
	return faults
}

const commitTable = "millrace_commits"

// commits makes the table of commits.
func (s *sink) commits(ctx context.Context, c sqldb.Conn) error {
	err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+s.dialect.Quote(commitTable)+
		" (id VARCHAR(40) PRIMARY KEY, checkpoint BIGINT NOT NULL, job VARCHAR(200) NOT NULL, sink VARCHAR(200) NOT NULL, committed TIMESTAMP DEFAULT CURRENT_TIMESTAMP)")
	if err != nil {
		return s.errorf("exactly-once needs the table %s: %w", commitTable, err)
	}
	return nil
}

// pending is a transaction that waits for its checkpoint.
type pending struct {
	ID   string   `json:"id"` // the writer's
	N    uint64   `json:"n"`
	Job  string   `json:"job"`
	Sink string   `json:"sink"`
	SQL  [][]byte `json:"sql"`
}

func (p *pending) encode() []byte {
	b, _ := json.Marshal(p)
	return b
}

// Commit runs each pending's statements once: its writer's row in the table of
// commits says up to where they have been.
func (s *sink) Commit(ctx context.Context, _ connectors.Commit, list [][]byte) ([][]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		c, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		s.conn = c
	}
	for _, raw := range list {
		var p pending
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, s.errorf("a pending transaction can't be read: %w", err)
		}
		if err := s.commit(ctx, &p); err != nil {
			s.conn.Close() // it may be amid a transaction
			s.conn = nil
			return nil, s.errorf("rows of checkpoint %d: %w", p.N, err)
		}
	}
	return nil, nil
}

func (s *sink) commit(ctx context.Context, p *pending) error {
	e := &sqldb.Encoder{Dialect: s.dialect}
	id, job, path := e.String(p.ID), e.String(clip(p.Job)), e.String(clip(p.Sink))
	if err := s.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	// The row is written first: of two processes that commit the same, one waits here.
	insert := fmt.Sprintf("INSERT INTO %s (id, checkpoint, job, sink) VALUES (%s, 0, %s, %s)", s.dialect.Quote(commitTable), id, job, path)
	if s.dialect.Name() == "mysql" {
		insert += " ON DUPLICATE KEY UPDATE id=id"
	} else {
		insert += " ON CONFLICT (id) DO NOTHING"
	}
	if err := s.conn.Exec(ctx, insert); err != nil {
		return err
	}
	done := uint64(0)
	err := s.conn.Query(ctx, fmt.Sprintf("SELECT checkpoint FROM %s WHERE id = %s FOR UPDATE", s.dialect.Quote(commitTable), id), func(r []sqldb.Cell) error {
		_, err := fmt.Sscan(r[0].String(), &done)
		return err
	})
	if err != nil {
		return err
	}
	if done >= p.N {
		return s.conn.Exec(ctx, "ROLLBACK")
	}
	for _, stmt := range p.SQL {
		if err := s.conn.Exec(ctx, string(stmt)); err != nil {
			return err
		}
	}
	if err := s.conn.Exec(ctx, fmt.Sprintf("UPDATE %s SET checkpoint = %d, committed = CURRENT_TIMESTAMP WHERE id = %s", s.dialect.Quote(commitTable), p.N, id)); err != nil {
		return err
	}
	return s.conn.Exec(ctx, "COMMIT")
}

func clip(s string) string { return s[:min(len(s), 200)] }

// Abandon has nothing to end: what isn't committed was never sent.
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }
