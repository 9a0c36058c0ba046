package text

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
)

// Lengths and positions count characters. Where eight bytes are all ASCII, as
// nearly always, they are eight characters.

func ascii8(s []byte) bool { return binary.LittleEndian.Uint64(s)&0x8080808080808080 == 0 }

// asciiStart says that the first n bytes of s are ASCII; s has as many.
func asciiStart(s []byte, n int) bool {
	if n < 8 {
		for _, c := range s[:n] {
			if c >= utf8.RuneSelf {
				return false
			}
		}
		return true
	}
	all := binary.LittleEndian.Uint64(s[n-8:]) // the last eight overlap the ones before
	for k := 0; k+8 <= n; k += 8 {
		all |= binary.LittleEndian.Uint64(s[k:])
	}
	return all&0x8080808080808080 == 0
}

// chars is the number of characters of s.
func chars(s []byte) int64 {
	at := 0
	for at+8 <= len(s) && ascii8(s[at:]) {
		at += 8
	}
	return int64(at + utf8.RuneCount(s[at:]))
}

// skip is the width in bytes of s's first n characters.
func skip(s []byte, n int64) int {
	at := 0
	for ; n >= 8 && at+8 <= len(s) && ascii8(s[at:]); n -= 8 {
		at += 8
	}
	for ; n > 0 && at < len(s); n-- {
		if s[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, w := utf8.DecodeRune(s[at:])
		at += w
	}
	return at
}

// views is a kernel whose results are parts of its first argument, which f gives
// as [from, to) of its bytes: they are pointed at, not copied. from < 0 is NULL.
func views(f func(args []batch.Vector, i int) (from, to int)) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		out.Share(&args[0])
		s := args[0].Str
		functions.Each(n, sel, func(i int) {
			from, to := f(args, i)
			if from < 0 {
				out.SetNull(i)
				return
			}
			out.Str[i] = batch.NewView(s[i].Off()+from, to-from)
		})
		return 0, nil
	})
}
