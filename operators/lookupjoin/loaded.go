package lookupjoin

import (
	"errors"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/types"
)

// Table is a bounded table that is read whole: a scan and what computes and filters
// its rows.
type Table struct {
	Scan    *scan.Spec
	Rest    []operators.Spec // calcs behind it, in order
	Keys    []int            // columns of the last one's output
	Primary []int            // likewise; a later row replaces an earlier one of its key; nil: no key
	Reload  time.Duration    // how long the rows are good for; 0: for ever
}

// Open reads the table.
func (t Table) Open(env *operators.Env) (Asker, error) {
	l := &loaded{table: t, env: env}
	return l, l.load()
}

func (t Table) schema() *types.Schema {
	if n := len(t.Rest); n > 0 {
		return t.Rest[n-1].Schema()
	}
	return t.Scan.Schema()
}

// loaded is the rows of a table by key.
type loaded struct {
	table  Table
	env    *operators.Env
	at     time.Time
	ts     []types.Type
	rows   batch.Batch
	by     map[string][]int32
	holder map[string]int32 // primary key -> row
	key    []byte
	answer batch.Batch
	take   []int32
	origin []int32
	held   int64 // bytes charged to the operator's memory
}

// Ask answers from memory, reading the table anew when its rows are too old.
func (l *loaded) Ask(keys *batch.Batch) (*batch.Batch, []int32, error) {
	if l.table.Reload > 0 && l.env.Now().Sub(l.at) >= l.table.Reload {
		if err := l.load(); err != nil {
			return nil, nil, err
		}
	}
	l.take, l.origin = l.take[:0], l.origin[:0]
	for i := range keys.Len {
		l.key = l.key[:0]
		for k, c := range l.table.Keys {
			l.key = batch.AppendKey(l.key, l.ts[c], &keys.Cols[k], i)
		}
		for _, r := range l.by[string(l.key)] {
			l.take, l.origin = append(l.take, r), append(l.origin, int32(i))
		}
	}
	l.answer.Len = len(l.take)
	for c, t := range l.ts {
		l.answer.Cols[c].Take(t, &l.rows.Cols[c], l.take)
	}
	return &l.answer, l.origin, nil
}

// load reads the table to its end.
func (l *loaded) load() error {
	_ = l.env.Memory.Grow(-l.held)
	l.held = 0
	l.ts, l.by, l.holder, l.at = l.table.schema().Types(), map[string][]int32{}, map[string]int32{}, l.env.Now()
	l.rows.Reset(l.ts)
	l.answer.Cols = make([]batch.Vector, len(l.ts))
	wake := make(chan struct{}, 1)
	env := *l.env
	env.State, env.Metrics = nil, &operators.Metrics{}
	env.Wake = func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	var to operators.Output = l
	for i := len(l.table.Rest) - 1; i >= 0; i-- {
		op := l.table.Rest[i].New()
		defer op.Close()
		if err := op.Open(&env, to); err != nil {
			return err
		}
		to = into{op}
	}
	head := l.table.Scan.New().(operators.Head)
	defer head.Close()
	if err := head.Open(&env, to); err != nil {
		return err
	}
	splits, err := l.table.Scan.Source.Splits(env.Context, nil, 1)
	if err != nil {
		return connectors.OfTable("look-up table", l.table.Scan.Table, err)
	}
	var add []operators.Assigned
	for _, s := range splits {
		add = append(add, operators.Assigned{Split: operators.SplitRef{Name: s.Name, Data: s.Data, Bounded: s.Bounded}, MaxTs: operators.MinWatermark})
	}
	if err := head.Assign(add); err != nil {
		return err
	}
	head.NoMoreSplits()
	for {
		switch status, err := head.Next(batch.MaxRows); {
		case err != nil && !errors.Is(err, operators.Done):
			return err
		case err != nil, status == operators.Ended:
			return nil
		case status == operators.NotReady:
			select {
			case <-wake:
			case <-env.Context.Done():
				return env.Context.Err()
			}
		}
	}
}

// rowOverhead is about what finding a row by its keys costs beside its columns, in
// bytes.
const rowOverhead = 64

// into feeds what one operator emits to the next.
type into struct{ op operators.Operator }

func (i into) Emit(b *batch.Batch) error { return i.op.Process(0, b) }

// Emit keeps rows; one that is taken back is forgotten.
func (l *loaded) Emit(b *batch.Batch) error {
	n := int64(b.Rows()) * (rowOverhead + 16*int64(len(l.ts)))
	l.held += n
	if err := l.env.Memory.Grow(n); err != nil {
		return err
	}
	for k := range b.Rows() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if b.Kind(i).Sign() < 0 {
			l.forget(b.Cols, i)
			continue
		}
		if l.table.Primary != nil {
			l.encode(l.table.Primary, b.Cols, i)
			if r, ok := l.holder[string(l.key)]; ok {
				l.forget(l.rows.Cols, int(r))
				l.encode(l.table.Primary, b.Cols, i)
			}
			l.holder[string(l.key)] = int32(l.rows.Len)
		}
		l.encode(l.table.Keys, b.Cols, i)
		l.by[string(l.key)] = append(l.by[string(l.key)], int32(l.rows.Len))
		l.rows.AppendRow(l.ts, batch.Insert, b, i)
	}
	return nil
}

// forget takes out the row equal to row i of cols.
func (l *loaded) forget(cols []batch.Vector, i int) {
	l.encode(l.table.Keys, cols, i)
	of := l.by[string(l.key)]
	for at, r := range of {
		if batch.EqualRows(l.ts, l.rows.Cols, int(r), cols, i) {
			l.by[string(l.key)] = append(of[:at:at], of[at+1:]...)
			break
		}
	}
	if l.table.Primary != nil {
		l.encode(l.table.Primary, cols, i)
		delete(l.holder, string(l.key))
	}
}

// encode makes l.key the key of row i.
func (l *loaded) encode(key []int, cols []batch.Vector, i int) {
	l.key = l.key[:0]
	for _, c := range key {
		l.key = batch.AppendKey(l.key, l.ts[c], &cols[c], i)
	}
}

// Close has nothing to free.
func (l *loaded) Close() error { return nil }
