package text

import (
	"bytes"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// trim takes spaces, and only spaces, off one end or both.
func trim(name string, left, right bool) *functions.Scalar {
	return strict(name, name+"(string)", functions.Strict(types.StringType), []functions.Param{functions.StringParam},
		func(args []batch.Vector, out *batch.Vector, i int) {
			s := args[0].Bytes(i)
			if left {
				s = bytes.TrimLeft(s, " ")
			}
			if right {
				s = bytes.TrimRight(s, " ")
			}
			out.SetBytes(i, s)
		})
}
