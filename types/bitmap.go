package types

import (
	"encoding/binary"
	"strconv"
)

// AppendBitmap appends a BITMAP, given as its members in big-endian 32-bit
// numbers, as text: "{1,2,3}".
func AppendBitmap(b, members []byte) []byte {
	b = append(b, '{')
	for k := 0; k+4 <= len(members); k += 4 {
		if k > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(binary.BigEndian.Uint32(members[k:])), 10)
	}
	return append(b, '}')
}
