package lookupjoin

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Retry asks again for keys without rows: the LOOKUP hint's retry options.
type Retry struct {
	Delay    time.Duration
	Attempts int // beyond the first question
}

// Over puts the repetition around an asker of rows and keys of the given types.
func (r Retry) Over(a Asker, keys, rows []types.Type, env *operators.Env) Asker {
	return &retried{spec: r, ask: a, keyTs: keys, ts: rows, env: env}
}

// retried waits and asks again.
type retried struct {
	spec      Retry
	ask       Asker
	keyTs, ts []types.Type
	env       *operators.Env
	keys      batch.Batch
	answers   []batch.Batch
	answer    batch.Batch
	origin    []int32
}

// Ask repeats the question for the keys that had no row.
func (r *retried) Ask(keys *batch.Batch) (*batch.Batch, []int32, error) {
	rows, origin, err := r.ask.Ask(keys)
	if err != nil {
		return nil, nil, err
	}
	r.answers = make([]batch.Batch, keys.Len)
	r.collect(rows, origin, nil)
	for range r.spec.Attempts {
		var miss []int32
		for i := range r.answers {
			if r.answers[i].Len == 0 {
				miss = append(miss, int32(i))
			}
		}
		if len(miss) == 0 {
			break
		}
		if err := r.pause(); err != nil {
			return nil, nil, err
		}
		r.keys.Len, r.keys.Cols = len(miss), make([]batch.Vector, len(r.keyTs))
		for k, t := range r.keyTs {
			r.keys.Cols[k].Take(t, &keys.Cols[k], miss)
		}
		if rows, origin, err = r.ask.Ask(&r.keys); err != nil {
			return nil, nil, err
		}
		r.collect(rows, origin, miss)
	}
	r.answer.Reset(r.ts)
	r.origin = r.origin[:0]
	for k := range r.answers {
		for i := range r.answers[k].Len {
			r.answer.AppendRow(r.ts, batch.Insert, &r.answers[k], i)
			r.origin = append(r.origin, int32(k))
		}
	}
	return &r.answer, r.origin, nil
}

// collect adds rows to the answers of their keys; miss says which keys were asked
// for, nil: all.
func (r *retried) collect(rows *batch.Batch, origin, miss []int32) {
	for i, k := range origin {
		if miss != nil {
			k = miss[k]
		}
		if r.answers[k].Cols == nil {
			r.answers[k].Reset(r.ts)
		}
		r.answers[k].AppendRow(r.ts, batch.Insert, rows, i)
	}
}

func (r *retried) pause() error {
	t := time.NewTimer(r.spec.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-r.env.Context.Done():
		return r.env.Context.Err()
	}
}

// Close closes what is asked.
func (r *retried) Close() error { return r.ask.Close() }
