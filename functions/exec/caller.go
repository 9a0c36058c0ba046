package exec

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// caller asks a function's child, a new one where the last has failed. It belongs
// to one subtask.
type caller struct {
	f       *Function
	in, out *types.Schema
	child   *child
	all     []int32
	request batch.Batch
	answer  batch.Batch // to the request, whole when deliver gets it
}

func newCaller(f *Function, answer *types.Schema) *caller {
	in := types.NewSchema(f.Params...)
	return &caller{f: f, in: in, out: answer, request: batch.Batch{Cols: make([]batch.Vector, in.Len())}}
}

// rows is the selected rows as a list.
func (c *caller) rows(n int, sel []int32) []int32 {
	if sel != nil {
		return sel
	}
	for len(c.all) < n {
		c.all = append(c.all, int32(len(c.all)))
	}
	return c.all[:n]
}

// call computes the rows of args and hands each answer, with the rows it is for,
// to deliver, in order. badRow is the row that fails.
func (c *caller) call(rows []int32, args []batch.Vector, deliver func(asked []int32, b *batch.Batch) error) (badRow int, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if err = c.once(rows, args, deliver); err != nil && !told(err) {
		err = c.once(rows, args, deliver)
	}
	if err == nil {
		return 0, nil
	}
	if r := (*refusal)(nil); errors.As(err, &r) {
		return int(rows[min(max(r.row, 0), len(rows)-1)]), fmt.Errorf("%s: %s", c.f.Name, r.msg)
	}
	if len(rows) == 1 {
		return int(rows[0]), fmt.Errorf("%s: %w", c.f.Name, err)
	}
	half := len(rows) / 2
	if bad, err := c.call(rows[:half], args, deliver); err != nil {
		return bad, err
	}
	return c.call(rows[half:], args, deliver)
}

// told says that the function itself reports the error.
func told(err error) bool {
	r := (*refusal)(nil)
	return errors.As(err, &r)
}

// once makes one request.
func (c *caller) once(rows []int32, args []batch.Vector, deliver func([]int32, *batch.Batch) error) (err error) {
	if c.child == nil {
		if c.child, err = start(c.f, c.in, c.out); err != nil {
			return err
		}
	}
	for i, p := range c.f.Params {
		c.request.Cols[i].Take(p.Type, &args[i], rows)
	}
	c.request.Len = len(rows)
	ts := c.out.Types()
	c.answer.Reset(ts)
	err = c.child.ask(&c.request, c.f.Timeout, func(b *batch.Batch) error {
		for i := range b.Len {
			c.answer.AppendRow(ts, batch.Insert, b, i)
		}
		return nil
	})
	if err == nil {
		err = deliver(rows, &c.answer)
	}
	if err == nil {
		return nil
	}
	c.child.Kill()
	if exit := c.child.Wait(); exit != nil && !told(err) {
		err = fmt.Errorf("%w; %w", err, exit)
	}
	c.child = nil
	return err
}

// Close ends the child.
func (c *caller) Close() error {
	if c.child != nil {
		c.child.stop()
		c.child = nil
	}
	return nil
}

// kernel computes a scalar function.
type kernel struct{ *caller }

// Eval asks for the selected rows.
func (k kernel) Eval(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
	return k.call(k.rows(n, sel), args, func(asked []int32, b *batch.Batch) error {
		if b.Len != len(asked) {
			return fmt.Errorf("%d rows in the answer to a request of %d", b.Len, len(asked))
		}
		for i, row := range asked {
			if b.Cols[0].Null(i) {
				out.SetNull(int(row))
			} else {
				out.Set(k.f.Result, int(row), &b.Cols[0], i)
			}
		}
		return nil
	})
}

// tableKernel computes a table function.
type tableKernel struct{ *caller }

// Eval asks for the selected rows and appends what they produce.
func (k tableKernel) Eval(n int, sel []int32, args []batch.Vector, out *batch.Batch, origin []int32) ([]int32, error) {
	_, err := k.call(k.rows(n, sel), args, func(asked []int32, b *batch.Batch) error {
		last := int64(0)
		for i := range b.Len {
			row := b.Cols[0].I64[i]
			if b.Cols[0].Null(i) || row < last || row >= int64(len(asked)) {
				return fmt.Errorf("row %d of the answer is for row %d: the rows of the request are answered in their order", i, row)
			}
			last = row
		}
		for i := range b.Len {
			for c, f := range k.f.Columns.Fields {
				out.Cols[c].Append(f.Type, len(origin), &b.Cols[c+1], i)
			}
			origin = append(origin, asked[b.Cols[0].I64[i]])
		}
		out.Len = len(origin)
		return nil
	})
	return origin, err
}
