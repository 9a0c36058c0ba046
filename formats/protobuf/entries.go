package protobuf

import (
	"encoding/binary"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// few entries are compared with each other; of more a table is made.
const few = 8

// unique keeps one entry per key of the map that was read last, at the place of the
// first and with the value of the last: what filling a map in order gives.
func (f *field) unique(s *slot, v *batch.Vector, block []byte) {
	kt := f.t.KidTypes()
	var at map[string]int
	if s.count > few {
		at = make(map[string]int, s.count)
	}
	var buf [8]byte
	key := func(i int) []byte {
		k := &v.Kids[0]
		if kt[0].Layout() != types.LayoutBytes {
			return binary.LittleEndian.AppendUint64(buf[:0], uint64(k.I64[i]))
		}
		from := k.Buf
		if !f.sub.fields[0].copied {
			from = block
		}
		off := k.Str[i].Off()
		return from[off : off+k.Str[i].Len()]
	}
	n := s.first
	for i := s.first; i < s.first+s.count; i++ {
		same := -1
		if at != nil {
			if e, ok := at[string(key(i))]; ok {
				same = e
			} else {
				at[string(key(i))] = n
			}
		} else {
			k := string(key(i))
			for e := s.first; e < n && same < 0; e++ {
				if string(key(e)) == k {
					same = e
				}
			}
		}
		if same >= 0 {
			move(&v.Kids[1], kt[1], same, i)
			continue
		}
		if n != i {
			move(&v.Kids[0], kt[0], n, i)
			move(&v.Kids[1], kt[1], n, i)
		}
		n++
	}
	s.count = n - s.first
}

// move makes row i of v what its row j is.
func move(v *batch.Vector, t types.Type, i, j int) {
	switch t.Layout() {
	case types.LayoutF64:
		v.F64[i] = v.F64[j]
	case types.LayoutBytes, types.LayoutList:
		v.Str[i] = v.Str[j]
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			move(&v.Kids[k], kt, i, j)
		}
	default:
		v.I64[i] = v.I64[j]
	}
	if v.Null(j) {
		v.SetNull(i)
	} else {
		v.SetValid(i)
	}
}
