// Package enforce holds rows to the types of the columns they are written to:
// Flink's ConstraintEnforcer. Stateless.
//
// A NULL in a NOT NULL column fails the job or drops the row; a text or binary
// longer than its type fails it when that is asked for. Rows, and collections
// within, are looked into when told. Deletions pass: they may hold the key alone.
package enforce

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Depth is how far constraints are checked inside values.
type Depth uint8

const (
	Columns     Depth = iota // the columns themselves
	Rows                     // the fields of rows
	Collections              // the elements of arrays, maps and multisets too
)

// Spec checks the columns of In.
type Spec struct {
	In        *types.Schema
	DropNulls bool // leave rows with a NULL out instead of failing
	Lengths   bool // fail at values longer than their type
	Depth     Depth
	At        sqlerr.Span
}

// Useful says that there is something to check.
func (s *Spec) Useful() bool {
	for _, f := range s.In.Fields {
		if s.constrained(f.Type) {
			return true
		}
	}
	return false
}

// constrained says whether a value of type t can break a rule.
func (s *Spec) constrained(t types.Type) bool {
	if t.NotNull || s.Lengths && limited(t) {
		return true
	}
	if s.inside(t) {
		for _, k := range t.KidTypes() {
			if s.constrained(k) {
				return true
			}
		}
	}
	return false
}

// limited says that t has a length that a value can exceed.
func limited(t types.Type) bool {
	return (t.IsString() || t.IsBytes()) && t.Length < types.MaxLength
}

// inside says whether values within t are checked.
func (s *Spec) inside(t types.Type) bool {
	return t.IsRow() && s.Depth >= Rows || t.IsCollection() && s.Depth >= Collections
}

// Name is ConstraintEnforcer.
func (s *Spec) Name() string { return "ConstraintEnforcer" }

// Args are the columns with rules.
func (s *Spec) Args() []operators.Arg {
	var nulls, lengths []string
	for _, f := range s.In.Fields {
		if f.Type.NotNull {
			nulls = append(nulls, f.Name)
		}
		if s.Lengths && limited(f.Type) {
			lengths = append(lengths, fmt.Sprintf("%s(%d)", f.Name, f.Type.Length))
		}
	}
	args := []operators.Arg{{Name: "NotNullEnforcer", Value: "[fields=[" + strings.Join(nulls, ", ") + "]]"}}
	if lengths != nil {
		args = append(args, operators.Arg{Name: "LengthEnforcer", Value: "[fields=[" + strings.Join(lengths, ", ") + "]]"})
	}
	return args
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes pass.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	return in[0], keys[0], nil
}

// Needs passes on what is wanted.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need { return wanted }

// Placement is the input's.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s, ts: s.In.Types()} }

type operator struct {
	operators.Stateless
	spec  *Spec
	ts    []types.Type
	cols  []int // those of a batch that can break a rule
	sel   []int32
	dense batch.Batch
}

// Process looks at the columns that can break a rule; most batches pass as they
// are.
func (o *operator) Process(_ int, b *batch.Batch) error {
	o.cols = o.cols[:0]
	for c, t := range o.ts {
		if o.suspect(t, &b.Cols[c], b.Len) {
			o.cols = append(o.cols, c)
		}
	}
	if len(o.cols) == 0 {
		return o.Out.Emit(b)
	}
	o.sel = o.sel[:0]
	for i := 0; i < b.Len; i++ {
		fault := o.row(b, i)
		switch {
		case fault == nil:
			o.sel = append(o.sel, int32(i))
		case !fault.null || !o.spec.DropNulls:
			return fault.error(o.spec.At)
		}
	}
	if len(o.sel) == b.Len {
		return o.Out.Emit(b)
	}
	if len(o.sel) == 0 {
		return nil
	}
	rest := *b
	rest.Sel = o.sel
	return o.Out.Emit(rest.Compact(o.ts, &o.dense))
}

// row is the first rule that a row breaks. A deletion may hold the key alone.
func (o *operator) row(b *batch.Batch, i int) *fault {
	if b.Kind(i) == batch.Delete {
		return nil
	}
	for _, c := range o.cols {
		if f := o.check(o.ts[c], &b.Cols[c], i, o.spec.In.Fields[c].Name); f != nil {
			return f
		}
	}
	return nil
}

// suspect says that a column may break a rule.
func (o *operator) suspect(t types.Type, v *batch.Vector, n int) bool {
	if t.NotNull && v.HasNulls(n) || o.spec.Lengths && limited(t) {
		return true
	}
	return o.spec.inside(t) && o.spec.constrained(t.Nullable())
}

// fault is a broken rule.
type fault struct {
	null bool
	path string
	t    types.Type
	n    int // the value's length
}

func (f *fault) error(at sqlerr.Span) error {
	if f.null {
		return sqlerr.New(sqlerr.Runtime, at, "Column '%s' is NOT NULL, however, a null value is being written into it", f.path).
			WithHint("set 'table.exec.sink.not-null-enforcer' = 'DROP' to leave such rows out")
	}
	what := "string"
	if f.t.IsBytes() {
		what = "binary"
	}
	return sqlerr.New(sqlerr.Runtime, at, "Column '%s' is %s, however, a %s of length %d is being written into it", f.path, f.t.Nullable(), what, f.n).
		WithHint("set 'table.exec.sink.type-length-enforcer' to TRIM_PAD or IGNORE")
}

// check is the first rule that the value of row i breaks, nil for none. path names
// it: a.b, a.b[0], a.b[key].
func (o *operator) check(t types.Type, v *batch.Vector, i int, path string) *fault {
	if v.Null(i) {
		if t.NotNull {
			return &fault{null: true, path: path}
		}
		return nil
	}
	if o.spec.Lengths && limited(t) {
		n := len(v.Bytes(i))
		if t.IsString() {
			n = utf8.RuneCount(v.Bytes(i))
		}
		if n > t.Length || n < t.Length && (t.Kind == types.Char || t.Kind == types.Binary) {
			return &fault{path: path, t: t, n: n}
		}
	}
	if !o.spec.inside(t) || !o.spec.constrained(t.Nullable()) {
		return nil
	}
	kinds := t.KidTypes()
	if t.IsRow() {
		for k, f := range t.Fields {
			if bad := o.check(f.Type, &v.Kids[k], i, path+"."+f.Name); bad != nil {
				return bad
			}
		}
		return nil
	}
	s := v.Str[i]
	for e := 0; e < s.Len(); e++ {
		names := []string{fmt.Sprintf("%s[%d]", path, e)}
		switch t.Kind {
		case types.Map:
			names = []string{path + "[key]", path + "[value]"}
		case types.Multiset:
			names = []string{path + "[element]", path + "[count]"}
		}
		for k := range kinds {
			if bad := o.check(kinds[k], &v.Kids[k], s.Off()+e, names[k]); bad != nil {
				return bad
			}
		}
	}
	return nil
}
