package windowtvf

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/types"
)

// operator lists the windows of each row.
type operator struct {
	operators.Stateless
	spec  *Spec
	env   *operators.Env
	ts    []types.Type
	from  []int32       // the row of each output row
	spans []window.Span // and its window
	out   batch.Batch
}

// Open keeps the output.
func (o *operator) Open(env *operators.Env, out operators.Output) error {
	o.env, o.Out, o.ts = env, out, o.spec.Out.Types()
	o.out.Cols = make([]batch.Vector, len(o.ts))
	return nil
}

// Process sends the rows on, each once per window. A row without a time has no
// window.
func (o *operator) Process(_ int, b *batch.Batch) error {
	w := o.spec.Window
	o.from, o.spans = o.from[:0], o.spans[:0]
	t := &b.Cols[w.Time]
	now := o.env.Now().UnixMicro()
	for i := 0; i < b.Len; i++ {
		at := now
		if !w.Proctime {
			if t.Null(i) {
				o.env.Metrics.Dropped.Add(1)
				continue
			}
			at = t.I64[i]
		}
		o.spans = w.Each(w.Clock(at, o.env.Session.Zone), o.spans)
		for len(o.from) < len(o.spans) {
			o.from = append(o.from, int32(i))
			if len(o.from) >= batch.MaxRows {
				if err := o.send(b, now); err != nil {
					return err
				}
			}
		}
	}
	return o.send(b, now)
}

// send emits what is listed. Where a row's windows are cut by a full batch the
// rest of spans stays.
func (o *operator) send(b *batch.Batch, now int64) error {
	n := len(o.from)
	if n == 0 {
		return nil
	}
	in := o.spec.In.Len()
	for c := range in {
		o.out.Cols[c].Take(o.ts[c], &b.Cols[c], o.from)
	}
	fill(&o.out, in, o.ts, o.spans[:n], o.spec.Window.Proctime, now, o.env.Session)
	o.out.Len, o.out.Kinds = n, o.out.Kinds[:0]
	if b.Kinds == nil {
		o.out.Kinds = nil
	} else {
		for _, i := range o.from {
			o.out.Kinds = append(o.out.Kinds, b.Kinds[i])
		}
	}
	o.from, o.spans = o.from[:0], append(o.spans[:0], o.spans[n:]...)
	return o.Out.Emit(&o.out)
}

// fill writes the window columns, which begin at column at.
func fill(out *batch.Batch, at int, ts []types.Type, spans []window.Span, proctime bool, now int64, session *types.Session) {
	n := len(spans)
	start, end, last := &out.Cols[at], &out.Cols[at+1], &out.Cols[at+2]
	start.Prepare(ts[at], n)
	end.Prepare(ts[at+1], n)
	last.Prepare(ts[at+2], n)
	zoned := ts[at+2].Kind == types.TimestampLTZ
	for i, s := range spans {
		start.I64[i], end.I64[i] = s.Start*1000, s.End*1000
		ms := (s.End - 1) * 1000
		switch {
		case proctime:
			ms = now
		case zoned:
			ms = types.FromLocal(ms, session.Zone)
		}
		last.I64[i] = ms
	}
}
