package text

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// A sum appends the hash of s to room.
type sum func(room, s []byte) []byte

func sumMD5(room, s []byte) []byte    { h := md5.Sum(s); return append(room, h[:]...) }
func sumSHA1(room, s []byte) []byte   { h := sha1.Sum(s); return append(room, h[:]...) }
func sumSHA224(room, s []byte) []byte { h := sha256.Sum224(s); return append(room, h[:]...) }
func sumSHA256(room, s []byte) []byte { h := sha256.Sum256(s); return append(room, h[:]...) }
func sumSHA384(room, s []byte) []byte { h := sha512.Sum384(s); return append(room, h[:]...) }
func sumSHA512(room, s []byte) []byte { h := sha512.Sum512(s); return append(room, h[:]...) }

// setHex makes row i the lower-case hexadecimal digits of the hash of s. The hash
// is made behind the column's bytes and cut off again.
func (f sum) setHex(out *batch.Vector, i int, s []byte) {
	off := len(out.Buf)
	out.Buf = f(out.Buf, s)
	end := len(out.Buf)
	out.Buf = hex.AppendEncode(out.Buf, out.Buf[off:])
	n := copy(out.Buf[off:], out.Buf[end:])
	out.Buf = out.Buf[:off+n]
	out.EndBytes(i, off)
}

// digest gives a hash in lower-case hexadecimal digits.
func digest(name string, width int, f sum) *functions.Scalar {
	s := strict(name, name+"(string)", functions.Strict(types.CharType(width)), []functions.Param{functions.StringOrBytes},
		func(args []batch.Vector, out *batch.Vector, i int) { f.setHex(out, i, args[0].Bytes(i)) })
	s.Doc.Group = "hash"
	return s
}

var errDigest = errors.New("SHA2 has the lengths 224, 256, 384 and 512")

// sha2 is the SHA-2 hash of a length in bits.
var sha2 = &functions.Scalar{
	Name: "SHA2", Doc: functions.Doc{Group: "hash", Usage: "SHA2(string, length)", Text: "The SHA-2 hash of 224, 256, 384 or 512 bits, in hexadecimal digits.", Example: []string{"SHA2('a', 256) -> 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'"}},
	Sigs: []functions.Sig{{Params: []functions.Param{functions.StringOrBytes, functions.IntegerParam}, Result: functions.Strict(types.VarCharType(128))}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			return functions.Try(n, sel, func(i int) error {
				var f sum
				switch args[1].I64[i] {
				case 224:
					f = sumSHA224
				case 256:
					f = sumSHA256
				case 384:
					f = sumSHA384
				case 512:
					f = sumSHA512
				default:
					return errDigest
				}
				f.setHex(out, i, args[0].Bytes(i))
				return nil
			})
		}), nil
	},
}
