package statetest

import (
	"math"
	"math/rand"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// random appends a random value of few to v, which has n rows so far. few bounds
// how many different ones there are.
func random(r *rand.Rand, t types.Type, v *batch.Vector, n, few int) {
	if !t.NotNull && r.Intn(6) == 0 {
		v.AppendNull(t, n)
		return
	}
	x := int64(r.Intn(few)) - int64(few/3)
	switch t.Layout() {
	case types.LayoutI64:
		if t.Kind == types.Boolean {
			x &= 1
		}
		v.I64 = append(v.I64[:n], x)
	case types.LayoutF64:
		f := float64(x) / 2
		switch x {
		case 1:
			f = math.NaN()
		case 2:
			f = math.Copysign(0, -1)
		}
		v.F64 = append(v.F64[:n], f)
	case types.LayoutWide:
		v.I64, v.Hi = append(v.I64[:n], x*7), append(v.Hi[:n], x>>2)
	case types.LayoutBytes:
		var one batch.Vector
		one.Prepare(t, 1)
		one.SetString(0, strings.Repeat("säule", int(x&3))+string(rune('a'+x&15))+strings.Repeat("\x00", int(x>>3&1)))
		if x == 0 {
			one.SetString(0, "")
		}
		if x == 3 {
			one.SetString(0, strings.Repeat("long ", 60))
		}
		v.Append(t, n, &one, 0)
		return
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			random(r, kt, &v.Kids[k], n, few)
		}
	default:
		kt := t.KidTypes()
		first, count := v.Kids[0].Size(kt[0]), int(x&3)
		if t.Kind == types.Map {
			count &= 1 // keys of a map are distinct
		}
		for e := 0; e < count; e++ {
			for k := range kt {
				random(r, kt[k], &v.Kids[k], first+e, few)
			}
		}
		v.Str = append(v.Str[:n], batch.NewView(first, count))
	}
	v.SetValid(n)
}

// randomRows makes n random rows.
func randomRows(r *rand.Rand, ts []types.Type, n, few int) *batch.Batch {
	b := &batch.Batch{}
	b.Reset(ts)
	for i := 0; i < n; i++ {
		for c, t := range ts {
			random(r, t, &b.Cols[c], i, few)
		}
		b.AppendKind(batch.Insert)
	}
	return b
}

// exact is a row's exact bytes, canonical those of grouping.
func exact(ts []types.Type, cols []batch.Vector, i int) string {
	return string(batch.AppendRow(nil, ts, cols, i))
}

func canonical(ts []types.Type, cols []batch.Vector, i int) string {
	var b []byte
	for c := range ts {
		b = batch.AppendKey(b, ts[c], &cols[c], i)
	}
	return string(b)
}

func sortKey(ts []types.Type, by []batch.Order, cols []batch.Vector, i int) string {
	return string(batch.AppendSortKey(nil, ts, by, cols, i))
}
