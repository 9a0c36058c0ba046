// Package bitmap is the functions of BITMAP, sets of 32-bit numbers. All is the
// list.
//
// A value in a column is its members as big-endian 32-bit numbers, ascending and
// unsigned, so that equal sets are equal bytes; portable.go reads and writes the
// Roaring format that BITMAP_TO_BYTES and BITMAP_FROM_BYTES exchange with others.
package bitmap

import (
	"encoding/binary"
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{
	build, cardinality, toArray, toBytes, fromBytes, toString,
	combine("BITMAP_AND", "The members that are in both.", func(a, b bool) bool { return a && b }).Shown("BITMAP_TO_STRING(BITMAP_AND(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) -> '{2}'"),
	combine("BITMAP_OR", "The members that are in either.", func(a, b bool) bool { return a || b }).Shown("BITMAP_TO_STRING(BITMAP_OR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) -> '{1,2,3}'"),
	combine("BITMAP_XOR", "The members that are in just one.", func(a, b bool) bool { return a != b }).Shown("BITMAP_TO_STRING(BITMAP_XOR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) -> '{1,3}'"),
	combine("BITMAP_ANDNOT", "The members of the first that the second hasn't.", func(a, b bool) bool { return a && !b }).Shown("BITMAP_TO_STRING(BITMAP_ANDNOT(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3]))) -> '{1}'"),
}

var bitmapType = types.Type{Kind: types.Bitmap}

var bitmapParam = functions.Param{Type: "<BITMAP>", Accept: func(a functions.Arg) (types.Type, bool) {
	if a.Type.Kind == types.Null {
		return bitmapType, true
	}
	return a.Type.Plain(), a.Type.Kind == types.Bitmap
}}

var intsParam = functions.Param{Type: "<ARRAY<INT>>", Accept: func(a functions.Arg) (types.Type, bool) {
	return a.Type.Plain(), a.Type.Kind == types.Array && a.Type.Elem().Kind >= types.TinyInt && a.Type.Elem().Kind <= types.Int
}}

func strict(name, usage, text string, result types.Type, params []functions.Param, f func(args []batch.Vector, out *batch.Vector, i int) error) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "bitmap", Usage: usage, Text: text},
		Sigs: []functions.Sig{{Params: params, Result: functions.Strict(result)}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				return functions.Try(n, sel, func(i int) error { return f(args, out, i) })
			}), nil
		},
	}
}

// at is member k of a value.
func at(b []byte, k int) uint32 { return binary.BigEndian.Uint32(b[4*k:]) }

// Append appends members, sorted and each once, to b. It uses members up.
func Append(b []byte, members []uint32) []byte {
	slices.Sort(members)
	for _, x := range slices.Compact(members) {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

var build = strict("BITMAP_BUILD", "BITMAP_BUILD(array)", "The set of an array's numbers; NULLs don't count.", bitmapType, []functions.Param{intsParam},
	func(args []batch.Vector, out *batch.Vector, i int) error {
		s, kid := args[0].Str[i], &args[0].Kids[0]
		members := make([]uint32, 0, s.Len())
		for e := s.Off(); e < s.Off()+s.Len(); e++ {
			if !kid.Null(e) {
				members = append(members, uint32(kid.I64[e]))
			}
		}
		off := len(out.Buf)
		out.Buf = Append(out.Buf, members)
		out.EndBytes(i, off)
		return nil
	}).Shown("BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[3, 1, 3])) -> '{1,3}'")

var cardinality = strict("BITMAP_CARDINALITY", "BITMAP_CARDINALITY(bitmap)", "How many members there are.", types.BigIntType, []functions.Param{bitmapParam},
	func(args []batch.Vector, out *batch.Vector, i int) error {
		out.I64[i] = int64(len(args[0].Bytes(i)) / 4)
		return nil
	}).Shown("BITMAP_CARDINALITY(BITMAP_BUILD(ARRAY[3, 1, 3])) -> 2")

var toArray = strict("BITMAP_TO_ARRAY", "BITMAP_TO_ARRAY(bitmap)", "The members as an array of INT, in unsigned order.", types.ArrayOf(types.IntType), []functions.Param{bitmapParam},
	func(args []batch.Vector, out *batch.Vector, i int) error {
		b, kid := args[0].Bytes(i), &out.Kids[0]
		first := len(kid.I64)
		for k := 0; k < len(b)/4; k++ {
			kid.I64 = append(kid.I64, int64(int32(at(b, k))))
		}
		out.Str[i] = batch.NewView(first, len(b)/4)
		return nil
	}).Shown("BITMAP_TO_ARRAY(BITMAP_BUILD(ARRAY[3, 1])) -> [1, 3]")

var toBytes = strict("BITMAP_TO_BYTES", "BITMAP_TO_BYTES(bitmap)", "The bitmap in the portable Roaring format.", types.BytesType, []functions.Param{bitmapParam},
	func(args []batch.Vector, out *batch.Vector, i int) error {
		off := len(out.Buf)
		out.Buf = appendPortable(out.Buf, args[0].Bytes(i))
		out.EndBytes(i, off)
		return nil
	}).Shown("BITMAP_TO_STRING(BITMAP_FROM_BYTES(BITMAP_TO_BYTES(BITMAP_BUILD(ARRAY[3, 1])))) -> '{1,3}'")

var fromBytes = strict("BITMAP_FROM_BYTES", "BITMAP_FROM_BYTES(bytes)", "The bitmap that bytes in the portable Roaring format hold.", bitmapType, []functions.Param{functions.BytesParam},
	func(args []batch.Vector, out *batch.Vector, i int) error {
		members, err := readPortable(args[0].Bytes(i))
		off := len(out.Buf)
		out.Buf = Append(out.Buf, members)
		out.EndBytes(i, off)
		return err
	}).Shown("BITMAP_TO_STRING(BITMAP_FROM_BYTES(BITMAP_TO_BYTES(BITMAP_BUILD(ARRAY[3, 1])))) -> '{1,3}'")

var toString = strict("BITMAP_TO_STRING", "BITMAP_TO_STRING(bitmap)", "The members as text: {1,2,3}.", types.StringType, []functions.Param{bitmapParam},
	func(args []batch.Vector, out *batch.Vector, i int) error {
		off := len(out.Buf)
		out.Buf = types.AppendBitmap(out.Buf, args[0].Bytes(i))
		out.EndBytes(i, off)
		return nil
	}).Shown("BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[3, 1])) -> '{1,3}'")

// combine merges two sets; keep says what becomes of a member by which of them
// has it.
func combine(name, text string, keep func(a, b bool) bool) *functions.Scalar {
	return strict(name, name+"(a, b)", text, bitmapType, []functions.Param{bitmapParam, bitmapParam},
		func(args []batch.Vector, out *batch.Vector, i int) error {
			a, b, off := args[0].Bytes(i), args[1].Bytes(i), len(out.Buf)
			for len(a) > 0 || len(b) > 0 {
				inA := len(a) > 0 && (len(b) == 0 || at(a, 0) <= at(b, 0))
				inB := len(b) > 0 && (len(a) == 0 || at(b, 0) <= at(a, 0))
				from := a
				if !inA {
					from = b
				}
				if keep(inA, inB) {
					out.Buf = append(out.Buf, from[:4]...)
				}
				if inA {
					a = a[4:]
				}
				if inB {
					b = b[4:]
				}
			}
			out.EndBytes(i, off)
			return nil
		})
}
