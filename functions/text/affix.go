package text

import (
	"bytes"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// affix is STARTSWITH and ENDSWITH, of two strings or two byte strings.
func affix(name string, holds func(s, part []byte) bool) *functions.Scalar {
	bytesParam := functions.BytesParam
	f := strict(name, name+"(string, part)", functions.Strict(types.BooleanType), twoTexts,
		func(args []batch.Vector, out *batch.Vector, i int) {
			out.I64[i] = bit(holds(args[0].Bytes(i), args[1].Bytes(i)))
		})
	f.Sigs = append(f.Sigs, functions.Sig{Params: []functions.Param{bytesParam, bytesParam}, Result: functions.Strict(types.BooleanType)})
	return f
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

var (
	startsWith = affix("STARTSWITH", bytes.HasPrefix).Says("Whether the string begins with the part.", "STARTSWITH('millrace', 'mill') -> TRUE")
	endsWith   = affix("ENDSWITH", bytes.HasSuffix).Says("Whether the string ends with the part.", "ENDSWITH('millrace', 'race') -> TRUE")
)
