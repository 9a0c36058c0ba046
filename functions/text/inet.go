package text

import (
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// inetAton reads an IPv4 address. With fewer than four parts the missing ones lie
// before the last: 127.1 is 127.0.0.1; every part is at most 255.
var inetAton = strict("INET_ATON", "INET_ATON(string)", functions.Nullable(types.BigIntType), []functions.Param{str},
	func(args []batch.Vector, out *batch.Vector, i int) {
		n, ok := address(args[0].Bytes(i))
		if out.I64[i] = n; !ok {
			out.SetNull(i)
		}
	}).Says("The number of an IPv4 address; NULL for what isn't one.", "INET_ATON('127.0.0.1') -> 2130706433")

func address(s []byte) (n int64, ok bool) {
	var parts [4]int64
	k, digits := 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			parts[k] = min(parts[k]*10+int64(c-'0'), 256)
			digits++
		case c == '.' && digits > 0 && k < 3:
			k, digits = k+1, 0
		default:
			return 0, false
		}
	}
	if digits == 0 {
		return 0, false
	}
	for _, p := range parts {
		if p > 255 {
			return 0, false
		}
	}
	for j := 0; j < k; j++ {
		n |= parts[j] << (24 - 8*j)
	}
	return n | parts[k], true
}

// inetNtoa writes an IPv4 address; NULL for what is none.
var inetNtoa = strict("INET_NTOA", "INET_NTOA(number)", functions.Nullable(types.StringType), []functions.Param{functions.IntegerParam},
	func(args []batch.Vector, out *batch.Vector, i int) {
		n := args[0].I64[i]
		if n < 0 || n > 1<<32-1 {
			out.SetNull(i)
			return
		}
		off := len(out.Buf)
		for shift := 24; shift >= 0; shift -= 8 {
			out.Buf = strconv.AppendInt(out.Buf, n>>shift&255, 10)
			if shift > 0 {
				out.Buf = append(out.Buf, '.')
			}
		}
		out.EndBytes(i, off)
	}).Says("The IPv4 address of a number; NULL for what isn't one.", "INET_NTOA(2130706433) -> '127.0.0.1'")
