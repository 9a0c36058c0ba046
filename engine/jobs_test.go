package engine_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

type watcher struct {
	began chan *engine.Job
	rows  int
}

func (w *watcher) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(b *batch.Batch) error {
		if b != nil {
			w.rows += b.Rows()
		}
		return nil
	}, nil
}
func (w *watcher) Note(string)           {}
func (w *watcher) Progress(job.Progress) {}
func (w *watcher) Began(j *engine.Job)   { w.began <- j }

// TestReport: what a job says of itself while it runs and after its end.
func TestReport(t *testing.T) {
	s := engine.New(engine.Config{Stdout: io.Discard})
	w := &watcher{began: make(chan *engine.Job, 4)}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		done <- s.Run(ctx, &sqlerr.Source{Name: "t", Text: `
CREATE TABLE g (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'datagen', 'rows-per-second' = '20000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100000000');
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '1' SECOND)) WHERE MOD(id, 2) = 0 GROUP BY window_start, window_end;`}, w)
	}()
	j := <-w.began
	var r job.Report
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r = j.Report()
		if len(r.Operators) > 0 && r.Operators[len(r.Operators)-1].RowsIn > 2 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("no rows: %+v", r)
		}
	}
	if j.Status() != engine.Running || len(s.Jobs().Running()) != 1 || s.Jobs().Find(j.ID[:8]) != j {
		t.Errorf("job %+v", j)
	}
	if len(r.Splits) != 1 || r.Splits[0].Rows == 0 || r.Splits[0].Watermark != r.Splits[0].MaxTime-1000 {
		t.Errorf("splits %+v", r.Splits)
	}
	scan := r.Operators[0]
	if scan.Name != "TableSourceScan" || scan.Read == 0 || scan.RowsOut == 0 || scan.Busy == 0 || scan.Watermark == operators.MinWatermark {
		t.Errorf("scan %+v", scan)
	}
	j.Stop()
	<-done
	if j.Status() != engine.Canceled {
		t.Errorf("status %s", j.Status())
	}
	end := j.Report()
	for i, o := range end.Operators {
		for k, in := range o.Inputs {
			if from := end.Operators[in-1]; from.RowsOut != o.In[k].Rows {
				t.Errorf("operator %d takes %d rows of %s, which sent %d", i, o.In[k].Rows, from.Name, from.RowsOut)
			}
		}
	}
	busy := time.Duration(0)
	for _, o := range end.Operators {
		busy += o.Busy
	}
	if life := end.At.Sub(end.Began); busy <= 0 || busy > life {
		t.Errorf("one task was busy %v in %v", busy, life)
	}
}
