package state

import (
	"fmt"
	"hash/crc32"
	"io"
)

// Apart is where the bytes of a block lie that aren't in memory.
type Apart struct {
	From  io.ReaderAt
	At    int64
	Bytes int
	Sum   uint32 // CRC-32C of them
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Bytes is the length of a block's content, wherever it lies.
func (b Block) Bytes() int {
	if b.Apart != nil {
		return b.Apart.Bytes
	}
	return len(b.Data)
}

// Whole is the block with its content in memory. What lies apart is read into buf,
// where it's long enough, and must be what it was when the block was found.
func (b Block) Whole(buf []byte) (Block, error) {
	x := b.Apart
	if x == nil {
		return b, nil
	}
	if cap(buf) < x.Bytes {
		buf = make([]byte, x.Bytes, x.Bytes+x.Bytes/4)
	}
	b.Data, b.Apart = buf[:x.Bytes], nil
	if _, err := x.From.ReadAt(b.Data, x.At); err != nil {
		return b, fmt.Errorf("state %q, key group %d: %w", b.Name, b.Group, err)
	}
	if crc32.Checksum(b.Data, castagnoli) != x.Sum {
		return b, fmt.Errorf("state %q, key group %d: the file has changed since it was checked", b.Name, b.Group)
	}
	return b, nil
}
