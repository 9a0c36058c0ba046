package kafka

import (
	"io"
)

// stream is a walker over an answer that is still coming in: small fields are read
// through a buffer, large ones go where they belong. After an error it gives zeros.
type stream struct {
	from io.Reader
	left int // bytes of the answer that haven't been read from the connection
	buf  [4096]byte
	have []byte // of buf, not yet taken
	err  error
}

// take is the next n bytes, at most 4096; valid until the next.
func (s *stream) take(n int) []byte {
	if s.err == nil && (n < 0 || n > len(s.have)+s.left || n > len(s.buf)) {
		s.err = errShort
	}
	if s.err != nil {
		return nil
	}
	if n > len(s.have) {
		kept := copy(s.buf[:], s.have)
		got, err := io.ReadAtLeast(s.from, s.buf[kept:min(len(s.buf), kept+s.left)], n-kept)
		s.left -= got
		s.have = s.buf[:kept+got]
		if err != nil {
			s.err = err
			return nil
		}
	}
	x := s.have[:n]
	s.have = s.have[n:]
	return x
}

func (s *stream) int16() int16 {
	if x := s.take(2); x != nil {
		return int16(big.Uint16(x))
	}
	return 0
}

func (s *stream) int32() int32 {
	if x := s.take(4); x != nil {
		return int32(big.Uint32(x))
	}
	return 0
}

func (s *stream) int64() int64 {
	if x := s.take(8); x != nil {
		return int64(big.Uint64(x))
	}
	return 0
}

func (s *stream) string() string {
	return string(s.take(max(0, int(s.int16()))))
}

// count is an array's length, 0 for null.
func (s *stream) count() int {
	n := int(s.int32())
	if n > len(s.have)+s.left { // an element has at least a byte
		s.err = errShort
	}
	if s.err != nil {
		return 0
	}
	return max(0, n)
}

// bytes reads a length and as many bytes into buf, which grows as it must.
func (s *stream) bytes(buf *[]byte) []byte {
	n := max(0, int(s.int32()))
	if s.err == nil && n > len(s.have)+s.left {
		s.err = errShort
	}
	if s.err != nil {
		return nil
	}
	if cap(*buf) < n {
		*buf = make([]byte, n+n/4)
	}
	b := (*buf)[:n]
	kept := copy(b, s.have)
	s.have = s.have[kept:]
	if _, err := io.ReadFull(s.from, b[kept:]); err != nil {
		s.err = err
		return nil
	}
	s.left -= n - kept
	return b
}

// rest reads what nobody asked for, so that the connection stands at the next answer.
func (s *stream) rest() error {
	if s.err != nil {
		return s.err
	}
	_, err := io.CopyN(io.Discard, s.from, int64(s.left))
	return err
}
