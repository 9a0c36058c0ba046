package json

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// Parse is PARSE_JSON(text[, allow duplicate keys]); TryParse gives NULL where it
// fails.
var (
	Parse    = parsing("PARSE_JSON", "Reads JSON text as a VARIANT; text that isn't JSON is an error.", false).Shown(`JSON_STRING(PARSE_JSON('{"a": 1}')) -> '{"a":1}'`)
	TryParse = parsing("TRY_PARSE_JSON", "Reads JSON text as a VARIANT, NULL if it isn't JSON.", true).Shown("JSON_STRING(TRY_PARSE_JSON('{')) -> NULL")
)

func parsing(name, text string, try bool) *functions.Scalar {
	result := functions.Strict(types.VariantType)
	if try {
		result = functions.Nullable(types.VariantType)
	}
	return &functions.Scalar{Name: name, Doc: doc(name+"(text[, allow duplicate keys])", text),
		Sigs: []functions.Sig{{Params: []functions.Param{functions.StringParam, functions.BooleanParam.Opt()}, Result: result}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			var d document
			return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
				err := errText
				root := d.parse(args[0].Bytes(i))
				if root != 0 {
					err = d.canonical(root, len(args) > 1 && args[1].I64[i] != 0)
				}
				if err != nil {
					if try {
						out.SetNull(i)
						return nil
					}
					return fmt.Errorf("%w: '%s'", err, args[0].Bytes(i))
				}
				off := len(out.Buf)
				out.Buf = d.printVariant(out.Buf, root)
				out.EndBytes(i, off)
				return nil
			}), nil
		}}
}

var errDuplicate = errors.New("VARIANT_DUPLICATE_KEY: a key occurs twice")

// canonical sorts the members of objects by key. Of equal keys the last stays, or
// they are an error.
func (d *document) canonical(i int, duplicates bool) error {
	sorted := true
	for c, last := d.nodes[i].child, 0; c != 0; last, c = c, d.nodes[c].next {
		if err := d.canonical(c, duplicates); err != nil {
			return err
		}
		sorted = sorted && (last == 0 || bytes.Compare(d.nodes[last].key, d.nodes[c].key) < 0)
	}
	if d.nodes[i].kind != object || sorted {
		return nil
	}
	var members []int
	for c := d.nodes[i].child; c != 0; c = d.nodes[c].next {
		members = append(members, c)
	}
	sort.SliceStable(members, func(a, b int) bool { return bytes.Compare(d.nodes[members[a]].key, d.nodes[members[b]].key) < 0 })
	kept := members[:1]
	for _, m := range members[1:] {
		if !bytes.Equal(d.nodes[m].key, d.nodes[kept[len(kept)-1]].key) {
			kept = append(kept, m)
			continue
		}
		if !duplicates {
			return errDuplicate
		}
		kept[len(kept)-1] = m
	}
	d.nodes[i].child, d.nodes[i].count = kept[0], len(kept)
	for k, m := range kept {
		d.nodes[m].next = 0
		if k+1 < len(kept) {
			d.nodes[m].next = kept[k+1]
		}
	}
	return nil
}

// order is canonical for text that is printed: Flink sorts the members of objects,
// too.
func (d *document) order(i int) { _ = d.canonical(i, true) }

// printVariant is print with the numbers of a VARIANT: plain decimals exact and
// without zeros at their end, others as doubles.
func (d *document) printVariant(b []byte, i int) []byte {
	n := &d.nodes[i]
	switch n.kind {
	case number:
		if bytes.ContainsAny(n.value, "eE") {
			f, _ := strconv.ParseFloat(string(n.value), 64) // beyond its range: infinity
			return types.AppendDouble(b, f)
		}
		if len(n.value) > types.MaxPrecision {
			if _, ok := types.ParseDecimal(n.value, types.MaxPrecision, 0); !ok {
				f, _ := strconv.ParseFloat(string(n.value), 64)
				return types.AppendDouble(b, f)
			}
		}
		if bytes.IndexByte(n.value, '.') >= 0 {
			return append(b, bytes.TrimRight(bytes.TrimRight(n.value, "0"), ".")...)
		}
		return append(b, n.value...)
	case array, object:
		return d.printAll(b, n, d.printVariant)
	}
	return d.print(b, i)
}

// printStored is print of a part of a VARIANT: its numbers are as they should be.
func (d *document) printStored(b []byte, i int) []byte {
	switch n := &d.nodes[i]; n.kind {
	case number:
		return append(b, n.value...)
	case array, object:
		return d.printAll(b, n, d.printStored)
	}
	return d.print(b, i)
}

// Item is v['field'] and v[index] of a VARIANT.
var Item = &functions.Scalar{
	Name: "VARIANT_ITEM",
	Doc:  doc("variant['field'], variant[index]", "A member, or the element at an index from 1; NULL when there is none.", `JSON_STRING(PARSE_JSON('{"a": [1, 2]}')['a'][2]) -> '2'`),
	Sigs: []functions.Sig{
		{Params: []functions.Param{variantParam, functions.StringParam}, Result: functions.Nullable(types.VariantType)},
		{Params: []functions.Param{variantParam, functions.IntegerParam}, Result: functions.Nullable(types.VariantType)},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		var d document
		byName := c.Args[1].Type.IsString()
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			found := 0
			if root := d.parse(args[0].Bytes(i)); root != 0 && byName {
				found = d.step(&d.nodes[root], step{key: string(args[1].Bytes(i))})
			} else if root != 0 && args[1].I64[i] > 0 {
				found = d.step(&d.nodes[root], step{kind: element, index: int(args[1].I64[i] - 1)})
			}
			if found == 0 {
				out.SetNull(i)
				return nil
			}
			off := len(out.Buf)
			out.Buf = d.printStored(out.Buf, found)
			out.EndBytes(i, off)
			return nil
		}), nil
	},
}

var variantParam = functions.Param{Type: "<VARIANT>", Accept: func(a functions.Arg) (types.Type, bool) { return a.Type.Plain(), a.Type.Kind == types.Variant }}
