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
	if from.IsTimestamp() && to.Kind == types.VarChar && to.Length >= 32 {
		return timestampToText(from, session)
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

// timestampToText prints as AppendText does, with the date and the zone's offset
// of the row before at hand.
func timestampToText(from types.Type, session *types.Session) convert {
	var w types.WallWriter
	var zone *types.ZoneClock
	if from.Kind == types.TimestampLTZ && session != nil {
		zone = types.NewZoneClock(session.Zone)
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		micros, nanos, off := in.I64[i], 0, len(out.Buf)
		if from.Length > 6 {
			nanos = int(in.Hi[i])
		}
		if zone != nil {
			micros = zone.ToLocal(micros)
		}
		out.Buf = w.Append(out.Buf, micros, nanos, from.Length)
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
