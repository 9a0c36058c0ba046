package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/shell/render"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// output prints results on stdout, and notes and progress on stderr.
type output struct {
	f        *flags
	to       *os.File // where results go
	progress bool
	mu       sync.Mutex // the job reports from a goroutine of its own
	drawn    bool
	started  time.Time
	lastRows int64
	lastAt   time.Time
	rate     float64
	serve    *server // nil: nobody can speak to the process
}

func newOutput(f *flags) *output {
	return &output{f: f, to: os.Stdout, started: time.Now(), progress: f.progress == "tty" || f.progress == "auto" && isTerminal(os.Stderr) && !f.quiet}
}

// Rows prints a result: every change with --changelog, else an insert-only result
// row by row, and an updating one folded at its end.
func (o *output) Rows(schema *types.Schema, changes batch.Changes, bounded bool) (func(*batch.Batch) error, error) {
	format := o.f.format
	if format == "" {
		format = "jsonl"
		if isTerminal(o.to) {
			format = "table"
		}
	}
	if render.Binary(format) && isTerminal(o.to) {
		return nil, sqlerr.New(sqlerr.Invalid, sqlerr.Span{}, "%s is not for a terminal; write it to a file with -o, or pipe it", format)
	}
	session := types.NewSession(time.Now)
	w, err := render.New(format, o.to, schema, o.f.changelog, session)
	if err != nil {
		return nil, err
	}
	if !o.f.changelog && !changes.InsertOnly() {
		if !bounded {
			return nil, sqlerr.New(sqlerr.Invalid, sqlerr.Span{}, "the query updates its result for ever, so there are no final rows to print").
				WithHint("print its changes with --changelog")
		}
		return fold(w, schema), nil
	}
	return func(b *batch.Batch) error {
		o.clearProgress()
		if b == nil {
			return quiet(w.Close())
		}
		if err := quiet(w.Write(b)); err != nil {
			return err
		}
		return quiet(w.Flush())
	}, nil
}

// quiet turns a closed stdout into the quiet end of the query.
func quiet(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return operators.Done
	}
	return err
}

// fold keeps the rows that are left and prints them at the end, in the order they
// came. A row may be taken back before it comes: subtasks overtake each other.
func fold(w render.Writer, schema *types.Schema) func(*batch.Batch) error {
	ts := schema.Types()
	type entry struct {
		row  []byte
		live bool
	}
	var order []*entry
	live, early := map[string][]*entry{}, map[string]int{}
	var key []byte
	return func(b *batch.Batch) error {
		if b != nil {
			for i := 0; i < b.Len; i++ {
				key = batch.AppendRow(key[:0], ts, b.Cols, i)
				if b.Kind(i).Sign() > 0 && early[string(key)] > 0 {
					if early[string(key)]--; early[string(key)] == 0 {
						delete(early, string(key))
					}
				} else if b.Kind(i).Sign() > 0 {
					e := &entry{row: append([]byte(nil), key...), live: true}
					order, live[string(key)] = append(order, e), append(live[string(key)], e)
				} else if l := live[string(key)]; len(l) > 0 {
					l[0].live, l[0].row = false, nil
					live[string(key)] = l[1:]
				} else {
					early[string(key)]++
				}
			}
			return nil
		}
		var out batch.Batch
		out.Reset(ts)
		for _, e := range order {
			if !e.live {
				continue
			}
			out.DecodeRow(e.row, ts)
			out.AppendKind(batch.Insert)
			if out.Len == batch.MaxRows {
				if err := quiet(w.Write(&out)); err != nil {
					return err
				}
				out.Reset(ts)
			}
		}
		if err := quiet(w.Write(&out)); err != nil {
			return err
		}
		return quiet(w.Close())
	}
}

// Began opens the process to the verbs that operate on jobs, and watches a job that
// may send nothing for ever.
func (o *output) Began(j *engine.Job) {
	if !o.f.quiet && !j.Bounded {
		watchSilence(j, o.Note)
	}
	if o.serve != nil && !(j.Query && j.Bounded) {
		o.serve.open(o.Note)
	}
}

// Note prints a remark.
func (o *output) Note(text string) {
	if !o.f.quiet {
		o.clearProgress()
		fmt.Fprintln(os.Stderr, "note: "+text)
	}
}

// Progress draws one line that is drawn over.
func (o *output) Progress(p job.Progress) {
	if !o.progress {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if d := now.Sub(o.lastAt).Seconds(); d > 0 && o.lastRows > 0 {
		o.rate = float64(p.RowsIn-o.lastRows) / d
	}
	o.lastRows, o.lastAt = p.RowsIn, now
	wm := "none"
	switch p.Watermark {
	case operators.MinWatermark:
	case operators.MaxWatermark:
		wm = "end"
	default:
		wm = time.UnixMilli(p.Watermark).UTC().Format("2006-01-02 15:04:05.000")
	}
	fmt.Fprintf(os.Stderr, "\r\x1b[K%s  %d rows in, %d out, %.0f rows/s, watermark %s", now.Sub(o.started).Round(100*time.Millisecond), p.RowsIn, p.RowsOut, o.rate, wm)
	if p.Late > 0 {
		fmt.Fprintf(os.Stderr, ", %d late", p.Late)
	}
	o.drawn = true
	if p.Final {
		fmt.Fprintln(os.Stderr)
		o.drawn = false
	}
}

func (o *output) clearProgress() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.drawn {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
		o.drawn = false
	}
}
