package checkpoint

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/millrace/millrace/state"
)

// scanner goes through a state file some bytes at a time, and checks them.
type scanner struct {
	r    io.Reader
	buf  []byte // from at to end: read, and not yet passed
	at   int
	end  int
	off  int64 // of at in the file
	sum  uint32
	part uint32 // the checksum of a block's content
	bad  bool
}

const (
	scanBytes = 1 << 20
	scanHead  = 64 << 10 // what comes before a block's content is shorter
)

// peek is the next n bytes, or as many as there are.
func (s *scanner) peek(n int) []byte {
	if s.end-s.at < n {
		s.end = copy(s.buf, s.buf[s.at:s.end])
		s.at = 0
		for s.end < n {
			k, err := s.r.Read(s.buf[s.end:])
			if s.end += k; err != nil {
				s.bad = s.bad || err != io.EOF
				break
			}
		}
	}
	return s.buf[s.at:min(s.at+n, s.end)]
}

// pass passes over n bytes; those of a block's content have a checksum of their own.
func (s *scanner) pass(n int, content bool) {
	for n > 0 && !s.bad {
		b := s.peek(min(n, scanBytes/2))
		if len(b) == 0 {
			s.bad = true
			return
		}
		s.sum = crc32.Update(s.sum, castagnoli, b)
		if content {
			s.part = crc32.Update(s.part, castagnoli, b)
		}
		s.at += len(b)
		s.off += int64(len(b))
		n -= len(b)
	}
}

// scan checks a state file without keeping what it holds: blocks say where it lies.
// false: it isn't whole, or can't be read in this way.
func scan(file StateFile, r io.Reader, from io.ReaderAt) ([]state.Block, bool) {
	s := &scanner{r: r, buf: make([]byte, scanBytes)}
	if string(s.peek(len(fileHeader))) != fileHeader {
		return nil, false
	}
	s.pass(len(fileHeader), false)
	var all []state.Block
	for {
		h := reader{b: s.peek(binary.MaxVarintLen64)}
		before := len(h.b)
		size := h.uvarint()
		s.pass(before-len(h.b), false)
		if h.bad || size == 0 || size > uint64(file.Bytes) {
			if h.bad || size != 0 {
				return nil, false
			}
			break
		}
		head := s.peek(min(int(size), scanHead))
		block, rest, ok := header(head)
		if !ok {
			return nil, false
		}
		n := int(size) - (len(head) - len(rest))
		s.pass(len(head)-len(rest), false)
		block.Data = append([]byte(nil), rest[:min(len(rest), state.BlockHeader)]...)
		at := s.off
		s.part = 0
		s.pass(n, true)
		block.Apart = &state.Apart{From: from, At: at, Bytes: n, Sum: s.part}
		all = append(all, block)
	}
	sum := s.sum
	tail := s.peek(5)
	ok := !s.bad && len(tail) == 4 && s.off+4 == file.Bytes && sum == file.Sum && binary.LittleEndian.Uint32(tail) == file.Sum
	return all, ok
}
