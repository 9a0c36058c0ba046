package text

import (
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

const upperHex = "0123456789ABCDEF"

// hexOf is HEX: the digits of a whole number (64 bits of a negative one), or of a
// string's bytes.
var hexOf = &functions.Scalar{
	Name: "HEX", Doc: functions.Doc{Group: "string", Usage: "HEX(integer or string)", Text: "Upper-case hexadecimal digits: of a whole number, negative ones as 64 bits, or of a string's UTF-8 bytes.", Example: []string{"HEX('é') -> 'C3A9'"}},
	Sigs: []functions.Sig{
		{Params: []functions.Param{functions.IntegerParam}, Result: aString},
		{Params: []functions.Param{str}, Result: aString},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		number := c.Args[0].Type.IsInteger()
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			off := len(out.Buf)
			if number {
				x, shift := uint64(args[0].I64[i]), 60
				for shift > 0 && x>>shift == 0 {
					shift -= 4
				}
				for ; shift >= 0; shift -= 4 {
					out.Buf = append(out.Buf, upperHex[x>>shift&15])
				}
			} else {
				for _, c := range args[0].Bytes(i) {
					out.Buf = append(out.Buf, upperHex[c>>4], upperHex[c&15])
				}
			}
			out.EndBytes(i, off)
		}), nil
	},
}

// unhex gives the bytes that hexadecimal digits stand for, NULL for anything
// else. Of an odd number of digits the first gives a zero byte, as in Flink,
// whose tests ask for it.
var unhex = strict("UNHEX", "UNHEX(string)", functions.Nullable(types.BytesType), []functions.Param{str},
	func(args []batch.Vector, out *batch.Vector, i int) {
		s, off := args[0].Bytes(i), len(out.Buf)
		var high byte
		for k, c := range s {
			d := digit(c)
			if d < 0 {
				out.Buf = out.Buf[:off]
				out.SetNull(i)
				return
			}
			switch {
			case k == 0 && len(s)%2 == 1:
				out.Buf = append(out.Buf, 0)
			case (len(s)-k)%2 == 1:
				out.Buf = append(out.Buf, high<<4|byte(d))
			default:
				high = byte(d)
			}
		}
		out.EndBytes(i, off)
	}).Says("The bytes that hexadecimal digits stand for; NULL for other characters.", "UNHEX('6869') -> hi")

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|32 >= 'a' && c|32 <= 'f':
		return int(c|32-'a') + 10
	}
	return -1
}

// bin is the binary digits of a whole number, 64 of a negative one.
var bin = strict("BIN", "BIN(integer)", aString, []functions.Param{functions.IntegerParam},
	func(args []batch.Vector, out *batch.Vector, i int) {
		off := len(out.Buf)
		out.Buf = strconv.AppendUint(out.Buf, uint64(args[0].I64[i]), 2)
		out.EndBytes(i, off)
	}).Says("The number in binary digits.", "BIN(5) -> '101'")
