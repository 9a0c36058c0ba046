package cast

import (
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

func toText(from, to types.Type, session *types.Session) convert {
	legacy := Legacy(session)
	if from.IsString() {
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			off := len(out.Buf)
			out.Buf = append(out.Buf, in.Bytes(i)...)
			if !legacy {
				out.Buf = fit(out.Buf, off, to)
			}
			out.EndBytes(i, off)
			return true
		}
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		off := len(out.Buf)
		out.Buf = AppendText(out.Buf, from, in, i, session)
		if to.Length < types.MaxLength && !legacy {
			out.Buf = fit(out.Buf, off, to)
		}
		out.EndBytes(i, off)
		return true
	}
}

// fit cuts the string behind off to the type's length in characters and pads
// CHAR.
func fit(b []byte, off int, to types.Type) []byte {
	n := len(b) - off
	if n > to.Length || to.Kind == types.Char {
		n = 0
		for at := off; at < len(b); n++ {
			if n == to.Length {
				return b[:at]
			}
			_, w := utf8.DecodeRune(b[at:])
			at += w
		}
	}
	for ; to.Kind == types.Char && n < to.Length; n++ {
		b = append(b, ' ')
	}
	return b
}

func bytesToBytes(to types.Type, session *types.Session) convert {
	legacy := Legacy(session)
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		b := in.Bytes(i)
		if len(b) > to.Length && !legacy {
			b = b[:to.Length]
		}
		off := len(out.Buf)
		out.Buf = append(out.Buf, b...)
		for to.Kind == types.Binary && len(out.Buf)-off < to.Length && !legacy {
			out.Buf = append(out.Buf, 0)
		}
		out.EndBytes(i, off)
		return true
	}
}
