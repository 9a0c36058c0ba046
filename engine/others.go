package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/types"
)

// Others are the jobs that other processes of this user run. What a session doesn't
// find among its own jobs it asks them for.
type Others interface {
	// Rows are those that a table of database sys has in the other processes; of
	// running jobs alone where the caller says so. A process that doesn't answer is
	// left out.
	Rows(ctx context.Context, table string, running bool) []SystemRows
	// Analyze is EXPLAIN ANALYZE of a job; found is false when nobody runs it.
	Analyze(ctx context.Context, job string) (text string, found bool, err error)
	// Snapshot is the state of a running job at one point of its input; nil when
	// nobody runs it.
	Snapshot(ctx context.Context, job string) (*checkpoint.Dir, error)
}

// othersWait is how long a statement waits for what other processes answer.
const othersWait = 3 * time.Second

// SystemRows are rows of a table of database sys on their way from one process to
// another: cells in JSON, times as RFC 3339 has them.
type SystemRows struct {
	Columns []string            `json:"columns"`
	Rows    [][]json.RawMessage `json:"rows"`
}

// SystemRows are the rows of a table of database sys about the jobs of the list;
// false when there is no such table.
func (l *JobList) SystemRows(table string, running bool) (out SystemRows, ok bool) {
	cols, ok := systemTables[table]
	if !ok {
		return out, false
	}
	for _, c := range cols {
		out.Columns = append(out.Columns, c.name)
	}
	for _, row := range l.systemRows(table, running) {
		cells := make([]json.RawMessage, len(row))
		for i, x := range row {
			b, err := json.Marshal(x)
			if err != nil {
				b = []byte("null")
			}
			cells[i] = b
		}
		out.Rows = append(out.Rows, cells)
	}
	return out, true
}

// systemRows are the cells of all jobs, or of those that run.
func (l *JobList) systemRows(table string, running bool) (out [][]any) {
	jobs := l.All()
	if running {
		jobs = l.Running()
	}
	for _, j := range jobs {
		if !j.showsItself() {
			out = append(out, j.systemRows(table)...)
		}
	}
	return out
}

// cells are the rows in the columns that the table has here: a process of another
// version may have more or fewer.
func (x *SystemRows) cells(table string) (out [][]any, err error) {
	from := map[string]int{}
	for i, name := range x.Columns {
		from[name] = i
	}
	cols := systemTables[table]
	for _, row := range x.Rows {
		cells := make([]any, len(cols))
		for i, c := range cols {
			k, ok := from[c.name]
			if !ok || k >= len(row) {
				continue
			}
			if cells[i], err = systemCell(c.t, row[k]); err != nil {
				return nil, fmt.Errorf("sys.%s, column %s: %w", table, c.name, err)
			}
		}
		out = append(out, cells)
	}
	return out, nil
}

func systemCell(t types.Type, b json.RawMessage) (any, error) {
	if string(b) == "null" {
		return nil, nil
	}
	var err error
	switch t.Kind {
	case types.BigInt:
		var n int64
		err = json.Unmarshal(b, &n)
		return n, err
	case types.Double:
		var f float64
		err = json.Unmarshal(b, &f)
		return f, err
	case types.Boolean:
		var x bool
		err = json.Unmarshal(b, &x)
		return x, err
	case types.TimestampLTZ:
		var at time.Time
		err = json.Unmarshal(b, &at)
		return at, err
	}
	var s string
	err = json.Unmarshal(b, &s)
	return s, err
}

// allSystemRows are the rows of the session's jobs, then those of the others.
func (s *Session) allSystemRows(ctx context.Context, table string, running bool) ([][]any, error) {
	rows := s.list.systemRows(table, running)
	if s.cfg.Others == nil {
		return rows, nil
	}
	ctx, cancel := context.WithTimeout(ctx, othersWait)
	defer cancel()
	for _, x := range s.cfg.Others.Rows(ctx, table, running) {
		more, err := x.cells(table)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}
