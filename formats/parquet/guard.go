package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// maxDeep bounds how deep a footer's structures lie in one another: the library follows
// them by recursion.
const maxDeep = 64

// guard looks a file's footer through before the library does, which takes the lengths
// in it at their word and asks for that much memory: each lies within the footer, and
// the footer within the file. What isn't a Parquet file is left to the library.
func guard(r io.ReaderAt, size int64) error {
	var end [8]byte
	if size < int64(len(end)) {
		return nil
	}
	if _, err := r.ReadAt(end[:], size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch string(end[4:]) {
	case "PARE":
		return errors.New("not supported yet: encrypted files")
	case "PAR1":
	default:
		return nil
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > size-int64(len(end)) {
		return fmt.Errorf("a footer of %d bytes in a file of %d", n, size)
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, size-int64(len(end))-n); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	w := walker{Reader: (&thrift.CompactProtocol{}).NewReaderFromBytes(b), size: len(b)}
	if err := w.value(thrift.STRUCT, 0); err != nil {
		return fmt.Errorf("the footer is damaged at byte %d: %w", w.BytesRead(), err)
	}
	return nil
}

// walker reads Thrift's compact form and keeps nothing.
type walker struct {
	thrift.Reader
	size int
}

func (w *walker) value(t thrift.Type, deep int) (err error) {
	if deep > maxDeep {
		return fmt.Errorf("more than %d levels", maxDeep)
	}
	switch t {
	case thrift.TRUE, thrift.FALSE: // in the field's type
	case thrift.I8:
		_, err = w.ReadInt8()
	case thrift.I16:
		_, err = w.ReadInt16()
	case thrift.I32:
		_, err = w.ReadInt32()
	case thrift.I64:
		_, err = w.ReadInt64()
	case thrift.DOUBLE:
		_, err = w.ReadFloat64()
	case thrift.UUID:
		if _, err = w.ReadFloat64(); err == nil {
			_, err = w.ReadFloat64()
		}
	case thrift.BINARY:
		_, err = w.ReadBytes()
	case thrift.LIST, thrift.SET:
		var l thrift.List
		if l, err = w.ReadList(); err == nil {
			err = w.items(int(l.Size), deep, l.Type)
		}
	case thrift.MAP:
		var m thrift.Map
		if m, err = w.ReadMap(); err == nil {
			err = w.items(int(m.Size), deep, m.Key, m.Value)
		}
	case thrift.STRUCT:
		for {
			f, err := w.ReadField()
			if err != nil || f.Type == thrift.STOP {
				return err
			}
			if err := w.value(f.Type, deep+1); err != nil {
				return err
			}
		}
	default:
		err = fmt.Errorf("no type %d", t)
	}
	return err
}

// items reads n times values of the types; each takes a byte or more.
func (w *walker) items(n, deep int, ts ...thrift.Type) error {
	if left := w.size - w.BytesRead(); n > left {
		return fmt.Errorf("a list of %d in %d bytes", n, left)
	}
	for range n {
		for _, t := range ts {
			var err error
			if t == thrift.TRUE || t == thrift.FALSE {
				_, err = w.ReadBool()
			} else {
				err = w.value(t, deep+1)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
