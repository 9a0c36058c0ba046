package text

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// charset turns text into bytes and back.
type charset struct {
	encode, decode func(b, s []byte) []byte
}

// charsets by Java's names and their usual aliases.
func charsetOf(name string) (charset, error) {
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return charset{func(b, s []byte) []byte { return append(b, s...) }, appendValidUTF8}, nil
	case "US-ASCII", "ASCII", "ISO646-US":
		return charset{narrow(0x7F), widen(0x7F)}, nil
	case "ISO-8859-1", "ISO8859_1", "LATIN1":
		return charset{narrow(0xFF), widen(0xFF)}, nil
	case "UTF-16BE":
		return charset{units(true, false), fromUnits(true, false)}, nil
	case "UTF-16LE":
		return charset{units(false, false), fromUnits(false, false)}, nil
	case "UTF-16", "UTF16":
		return charset{units(true, true), fromUnits(true, true)}, nil
	}
	return charset{}, fmt.Errorf("unknown character set '%s'; known are US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE and UTF-16LE", name)
}

func narrow(most rune) func(b, s []byte) []byte {
	return func(b, s []byte) []byte {
		for len(s) > 0 {
			r, w := utf8.DecodeRune(s)
			if r > most {
				r = '?'
			}
			b = append(b, byte(r))
			s = s[w:]
		}
		return b
	}
}

func widen(most byte) func(b, s []byte) []byte {
	return func(b, s []byte) []byte {
		for _, c := range s {
			r := rune(c)
			if c > most {
				r = utf8.RuneError
			}
			b = utf8.AppendRune(b, r)
		}
		return b
	}
}

func units(big, mark bool) func(b, s []byte) []byte {
	put := func(b []byte, u rune) []byte {
		if big {
			return append(b, byte(u>>8), byte(u))
		}
		return append(b, byte(u), byte(u>>8))
	}
	return func(b, s []byte) []byte {
		if mark && len(s) > 0 {
			b = put(b, 0xFEFF)
		}
		for len(s) > 0 {
			r, w := utf8.DecodeRune(s)
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				b = put(put(b, hi), lo)
			} else {
				b = put(b, r)
			}
			s = s[w:]
		}
		return b
	}
}

func fromUnits(big, mark bool) func(b, s []byte) []byte {
	return func(b, s []byte) []byte {
		big := big
		if mark && len(s) > 1 {
			if s[0] == 0xFE && s[1] == 0xFF {
				s = s[2:]
			} else if s[0] == 0xFF && s[1] == 0xFE {
				big, s = false, s[2:]
			}
		}
		at := func(k int) rune {
			if big {
				return rune(s[k])<<8 | rune(s[k+1])
			}
			return rune(s[k+1])<<8 | rune(s[k])
		}
		k := 0
		for ; k+1 < len(s); k += 2 {
			r := at(k)
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if k+3 < len(s) {
					pair = utf16.DecodeRune(r, at(k+2))
				}
				if r = pair; pair != utf8.RuneError {
					k += 2
				}
			}
			b = utf8.AppendRune(b, r)
		}
		if k < len(s) {
			b = utf8.AppendRune(b, utf8.RuneError)
		}
		return b
	}
}

// coding is ENCODE and DECODE. The character set of a constant name is found once.
func coding(name, usage string, from functions.Param, to types.Type, pick func(charset) func(b, s []byte) []byte) *functions.Scalar {
	f := strict(name, usage, functions.Strict(to), []functions.Param{from, str}, nil)
	f.Bind = func(functions.Call) (functions.Kernel, error) {
		last := ""
		var code func(b, s []byte) []byte
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			return functions.Try(n, sel, func(i int) error {
				if set := args[1].Bytes(i); code == nil || string(set) != last {
					c, err := charsetOf(string(set))
					if err != nil {
						return err
					}
					last, code = string(set), pick(c)
				}
				off := len(out.Buf)
				out.Buf = code(out.Buf, args[0].Bytes(i))
				out.EndBytes(i, off)
				return nil
			})
		}), nil
	}
	return f
}

var (
	encode = coding("ENCODE", "ENCODE(string, charset)", str, types.BytesType, func(c charset) func(b, s []byte) []byte { return c.encode }).Says("The string's bytes in a character set: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16.", "ENCODE('hi', 'UTF-8') -> hi")
	decode = coding("DECODE", "DECODE(bytes, charset)", functions.BytesParam, types.StringType, func(c charset) func(b, s []byte) []byte { return c.decode }).Says("The string that bytes hold in a character set.", "DECODE(X'6869', 'UTF-8') -> 'hi'")
)
