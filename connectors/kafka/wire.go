package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// The two requests that move records, Fetch and Produce, are written and read here
// instead of by the client library: it would copy each batch through its pages and
// take the records apart one by one. The library gives a request of type
// protocol.RawExchanger the connection, after TLS, SASL and version negotiation.

var big = binary.BigEndian

// request begins a request: room for its size, then the header. finish sets the size.
func request(to []byte, key protocol.ApiKey, version int16) []byte {
	to = append(to[:0], 0, 0, 0, 0)
	to = big.AppendUint16(to, uint16(key))
	to = big.AppendUint16(to, uint16(version))
	to = big.AppendUint32(to, correlation)
	return appendString(to, "millrace")
}

// correlation is every request's id: a connection carries one request at a time.
const correlation = 0x6d696c6c

func appendString(to []byte, s string) []byte {
	to = big.AppendUint16(to, uint16(len(s)))
	return append(to, s...)
}

// finish sets the size of a request of which after bytes follow elsewhere.
func finish(b []byte, after int) { big.PutUint32(b, uint32(len(b)-4+after)) }

// maxResponse is the largest answer that is believed.
const maxResponse = 1 << 30

// announced reads an answer's head and says how many bytes its body has.
func announced(r io.Reader) (int, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	n := int(big.Uint32(head[:])) - 4
	if n < 0 || n > maxResponse {
		return 0, fmt.Errorf("the broker announces an answer of %d bytes", n)
	}
	if id := big.Uint32(head[4:]); id != correlation {
		return 0, fmt.Errorf("the broker answers request %x, expected %x", id, correlation)
	}
	return n, nil
}

// response reads an answer whole into buf and gives its body.
func response(r io.Reader, buf []byte) (body, grown []byte, err error) {
	n, err := announced(r)
	if err != nil {
		return nil, buf, err
	}
	if cap(buf) < n {
		buf = make([]byte, n+n/4)
	}
	buf = buf[:n]
	_, err = io.ReadFull(r, buf)
	return buf, buf, err
}

// walker reads the fields of an answer. After an error it gives zeros.
type walker struct {
	b   []byte
	err error
}

var errShort = errors.New("the broker's answer is shorter than it says")

func (w *walker) take(n int) []byte {
	if w.err != nil || n < 0 || n > len(w.b) {
		if w.err == nil {
			w.err = errShort
		}
		return nil
	}
	x := w.b[:n]
	w.b = w.b[n:]
	return x
}

func (w *walker) int16() int16 {
	if x := w.take(2); x != nil {
		return int16(big.Uint16(x))
	}
	return 0
}

func (w *walker) int32() int32 {
	if x := w.take(4); x != nil {
		return int32(big.Uint32(x))
	}
	return 0
}

func (w *walker) int64() int64 {
	if x := w.take(8); x != nil {
		return int64(big.Uint64(x))
	}
	return 0
}

// string is a nullable string; null reads as "".
func (w *walker) string() string { return string(w.take(max(0, int(w.int16())))) }

// count is an array's length, 0 for null.
func (w *walker) count() int {
	n := int(w.int32())
	if n > len(w.b) { // an element has at least a byte
		w.err = errShort
		return 0
	}
	return max(0, n)
}

// varint reads a zigzag varint of b; n is its length, 0 when b holds none.
func varint(b []byte) (x int64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return int64(b[0]>>1) ^ -int64(b[0]&1), 1
	}
	u, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, 0
	}
	return int64(u>>1) ^ -int64(u&1), n
}

// appendVarint is varint's reverse.
func appendVarint(to []byte, x int64) []byte {
	return binary.AppendUvarint(to, uint64(x<<1)^uint64(x>>63))
}

// sizeVarint is how many bytes appendVarint takes.
func sizeVarint(x int64) int {
	n := 1
	for u := uint64(x<<1) ^ uint64(x>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
