package sort

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/external"
	"github.com/millrace/millrace/types"
)

// final is batch mode: all rows, sorted once, on disk where memory has no room.
type final struct {
	operators.Stateless
	spec *Spec
	ts   []types.Type
	rows *external.Sorter
	out  batch.Batch
}

// Open prepares the rows.
func (o *final) Open(env *operators.Env, out operators.Output) error {
	o.Out, o.ts = out, o.spec.In.Types()
	o.rows = external.NewSorter(external.Store{Types: o.ts, Memory: env.Memory, Room: env.Room}, o.spec.By)
	return nil
}

// Process keeps the rows.
func (o *final) Process(_ int, b *batch.Batch) error { return o.rows.Append(b) }

// End sends them.
func (o *final) End(int) error {
	defer o.rows.Close()
	o.out.Reset(o.ts)
	skip := o.spec.Offset
	err := o.rows.Each(func(row []byte) error {
		if skip > 0 {
			skip--
			return nil
		}
		o.out.DecodeRow(row, o.ts)
		o.out.AppendKind(batch.Insert)
		if o.out.Len < batch.MaxRows {
			return nil
		}
		return o.send()
	})
	if err != nil || o.out.Len == 0 {
		return err
	}
	return o.send()
}

func (o *final) send() error {
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.ts)
	return err
}

// Close forgets the rows of a job that failed.
func (o *final) Close() error {
	if o.rows != nil {
		o.rows.Close()
	}
	return nil
}
