package avro

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

const magic = "Obj\x01"

// container reads an object container file, a block at a time.
type container struct {
	in     *bufio.Reader
	schema *Schema
	codec  string
	sync   [16]byte
	plan   *Plan
	types  []types.Type

	block []byte // what is left of the open block
	left  int64  // its records
	raw   []byte
	out   batch.Batch
}

const maxBlock = 1 << 30

func newContainer(r io.Reader) (*container, error) {
	f := &container{in: bufio.NewReaderSize(r, 1<<18), codec: "null"}
	var head [4]byte
	if _, err := io.ReadFull(f.in, head[:]); err != nil || string(head[:]) != magic {
		return nil, errors.New("not an object container file")
	}
	for {
		n, err := f.long()
		if err != nil || n == 0 {
			if err != nil {
				return nil, err
			}
			break
		}
		if n < 0 {
			n = -n
			if _, err := f.long(); err != nil {
				return nil, err
			}
		}
		for ; n > 0; n-- {
			key, err := f.bytes()
			if err != nil {
				return nil, err
			}
			val, err := f.bytes()
			if err != nil {
				return nil, err
			}
			switch string(key) {
			case "avro.schema":
				if f.schema, err = Parse(val); err != nil {
					return nil, err
				}
			case "avro.codec":
				f.codec = string(val)
			}
		}
	}
	if f.schema == nil {
		return nil, errors.New("the file has no schema")
	}
	_, err := io.ReadFull(f.in, f.sync[:])
	return f, err
}

func (f *container) long() (int64, error) {
	u, err := binary.ReadUvarint(f.in)
	return int64(u>>1) ^ -int64(u&1), err
}

func (f *container) bytes() ([]byte, error) {
	n, err := f.long()
	if err != nil {
		return nil, err
	}
	return f.read(nil, n)
}

// read reads n bytes; the buffer grows only as the bytes come.
func (f *container) read(buf []byte, n int64) ([]byte, error) {
	if n < 0 || n > maxBlock {
		return nil, fmt.Errorf("a block of %d bytes", n)
	}
	w := bytes.NewBuffer(buf[:0])
	if _, err := io.CopyN(w, f.in, n); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Bytes(), nil
}

// open reads the next block that has records.
func (f *container) open() error {
	for f.left == 0 {
		n, err := f.long()
		if err != nil {
			return err // io.EOF between blocks is the end
		}
		size, err := f.long()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		if f.raw, err = f.read(f.raw, size); err != nil {
			return err
		}
		var mark [16]byte
		if _, err := io.ReadFull(f.in, mark[:]); err != nil || mark != f.sync {
			return errors.New("a block doesn't end with the file's sync marker")
		}
		if n < 0 {
			return fmt.Errorf("a block of %d records", n)
		}
		if f.block, err = unpack(f.codec, f.raw); err != nil {
			return err
		}
		f.left = n
	}
	return nil
}

func unpack(codec string, raw []byte) ([]byte, error) {
	var r io.Reader
	switch codec {
	case "null", "":
		return raw, nil
	case "snappy":
		if len(raw) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		if n, err := snappy.DecodedLen(raw[:len(raw)-4]); err != nil || n > maxBlock {
			return nil, errors.New("a damaged snappy block")
		}
		out, err := snappy.Decode(nil, raw[:len(raw)-4])
		if err == nil && crc32.ChecksumIEEE(out) != binary.BigEndian.Uint32(raw[len(raw)-4:]) {
			err = errors.New("a block's checksum is wrong")
		}
		return out, err
	case "deflate":
		r = flate.NewReader(bytes.NewReader(raw))
	case "bzip2":
		r = bzip2.NewReader(bytes.NewReader(raw))
	case "xz":
		x, err := xz.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		r = x
	case "zstandard":
		z, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return nil, fmt.Errorf("codec %q is not known", codec)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxBlock+1))
	if err == nil && len(out) > maxBlock {
		err = fmt.Errorf("a block of more than %d bytes", maxBlock)
	}
	return out, err
}

func (f *container) Next(most int) (*batch.Batch, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	f.out.Reset(f.types)
	for f.out.Len < max(most, 1) && f.left > 0 {
		n, err := f.plan.Row(f.block, f.out.Cols, f.out.Len)
		if err != nil {
			return nil, fmt.Errorf("avro: %w", err)
		}
		f.block = f.block[n:]
		f.left--
		f.out.Len++
	}
	return &f.out, nil
}

// Skip passes over records; whole blocks aren't looked into.
func (f *container) Skip(n int64) error {
	for n > 0 {
		if err := f.open(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if f.left <= n {
			n -= f.left
			f.left, f.block = 0, nil
			continue
		}
		c := cursor{b: f.block}
		for ; n > 0; n-- {
			c.skip(f.schema, 0)
			f.left--
		}
		if c.err != nil {
			return c.err
		}
		f.block = f.block[c.at:]
	}
	return nil
}

func (f *container) Rows() int64  { return -1 }
func (f *container) Close() error { return nil }

// containerWriter writes one.
type containerWriter struct {
	out   io.Writer
	w     *Writer
	codec string
	sync  [16]byte
	rows  int64
	size  int64
	pack  bytes.Buffer
}

const blockSize = 64 << 10

func newContainerWriter(out io.Writer, w *Writer, schema *Schema, codec string) (*containerWriter, error) {
	f := &containerWriter{out: out, w: w, codec: codec}
	if _, err := rand.Read(f.sync[:]); err != nil {
		return nil, err
	}
	head := Writer{Buf: []byte(magic)}
	head.long(2)
	head.bytes([]byte("avro.schema"))
	head.bytes([]byte(schema.String()))
	head.bytes([]byte("avro.codec"))
	head.bytes([]byte(codec))
	head.long(0)
	return f, f.write(append(head.Buf, f.sync[:]...))
}

func (f *containerWriter) write(b []byte) error {
	n, err := f.out.Write(b)
	f.size += int64(n)
	return err
}

func (f *containerWriter) Write(b *batch.Batch) error {
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if err := f.w.Row(b.Cols, i); err != nil {
			return err
		}
		if f.rows++; len(f.w.Buf) >= blockSize {
			if err := f.block(); err != nil {
				return err
			}
		}
	}
	return nil
}

// block writes the records that are held.
func (f *containerWriter) block() error {
	if f.rows == 0 {
		return nil
	}
	data, err := f.packed(f.w.Buf)
	if err != nil {
		return err
	}
	head := Writer{}
	head.long(f.rows)
	head.long(int64(len(data)))
	f.rows, f.w.Buf = 0, f.w.Buf[:0]
	if err := f.write(head.Buf); err != nil {
		return err
	}
	if err := f.write(data); err != nil {
		return err
	}
	return f.write(f.sync[:])
}

func (f *containerWriter) packed(b []byte) ([]byte, error) {
	f.pack.Reset()
	var z io.WriteCloser
	var err error
	switch f.codec {
	case "snappy":
		return binary.BigEndian.AppendUint32(snappy.Encode(nil, b), crc32.ChecksumIEEE(b)), nil
	case "deflate":
		z, err = flate.NewWriter(&f.pack, flate.DefaultCompression)
	case "xz":
		z, err = xz.NewWriter(&f.pack)
	case "zstandard":
		z, err = zstd.NewWriter(&f.pack, zstd.WithEncoderConcurrency(1))
	default:
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	err = z.Close()
	return f.pack.Bytes(), err
}

func (f *containerWriter) Size() int64 { return f.size + int64(len(f.w.Buf)) }

func (f *containerWriter) Close() error { return f.block() }
