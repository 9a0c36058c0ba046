package text

import (
	"encoding/hex"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// uuid is a random identifier (version 4), drawn from the session's seed.
var uuid = &functions.Scalar{
	Name: "UUID", Class: functions.PerRow,
	Doc:  functions.Doc{Group: "string", Usage: "UUID()", Text: "A random identifier (RFC 4122, version 4), another one for every row."},
	Sigs: []functions.Sig{{Result: functions.Fixed(types.CharType(36).NotNullable())}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		r := c.Session.Rand("UUID")
		return kernel(func(_ []batch.Vector, out *batch.Vector, i int) {
			var b [16]byte
			for k := range b {
				b[k] = byte(r.Int63() >> 20)
			}
			b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
			off := len(out.Buf)
			for k, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
				if k > 0 {
					out.Buf = append(out.Buf, '-')
				}
				out.Buf = hex.AppendEncode(out.Buf, part)
			}
			out.EndBytes(i, off)
		}), nil
	},
}
