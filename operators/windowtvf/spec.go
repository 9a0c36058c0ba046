// Package windowtvf gives rows their windows: Flink's WindowTableFunction, where
// no aggregation takes the window over.
//
// TUMBLE, HOP and CUMULATE pass each row on at once, late ones too, once per
// window, with its kind (operator.go). SESSION doesn't know a row's window until
// the session has ended: it keeps the rows and sends them then (session.go).
package windowtvf

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/types"
)

// Spec appends window_start, window_end and window_time to its input.
type Spec struct {
	In        *types.Schema
	Window    window.Window
	Partition []int // of SESSION
	Out       *types.Schema
}

// Name is WindowTableFunction.
func (s *Spec) Name() string { return "WindowTableFunction" }

// Args are the window.
func (s *Spec) Args() []operators.Arg {
	a := []operators.Arg{{Name: "window", Value: "[" + s.Window.Describe(s.In) + "]"}}
	if len(s.Partition) > 0 {
		a = append(a, operators.Arg{Name: "partition", Value: operators.Columns(s.In, s.Partition)})
	}
	return a
}

// Schema is the input and the window's columns.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are the input's. A key of the input identifies a row within its window.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	first := s.In.Len()
	with := func(ks [][]int) (out [][]int) {
		for _, k := range ks {
			out = append(out, append(append([]int(nil), k...), first, first+1))
		}
		return out
	}
	return in[0], operators.Keys{Unique: with(keys[0].Unique), Upsert: with(keys[0].Upsert)}, nil
}

// Needs: a change must come out of the session it went into, so it must be whole.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need {
	if s.Window.Kind == window.Session {
		wanted.FullDeletes = true
	}
	return wanted
}

// Distribution: a session's rows meet; other windows are found row by row.
func (s *Spec) Distribution(int) operators.Distribution {
	if s.Window.Kind == window.Session {
		return operators.Keyed(s.Partition)
	}
	return operators.Distribution{}
}

// Placement: the input's columns keep their places.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// Slice: a session ends at any time.
func (s *Spec) Slice() int64 {
	if s.Window.Kind == window.Session {
		return s.Window.Cut()
	}
	return 0
}

// New makes the operator.
func (s *Spec) New() operators.Operator {
	if s.Window.Kind == window.Session {
		return &session{spec: s}
	}
	return &operator{spec: s}
}
