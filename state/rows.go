package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"

	"github.com/millrace/millrace/types"
)

// Rows reads what a table holds from its blocks, bases and changes in the order they
// were written, without opening it. A row is a value per column, as batch.DecodeValue
// reads them: the columns of the key, the namespace (BIGINT) if the table is
// windowed, the cells, then an ARRAY<ROW> per list, per multiset (whose rows end with
// the count, BIGINT) and per sorted collection. Rows come ordered by key group, then
// by arrival; one whose time to live is over may still be there.
func Rows(spec Spec, blocks []Block) ([][][]byte, error) {
	type row struct {
		arrival uint64
		seen    int
		values  [][]byte
	}
	type place struct {
		ns  int64
		key string
	}
	cut := cutter()
	groups := map[int]map[place]row{}
	seen := 0
	for _, b := range blocks {
		g := groups[b.Group]
		if g == nil || !b.Delta && !b.More {
			g = map[place]row{}
			groups[b.Group] = g
		}
		err := b.Sections(spec.Signature(), func(kind Section, ns int64, d []byte) error {
			if kind == SliceDropped {
				for p := range g {
					if p.ns == ns {
						delete(g, p)
					}
				}
				return nil
			}
			if kind == TableRows {
				ns = math.MinInt64
			}
			for len(d) > 0 {
				live := d[0] != RowGone
				var x row
				start := d[9:]
				d = start
				for _, c := range spec.Key {
					var v []byte
					v, d = cut(d, c.Type)
					x.values = append(x.values, v)
				}
				at := place{ns, string(start[:len(start)-len(d)])}
				if !live {
					delete(g, at)
					continue
				}
				var w int
				x.arrival, w = binary.Uvarint(d)
				d = d[w:]
				if spec.TTL > 0 {
					d = d[8:]
				}
				if spec.Windowed {
					v := []byte{0}
					if kind == SliceRows {
						v = binary.LittleEndian.AppendUint64([]byte{1}, uint64(ns))
					}
					x.values = append(x.values, v)
				}
				for _, c := range spec.Row {
					var v []byte
					v, d = cut(d, c.Type)
					x.values = append(x.values, v)
				}
				d = collections(cut, spec, d, &x.values)
				x.seen = seen
				seen++
				g[at] = x
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var order []int
	for g := range groups {
		order = append(order, g)
	}
	sort.Ints(order)
	var out [][][]byte
	for _, g := range order {
		rows := make([]row, 0, len(groups[g]))
		for _, x := range groups[g] {
			rows = append(rows, x)
		}
		sort.Slice(rows, func(i, j int) bool {
			if rows[i].arrival != rows[j].arrival {
				return rows[i].arrival < rows[j].arrival
			}
			return rows[i].seen < rows[j].seen
		})
		for _, x := range rows {
			out = append(out, x.values)
		}
	}
	return out, nil
}

// collections appends an ARRAY<ROW> for each collection of a row, and returns what
// is behind them.
func collections(cut func([]byte, types.Type) (v, rest []byte), spec Spec, d []byte, to *[][]byte) []byte {
	array := func(skip int, cols []Column, counted bool) {
		n, w := binary.Uvarint(d)
		if w <= 0 || n > uint64(len(d)) {
			panic(fmt.Sprintf("%d entries in %d bytes", n, len(d)))
		}
		out := binary.AppendUvarint([]byte{1}, n)
		for d = d[w:]; n > 0; n-- {
			out = append(out, 1)
			d = d[skip:]
			for _, c := range cols {
				var v []byte
				v, d = cut(d, c.Type)
				out = append(out, v...)
			}
			if counted {
				count, w := binary.Varint(d)
				d = d[w:]
				out = binary.LittleEndian.AppendUint64(append(out, 1), uint64(count))
			}
		}
		*to = append(*to, out)
	}
	for _, l := range spec.Lists {
		array(8*l.Cells, l.Row, false)
	}
	for _, m := range spec.Multisets {
		array(0, m, true)
	}
	for _, o := range spec.Sorted {
		array(0, o.Row, false)
	}
	return d
}
