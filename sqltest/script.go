package sqltest

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/operators"
)

// script leads a job through the steps of a case. A step is over when every reader
// that it concerns has been asked for more: by then the job, one task, has worked off
// what came before. It is shared by the job's readers.
type script struct {
	steps  []Step
	finish func()          // ends the job in good order
	passed func(steps int) // called when that many steps are over

	mu      sync.Mutex
	now     time.Time
	at      int
	applied bool // the step at has taken effect
	sources int  // readers that will come
	readers []*tableReader
	ended   bool // an End came
	over    bool
	fault   error
}

// begin is when the clock of a case stands still.
var begin = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *script) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// tableReader delivers a table's rows.
type tableReader struct {
	script  *script
	table   *connectors.Table
	bounded bool
	env     connectors.ReadEnv
	rows    batch.Batch
	from    int  // of the step's rows
	given   bool // the step's rows were handed out
	calls   int
	wait    int   // calls after which a step is over
	low     int64 // the watermark the steps have said
	closed  bool
}

// concerns says that a step is about the reader's table.
func (r *tableReader) concerns(s *Step) bool { return names(r.table.Path, s.Table) }

// names says that a name of a test file, perhaps short, is this table.
func names(path, name string) bool {
	name = strings.ReplaceAll(name, "`", "")
	return path == name || strings.HasSuffix(path, "."+name)
}

// advance goes on to the next step as long as it can; with mu held.
func (s *script) advance() {
	for !s.over && s.fault == nil && len(s.readers) >= s.sources {
		if s.at >= len(s.steps) {
			s.last()
			return
		}
		step := &s.steps[s.at]
		if !s.applied {
			s.apply(step)
		}
		for _, r := range s.readers {
			if r.closed {
				continue
			}
			if step.Kind == Input && r.concerns(step) && !r.given || step.Kind != Input && r.calls < r.wait {
				return
			}
		}
		s.at, s.applied = s.at+1, false
		s.passed(s.at)
		for _, r := range s.readers {
			r.from, r.given = 0, false
		}
	}
}

func (s *script) apply(step *Step) {
	s.applied = true
	switch step.Kind {
	case Clock:
		if step.At.IsZero() {
			s.now = s.now.Add(step.Add)
		} else {
			s.now = step.At
		}
	case Watermark:
		for _, r := range s.readers {
			if r.concerns(step) {
				r.low = max(r.low, step.At.UnixMilli())
			}
		}
	case End:
		s.ended = true
	}
	s.settle()
}

// settle asks every reader to be called twice more: what the step has caused is
// then worked off.
func (s *script) settle() {
	for _, r := range s.readers {
		r.wait = r.calls + 2
	}
}

// last ends the sources that end by themselves, then the job.
func (s *script) last() {
	if !s.applied {
		s.applied = true
		s.settle()
	}
	for _, r := range s.readers {
		if !r.closed && (r.bounded || s.ended || r.calls < r.wait) {
			return // it is told by io.EOF, or waited for
		}
	}
	s.over = true
	s.finish()
}

// Next is the next rows of the step, as many as fit a batch.
func (r *tableReader) Next() (*batch.Batch, error) {
	s := r.script
	s.mu.Lock()
	defer s.mu.Unlock()
	r.calls++
	s.advance()
	if s.fault != nil {
		return nil, s.fault
	}
	if s.ended || s.at >= len(s.steps) && s.applied && r.bounded {
		return nil, io.EOF
	}
	if s.at < len(s.steps) && len(s.readers) >= s.sources {
		if step := &s.steps[s.at]; step.Kind == Input && r.concerns(step) && r.from < len(step.Rows) {
			return r.take(step)
		} else if step.Kind == Input && r.concerns(step) {
			r.given = true
			s.advance()
		}
	}
	if !s.over { // others may wait for this one to be called again
		for _, x := range s.readers {
			x.env.Wake()
		}
	}
	return nil, connectors.ErrNotReady
}

func (r *tableReader) take(step *Step) (*batch.Batch, error) {
	r.rows.Reset(r.table.Schema.Types())
	for ; r.from < len(step.Rows) && r.rows.Len < r.env.Rows; r.from++ {
		row := step.Rows[r.from]
		if err := changelogjson.AppendRow(&r.rows, r.table.Schema, row.Values, row.Kind); err != nil {
			return nil, &rowError{line: row.Line, table: r.table.Path, err: err}
		}
	}
	return &r.rows, nil
}

// Watermark is what the steps have said of event time.
func (r *tableReader) Watermark() int64 {
	r.script.mu.Lock()
	defer r.script.mu.Unlock()
	return r.low
}

// Position is never read back.
func (r *tableReader) Position() []byte { return nil }

// Close forgets the reader.
func (r *tableReader) Close() error {
	r.script.mu.Lock()
	defer r.script.mu.Unlock()
	r.closed = true
	return nil
}

var _ connectors.Timed = (*tableReader)(nil)

func newReader(s *script, t *connectors.Table, bounded bool, env connectors.ReadEnv) *tableReader {
	r := &tableReader{script: s, table: t, bounded: bounded, env: env, low: operators.MinWatermark}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = append(s.readers, r)
	return r
}
