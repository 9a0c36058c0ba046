package batch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/millrace/millrace/types"
)

// Order is one item of an ORDER BY over columns.
type Order struct {
	Col       int
	Desc      bool
	NullsLast bool
}

// Equal says whether two values are equal in the sense of GROUP BY: NULL equals
// NULL, NaN equals NaN.
func Equal(t types.Type, a *Vector, i int, b *Vector, j int) bool {
	if a.Null(i) || b.Null(j) {
		return a.Null(i) == b.Null(j)
	}
	switch t.Layout() {
	case types.LayoutI64:
		return a.I64[i] == b.I64[j]
	case types.LayoutF64:
		return canonical(a.F64[i]) == canonical(b.F64[j])
	case types.LayoutWide:
		return a.I64[i] == b.I64[j] && a.Hi[i] == b.Hi[j]
	case types.LayoutBytes:
		return bytes.Equal(a.Bytes(i), b.Bytes(j))
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			if !Equal(kt, &a.Kids[k], i, &b.Kids[k], j) {
				return false
			}
		}
		return true
	}
	return bytes.Equal(AppendKey(nil, t, a, i), AppendKey(nil, t, b, j))
}

// EqualRows says whether row i of a equals row j of b in every column.
func EqualRows(ts []types.Type, a []Vector, i int, b []Vector, j int) bool {
	for c := range ts {
		if !Equal(ts[c], &a[c], i, &b[c], j) {
			return false
		}
	}
	return true
}

// Compare orders two values that aren't NULL: numbers by value with NaN
// greatest, strings and binaries by bytes, false before true, structs and arrays
// field by field (NULLs first).
func Compare(t types.Type, a *Vector, i int, b *Vector, j int) int {
	switch t.Layout() {
	case types.LayoutI64:
		return cmp.Compare(a.I64[i], b.I64[j])
	case types.LayoutF64:
		return compareFloat(a.F64[i], b.F64[j])
	case types.LayoutWide:
		if t.Kind == types.Decimal {
			return a.Wide(i).Cmp(b.Wide(j))
		}
		if c := cmp.Compare(a.I64[i], b.I64[j]); c != 0 {
			return c
		}
		return cmp.Compare(a.Hi[i], b.Hi[j])
	case types.LayoutBytes:
		return bytes.Compare(a.Bytes(i), b.Bytes(j))
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			if c := compareNulls(kt, &a.Kids[k], i, &b.Kids[k], j); c != 0 {
				return c
			}
		}
		return 0
	}
	s, u := a.Str[i], b.Str[j]
	kt := t.KidTypes()
	for e := 0; e < min(s.Len(), u.Len()); e++ {
		for k := range kt {
			if c := compareNulls(kt[k], &a.Kids[k], s.Off()+e, &b.Kids[k], u.Off()+e); c != 0 {
				return c
			}
		}
	}
	return cmp.Compare(s.Len(), u.Len())
}

func compareNulls(t types.Type, a *Vector, i int, b *Vector, j int) int {
	switch an, bn := a.Null(i), b.Null(j); {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	return Compare(t, a, i, b, j)
}

func compareFloat(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return cmp.Compare(canonicalRank(x), canonicalRank(y))
}

func canonicalRank(x float64) int { // NaN above everything
	if x != x {
		return 1
	}
	return 0
}

// CompareRows orders row i of a and row j of b by the items, whose Col indexes
// the columns of both.
func CompareRows(ts []types.Type, by []Order, a []Vector, i int, b []Vector, j int) int {
	for _, o := range by {
		x, y := &a[o.Col], &b[o.Col]
		xn, yn := x.Null(i), y.Null(j)
		c := 0
		switch {
		case xn && yn:
			continue
		case xn:
			c = -1
		case yn:
			c = 1
		}
		if c != 0 {
			if o.NullsLast {
				c = -c
			}
			return c
		}
		if c = Compare(ts[o.Col], x, i, y, j); c != 0 {
			if o.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// AppendSortKey appends bytes whose order under bytes.Compare is the order of
// the items: what sorted state is kept by. Equal values give equal bytes.
func AppendSortKey(b []byte, ts []types.Type, by []Order, cols []Vector, i int) []byte {
	for _, o := range by {
		start := len(b)
		v := &cols[o.Col]
		if v.Null(i) {
			if o.NullsLast {
				b = append(b, 2)
			} else {
				b = append(b, 0)
			}
			continue
		}
		b = append(b, 1)
		b = sortable(b, ts[o.Col], v, i)
		if o.Desc {
			for k := start + 1; k < len(b); k++ {
				b[k] = ^b[k]
			}
		}
	}
	return b
}

const signBit = 1 << 63

func sortable(b []byte, t types.Type, v *Vector, i int) []byte {
	switch t.Layout() {
	case types.LayoutI64:
		return binary.BigEndian.AppendUint64(b, uint64(v.I64[i])^signBit)
	case types.LayoutF64:
		u := canonical(v.F64[i])
		if u&signBit != 0 {
			u = ^u
		} else {
			u |= signBit
		}
		return binary.BigEndian.AppendUint64(b, u)
	case types.LayoutWide:
		if t.Kind == types.Decimal {
			b = binary.BigEndian.AppendUint64(b, uint64(v.Hi[i])^signBit)
			return binary.BigEndian.AppendUint64(b, uint64(v.I64[i]))
		}
		b = binary.BigEndian.AppendUint64(b, uint64(v.I64[i])^signBit)
		return binary.BigEndian.AppendUint64(b, uint64(v.Hi[i]))
	case types.LayoutBytes:
		for _, c := range v.Bytes(i) { // 0 is escaped so that a prefix sorts first
			if c == 0 {
				b = append(b, 0, 0xff)
			} else {
				b = append(b, c)
			}
		}
		return append(b, 0, 0)
	}
	kt := t.KidTypes()
	first, count := i, 1
	if t.Layout() == types.LayoutList {
		first, count = v.Str[i].Off(), v.Str[i].Len()
	}
	for e := first; e < first+count; e++ {
		b = append(b, 1)
		for k := range kt {
			if v.Kids[k].Null(e) {
				b = append(b, 0)
			} else {
				b = sortable(append(b, 1), kt[k], &v.Kids[k], e)
			}
		}
	}
	return append(b, 0)
}

// Float32 rounds x to what a FLOAT can hold.
func Float32(x float64) float64 {
	if math.IsNaN(x) {
		return x
	}
	return float64(float32(x))
}
