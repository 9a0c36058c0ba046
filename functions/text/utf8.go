package text

import (
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

var oneBytes = []functions.Param{functions.BytesParam}

func appendValidUTF8(b, s []byte) []byte { return cast.AppendValidUTF8(b, s) }

// isValidUTF8 tests bytes.
var isValidUTF8 = strict("IS_VALID_UTF8", "IS_VALID_UTF8(bytes)", functions.Strict(types.BooleanType), oneBytes,
	func(args []batch.Vector, out *batch.Vector, i int) { out.I64[i] = bit(utf8.Valid(args[0].Bytes(i))) }).Says("Whether the bytes are UTF-8.", "IS_VALID_UTF8(X'FF') -> FALSE")

// makeValidUTF8 puts U+FFFD for each part that isn't UTF-8.
var makeValidUTF8 = strict("MAKE_VALID_UTF8", "MAKE_VALID_UTF8(bytes)", functions.Strict(types.StringType), oneBytes,
	func(args []batch.Vector, out *batch.Vector, i int) {
		off := len(out.Buf)
		out.Buf = appendValidUTF8(out.Buf, args[0].Bytes(i))
		out.EndBytes(i, off)
	}).Says("The bytes as a string; what isn't UTF-8 becomes U+FFFD.", "MAKE_VALID_UTF8(X'6869') -> 'hi'")
