package state

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Reshape rewrites a block written for one spec as one of another that needs a part
// of it: cell i of the new rows is cell cells[i] of the old ones, and so on, and of
// sorted rows no more than its Most. Keys are the same in both. Rows that have no time
// and need one get now, in ms.
func (b Block) Reshape(from, to Spec, cells, lists, sets, sorted []int, now int64) (Block, error) {
	out := AppendBlock(nil, to.Signature())
	value := cutter()
	row := func(d []byte, cols []Column) []byte {
		for _, c := range cols {
			_, d = value(d, c.Type)
		}
		return d
	}
	err := b.Sections(from.Signature(), func(kind Section, ns int64, d []byte) error {
		var at int
		out, at = BeginSection(out, kind, ns)
		for len(d) > 0 {
			start := d
			live := d[0] != RowGone
			d = row(d[9:], from.Key)
			if !live {
				out = append(out, start[:len(start)-len(d)]...)
				continue
			}
			_, w := binary.Uvarint(d)
			d = d[w:]
			out = append(out, start[:len(start)-len(d)]...)
			time := binary.LittleEndian.AppendUint64(nil, uint64(now))
			if from.TTL > 0 {
				time, d = d[:8], d[8:]
			}
			if to.TTL > 0 {
				out = append(out, time...)
			}
			var parts [4][][]byte
			for _, c := range from.Row {
				var v []byte
				v, d = value(d, c.Type)
				parts[0] = append(parts[0], v)
			}
			some := func(kind int, each func(d []byte) []byte) {
				s := d
				n, w := binary.Uvarint(d)
				for d = d[w:]; n > 0; n-- {
					d = each(d)
				}
				parts[kind] = append(parts[kind], s[:len(s)-len(d)])
			}
			for _, l := range from.Lists {
				some(1, func(d []byte) []byte { return row(d[8*l.Cells:], l.Row) })
			}
			for _, m := range from.Multisets {
				some(2, func(d []byte) []byte {
					d = row(d, m)
					_, w := binary.Varint(d)
					return d[w:]
				})
			}
			for _, o := range from.Sorted {
				some(3, func(d []byte) []byte { return row(d, o.Row) })
			}
			for kind, pick := range [4][]int{cells, lists, sets, sorted} {
				for k, i := range pick {
					if i < 0 || i >= len(parts[kind]) {
						return fmt.Errorf("state %q has no part %d", b.Name, i)
					}
					part := parts[kind][i]
					if kind == 3 && to.Sorted[k].Most > 0 {
						n, w := binary.Uvarint(part)
						first := min(n, uint64(to.Sorted[k].Most))
						rest := part[w:]
						for range first {
							rest = row(rest, from.Sorted[i].Row)
						}
						out = binary.AppendUvarint(out, first)
						part = part[w : len(part)-len(rest)]
					}
					out = append(out, part...)
				}
			}
		}
		out = EndSection(out, at)
		return nil
	})
	b.Data = out
	return b, err
}

// cutter cuts the first value off bytes that batch.AppendValue wrote.
func cutter() func(d []byte, t types.Type) (v, rest []byte) {
	var scratch batch.Vector
	return func(d []byte, t types.Type) (v, rest []byte) {
		scratch.Prepare(t, 0)
		rest = batch.DecodeValue(d, t, &scratch, 0)
		return d[:len(d)-len(rest)], rest
	}
}
