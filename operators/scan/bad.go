package scan

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// BadColumns are the columns of rows that couldn't be decoded.
var BadColumns = types.NewSchema(
	types.Field{Name: "table", Type: types.StringType}, types.Field{Name: "split", Type: types.StringType}, types.Field{Name: "offset", Type: types.BigIntType},
	types.Field{Name: "raw", Type: types.BytesType}, types.Field{Name: "reason", Type: types.StringType})

var badTypes = BadColumns.Types()

// bad takes a row that its format couldn't decode. It is sent with the end of the
// batch it was read with: until then a restore reads both again.
func (o *Operator) bad(b connectors.BadRow) error {
	o.env.Metrics.KeepBad(operators.BadRow{Split: b.Split, Offset: b.Offset, Raw: b.Raw, Reason: fmt.Sprint(b.Reason)})
	if errors.Is(b.Reason, formats.ErrIgnored) {
		return nil
	}
	if o.spec.OnBad == FailBad {
		return o.spec.bad(b)
	}
	if n := o.spec.lost.add(o.env.Context); o.spec.MaxBad >= 0 && n > o.spec.MaxBad {
		err := o.spec.bad(b)
		err.Msg += fmt.Sprintf("; it is bad row %d, and 'millrace.on-error.%s.max' allows %d", n, short(o.spec.Table), o.spec.MaxBad)
		return err
	}
	if o.spec.OnBad == SendBad {
		n := o.lost.Len
		for c, text := range []string{o.spec.Table, b.Split, "", string(b.Raw), b.Reason.Error()} {
			v := &o.lost.Cols[c]
			if badTypes[c].Layout() == types.LayoutI64 {
				v.I64 = append(v.I64[:n], b.Offset)
				continue
			}
			v.Str = append(v.Str[:n], 0)
			v.SetString(n, text)
		}
		o.lost.AppendKind(batch.Insert)
	}
	return nil
}

// tally counts the bad rows that all subtasks of a scan have met in a run. A run has
// one context, so that another begins anew.
type tally struct {
	mu  sync.Mutex
	run context.Context
	n   int64
}

func (t *tally) add(run context.Context) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.run != run {
		t.run, t.n = run, 0
	}
	t.n++
	return t.n
}

// sendLost sends the bad rows gathered so far. s is a split of which nothing else
// has been read: its position is behind them now.
func (o *Operator) sendLost(s *split) error {
	if o.lost.Len == 0 {
		return nil
	}
	if s != nil {
		s.before, s.out = s.reader.Position(), s.skip
	}
	err := o.lostTo.Emit(&o.lost)
	o.lost.Reset(badTypes)
	return err
}

// BadSpec passes a scan's bad rows on to a table: its input is the scan's side
// output.
type BadSpec struct{ Table string }

// Name is BadRows.
func (s *BadSpec) Name() string { return "BadRows" }

// Args is the table they are of.
func (s *BadSpec) Args() []operators.Arg {
	return []operators.Arg{{Name: "table", Value: "[[" + s.Table + "]]"}}
}

// Schema is BadColumns.
func (s *BadSpec) Schema() *types.Schema { return BadColumns }

// Changes are insertions, whatever the scan's are.
func (s *BadSpec) Changes([]batch.Changes, []operators.Keys) (batch.Changes, operators.Keys, error) {
	return batch.Changes{Kinds: batch.InsertOnly}, operators.Keys{}, nil
}

// Needs asks nothing of the scan.
func (s *BadSpec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution is as the scan's.
func (s *BadSpec) Distribution(int) operators.Distribution { return operators.Distribution{} }

// New makes the operator.
func (s *BadSpec) New() operators.Operator { return &badRows{} }

type badRows struct{ operators.Stateless }

func (b *badRows) Process(_ int, rows *batch.Batch) error { return b.Out.Emit(rows) }
