package bitmap

import (
	"encoding/binary"
	"errors"
)

// The portable Roaring format: a cookie, a description of each container (all
// members with one upper half), their offsets, their contents.
const (
	cookiePlain = 12346
	cookieRuns  = 12347
	arrayMost   = 4096 // members of an array container; more are a bit set
	bitSetBytes = 8192
)

var le = binary.LittleEndian

// container is the members with one upper half: where they begin, how many there
// are, and in how many runs.
type container struct{ first, n, runs int }

// asRuns says that runs take less room than the members or their bit set.
func (c container) asRuns() bool { return 2+4*c.runs < min(2*c.n, bitSetBytes) }

func (c container) size() int {
	switch {
	case c.asRuns():
		return 2 + 4*c.runs
	case c.n > arrayMost:
		return bitSetBytes
	}
	return 2 * c.n
}

// containers takes a value apart.
func containers(v []byte) (cs []container, anyRuns bool) {
	for k := 0; k < len(v)/4; k++ {
		x := at(v, k)
		fresh := k == 0 || x>>16 != at(v, k-1)>>16
		if fresh {
			cs = append(cs, container{first: k})
		}
		c := &cs[len(cs)-1]
		c.n++
		if fresh || x != at(v, k-1)+1 {
			c.runs++
		}
	}
	for _, c := range cs {
		anyRuns = anyRuns || c.asRuns()
	}
	return cs, anyRuns
}

// appendPortable writes a value in whichever containers are smallest.
func appendPortable(b, v []byte) []byte {
	cs, anyRuns := containers(v)
	start := len(b)
	if anyRuns {
		b = le.AppendUint32(b, cookieRuns|uint32(len(cs)-1)<<16)
		flags := make([]byte, (len(cs)+7)/8)
		for k, c := range cs {
			if c.asRuns() {
				flags[k/8] |= 1 << (k % 8)
			}
		}
		b = append(b, flags...)
	} else {
		b = le.AppendUint32(le.AppendUint32(b, cookiePlain), uint32(len(cs)))
	}
	for _, c := range cs {
		b = le.AppendUint16(le.AppendUint16(b, uint16(at(v, c.first)>>16)), uint16(c.n-1))
	}
	if !anyRuns || len(cs) >= 4 {
		off := len(b) - start + 4*len(cs)
		for _, c := range cs {
			b = le.AppendUint32(b, uint32(off))
			off += c.size()
		}
	}
	for _, c := range cs {
		b = appendContainer(b, v, c)
	}
	return b
}

func appendContainer(b, v []byte, c container) []byte {
	if c.asRuns() {
		b = le.AppendUint16(b, uint16(c.runs))
		for k := c.first; k < c.first+c.n; {
			end := k + 1
			for end < c.first+c.n && at(v, end) == at(v, end-1)+1 {
				end++
			}
			b = le.AppendUint16(le.AppendUint16(b, uint16(at(v, k))), uint16(end-k-1))
			k = end
		}
		return b
	}
	if c.n <= arrayMost {
		for k := c.first; k < c.first+c.n; k++ {
			b = le.AppendUint16(b, uint16(at(v, k)))
		}
		return b
	}
	var bits [bitSetBytes]byte
	for k := c.first; k < c.first+c.n; k++ {
		low := uint16(at(v, k))
		bits[low>>3] |= 1 << (low & 7)
	}
	return append(b, bits[:]...)
}

var errPortable = errors.New("BITMAP_FROM_BYTES: the bytes aren't a bitmap in the portable Roaring format")

// readPortable gives the members; it trusts nothing it reads.
func readPortable(b []byte) (members []uint32, err error) {
	if len(b) < 4 {
		return nil, errPortable
	}
	cookie, n, runs := le.Uint32(b), 0, []byte(nil)
	switch {
	case cookie&0xFFFF == cookieRuns:
		n = int(cookie>>16) + 1
		if b = b[4:]; len(b) < (n+7)/8 {
			return nil, errPortable
		}
		runs, b = b[:(n+7)/8], b[(n+7)/8:]
	case cookie == cookiePlain && len(b) >= 8:
		n, b = int(le.Uint32(b[4:])), b[8:]
	default:
		return nil, errPortable
	}
	if n > 1<<16 || len(b) < 4*n {
		return nil, errPortable
	}
	head := b[:4*n]
	b = b[4*n:]
	if runs == nil || n >= 4 {
		if len(b) < 4*n {
			return nil, errPortable
		}
		b = b[4*n:]
	}
	for k := 0; k < n; k++ {
		high, count := uint32(le.Uint16(head[4*k:]))<<16, int(le.Uint16(head[4*k+2:]))+1
		isRun := runs != nil && runs[k/8]>>(k%8)&1 == 1
		if members, b, err = readContainer(members, b, high, count, isRun); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func readContainer(members []uint32, b []byte, high uint32, count int, isRun bool) ([]uint32, []byte, error) {
	switch {
	case isRun:
		if len(b) < 2 || len(b) < 2+4*int(le.Uint16(b)) {
			return nil, nil, errPortable
		}
		n := int(le.Uint16(b))
		for b = b[2:]; n > 0; n, b = n-1, b[4:] {
			from, more := uint32(le.Uint16(b)), uint32(le.Uint16(b[2:]))
			for x := from; x <= from+more && x <= 0xFFFF; x++ {
				members = append(members, high|x)
			}
		}
		return members, b, nil
	case count <= arrayMost:
		if len(b) < 2*count {
			return nil, nil, errPortable
		}
		for k := 0; k < count; k++ {
			members = append(members, high|uint32(le.Uint16(b[2*k:])))
		}
		return members, b[2*count:], nil
	case len(b) < bitSetBytes:
		return nil, nil, errPortable
	}
	for low := range uint32(bitSetBytes * 8) {
		if b[low>>3]>>(low&7)&1 == 1 {
			members = append(members, high|low)
		}
	}
	return members, b[bitSetBytes:], nil
}
