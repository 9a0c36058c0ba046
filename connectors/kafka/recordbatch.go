package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// A record batch (format 2) is a header of 61 bytes and records, perhaps
// compressed together:
//
//	 0 base offset 8      8 length of the rest 4   12 leader epoch 4    16 magic 1
//	17 CRC-32C of 21.. 4  21 attributes 2           23 last offset's delta 4
//	27 first timestamp 8  35 greatest timestamp 8   43 producer id 8
//	51 producer epoch 2   53 first sequence 4       57 number of records 4
const headerSize = 61

const (
	attrCompression   = 7
	attrLogAppendTime = 1 << 3
	attrTransactional = 1 << 4
	attrControl       = 1 << 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// span is the records of one batch in a chunk's block.
type span struct {
	from, to    int // in the block
	base        int64
	next        int64 // the offset behind the batch
	first, last int64 // timestamps
	epoch       int32
	count       int
	appendTime  bool
}

// damaged says that bytes of a partition aren't what its broker wrote. Reading on
// would lose records without a word.
type damaged struct {
	offset int64
	reason string
}

func (d *damaged) Error() string {
	return fmt.Sprintf("the record batch at offset %d is damaged: %s", d.offset, d.reason)
}

// aborted is a transaction that was given up: its producer's records from first on,
// to the marker that ends it, don't count.
type aborted struct{ producer, first int64 }

// unpack finds the record batches in a fetched set and checks them. A reader of
// committed records passes the aborted transactions, sorted by first offset; those
// records and markers are left out. next is the offset behind the last whole batch;
// records below from may be among them. The block that spans lie in is set itself,
// or, if a batch is compressed, all of them unpacked in buf.
func unpack(set []byte, from int64, committed bool, gone []aborted, spans []span, buf []byte) (_ []span, block, grown []byte, next int64, err error) {
	spans, buf, next = spans[:0], buf[:0], from
	packed := false
	for b := set; len(b) >= 17; {
		size := 12 + int(int32(big.Uint32(b[8:])))
		if size < 17 || b[16] >= 2 && size < headerSize {
			return spans, nil, buf, next, &damaged{int64(big.Uint64(b)), fmt.Sprintf("its length is %d", size-12)}
		}
		if size > len(b) {
			break // cut at the end of the fetch
		}
		if b[16] >= 2 && big.Uint16(b[21:])&attrCompression != 0 {
			packed = true
			break
		}
		b = b[size:]
	}
	producers := map[int64]bool(nil)
	for at := 0; len(set)-at >= 17; {
		b := set[at:]
		size := 12 + int(int32(big.Uint32(b[8:])))
		base := int64(big.Uint64(b))
		if b[16] != 2 {
			return spans, nil, buf, next, &damaged{base, fmt.Sprintf("it is in message format %d; brokers since 0.11 write format 2", b[16])}
		}
		if size < headerSize {
			return spans, nil, buf, next, &damaged{base, fmt.Sprintf("its length is %d", size-12)}
		}
		if size > len(b) {
			break
		}
		b = b[:size]
		if checksum(b) != big.Uint32(b[17:]) {
			return spans, nil, buf, next, &damaged{base, "its checksum doesn't match"}
		}
		attributes := big.Uint16(b[21:])
		s := span{base: base, next: base + int64(int32(big.Uint32(b[23:]))) + 1, first: int64(big.Uint64(b[27:])), last: int64(big.Uint64(b[35:])),
			epoch: int32(big.Uint32(b[12:])), count: int(int32(big.Uint32(b[57:]))), appendTime: attributes&attrLogAppendTime != 0, from: at + headerSize, to: at + size}
		at += size
		if s.next <= from { // before what was asked for
			continue
		}
		next = s.next
		producer := int64(big.Uint64(b[43:]))
		if committed {
			for len(gone) > 0 && gone[0].first < s.next {
				if producers == nil {
					producers = map[int64]bool{}
				}
				producers[gone[0].producer] = true
				gone = gone[1:]
			}
		}
		if attributes&attrControl != 0 {
			delete(producers, producer) // the transaction's end
			continue
		}
		if attributes&attrTransactional != 0 && producers[producer] {
			continue
		}
		if packed {
			start := len(buf)
			if codec := attributes & attrCompression; codec == 0 {
				buf = append(buf, b[headerSize:]...)
			} else if buf, err = inflate(buf, int8(codec), b[headerSize:]); err != nil {
				return spans, nil, buf, next, &damaged{base, err.Error()}
			}
			s.from, s.to = start, len(buf)
		}
		spans = append(spans, s)
	}
	if packed {
		return spans, buf, buf, next, nil
	}
	return spans, set, buf, next, nil
}

// maxInflated is the most a batch may unpack to: a damaged or hostile one must not
// take the machine's memory.
const maxInflated = 1 << 30

func codec(n int8) (compress.Codec, error) {
	c := compress.Compression(n)
	if int(n) >= len(compress.Codecs) || c.Codec() == nil {
		return nil, fmt.Errorf("compression %d is not known", n)
	}
	return c.Codec(), nil
}

// checksum is what a batch should carry.
func checksum(b []byte) uint32 { return crc32.Checksum(b[21:], castagnoli) }

func inflate(to []byte, n int8, from []byte) ([]byte, error) {
	c, err := codec(n)
	if err != nil {
		return to, err
	}
	r := c.NewReader(bytes.NewReader(from))
	defer r.Close()
	for start := len(to); ; {
		if len(to) == cap(to) {
			to = append(to, 0)[:len(to)]
		}
		k, err := r.Read(to[len(to):cap(to)])
		if to = to[:len(to)+k]; len(to)-start > maxInflated {
			return to, errors.New("it unpacks to more than 1 GiB")
		}
		if errors.Is(err, io.EOF) {
			return to, nil
		}
		if err != nil {
			return to, fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
}

// record is one record's place in a block. Offsets of absent parts are -1.
type record struct {
	offset, time       int64
	key, keyEnd        int
	value, valueEnd    int
	headers, headerEnd int // the encoded headers
	headerCount        int
}

// readRecord reads the record at s.from of the block and moves s.from behind it.
func (s *span) readRecord(block []byte, r *record) error {
	b := block[s.from:s.to]
	size, n := varint(b)
	if n == 0 || size < 6 || size > int64(len(b)-n) {
		return &damaged{s.base, "a record is longer than its batch"}
	}
	end := n + int(size)
	p := n + 1 // the record's attributes have no meaning
	bad := false
	next := func() int64 {
		x, k := varint(b[p:end])
		if k == 0 {
			bad = true
		}
		p += k
		return x
	}
	bytes := func() (from, to int) {
		k := next()
		if k < 0 {
			return -1, -1
		}
		if bad || k > int64(end-p) {
			bad = true
			return -1, -1
		}
		from = p
		p += int(k)
		return s.from + from, s.from + p
	}
	r.time = s.first + next()
	r.offset = s.base + next()
	r.key, r.keyEnd = bytes()
	r.value, r.valueEnd = bytes()
	r.headerCount = int(next())
	if bad || r.headerCount < 0 || r.headerCount > end-p {
		return &damaged{s.base, "a record can't be read"}
	}
	if s.appendTime {
		r.time = s.last
	}
	r.headers, r.headerEnd = s.from+p, s.from+end
	s.from += end
	return nil
}

// eachHeader gives a record's headers. A value that is absent is nil.
func eachHeader(b []byte, n int, f func(key, value []byte)) error {
	for ; n > 0; n-- {
		var part [2][]byte
		for i := range part {
			size, k := varint(b)
			if k == 0 || size > int64(len(b)-k) || i == 0 && size < 0 {
				return errors.New("its headers can't be read")
			}
			b = b[k:]
			if size >= 0 {
				part[i], b = b[:size:size], b[size:]
			}
		}
		f(part[0], part[1])
	}
	return nil
}

// builder makes a record batch. Begun with the header's room, it grows by records.
type builder struct {
	buf    []byte
	count  int
	first  int64
	last   int64
	packed bytes.Buffer
	lent   bool // a connection that was given up may still send the bytes
}

// own gives the builder bytes that nobody else reads.
func (w *builder) own() {
	if w.lent {
		w.buf, w.packed, w.lent = append([]byte(nil), w.buf...), bytes.Buffer{}, false
	}
}

func (w *builder) reset() {
	w.own()
	w.buf = append(w.buf[:0], make([]byte, headerSize)...)
	w.count = 0
}

// header is one header of a record.
type header struct{ key, value []byte }

// add appends a record; key and value are nil when absent. time is in ms.
func (w *builder) add(key, value []byte, headers []header, time int64) {
	if w.count == 0 {
		w.first, w.last = time, time
	}
	w.last = max(w.last, time)
	dt, dn := time-w.first, int64(w.count)
	size := 1 + sizeVarint(dt) + sizeVarint(dn) + sizeBytes(key) + sizeBytes(value) + sizeVarint(int64(len(headers)))
	for _, h := range headers {
		size += sizeVarint(int64(len(h.key))) + len(h.key) + sizeBytes(h.value)
	}
	b := appendVarint(w.buf, int64(size))
	b = append(b, 0)
	b = appendVarint(b, dt)
	b = appendVarint(b, dn)
	b = appendBytes(b, key)
	b = appendBytes(b, value)
	b = appendVarint(b, int64(len(headers)))
	for _, h := range headers {
		b = appendVarint(b, int64(len(h.key)))
		b = append(b, h.key...)
		b = appendBytes(b, h.value)
	}
	w.buf = b
	w.count++
}

func sizeBytes(b []byte) int {
	if b == nil {
		return 1
	}
	return sizeVarint(int64(len(b))) + len(b)
}

func appendBytes(to, b []byte) []byte {
	if b == nil {
		return appendVarint(to, -1)
	}
	return append(appendVarint(to, int64(len(b))), b...)
}

// producer identifies who wrote a batch, so that the broker takes it once.
type producer struct {
	id    int64
	epoch int16
}

var anonymous = producer{-1, -1}

// seal finishes the batch: compression, header and checksum. The result is valid
// until reset.
func (w *builder) seal(compression int8, p producer, sequence int32, transactional bool) ([]byte, error) {
	b := w.buf
	if compression != 0 {
		c, err := codec(compression)
		if err != nil {
			return nil, err
		}
		w.packed.Reset()
		w.packed.Write(w.buf[:headerSize])
		z := c.NewWriter(&w.packed)
		if _, err := z.Write(w.buf[headerSize:]); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		b = w.packed.Bytes()
	}
	attributes := uint16(compression)
	if transactional {
		attributes |= attrTransactional
	}
	big.PutUint64(b[0:], 0)
	big.PutUint32(b[8:], uint32(len(b)-12))
	big.PutUint32(b[12:], ^uint32(0))
	b[16] = 2
	big.PutUint16(b[21:], attributes)
	big.PutUint32(b[23:], uint32(w.count-1))
	big.PutUint64(b[27:], uint64(w.first))
	big.PutUint64(b[35:], uint64(w.last))
	big.PutUint64(b[43:], uint64(p.id))
	big.PutUint16(b[51:], uint16(p.epoch))
	big.PutUint32(b[53:], uint32(sequence))
	big.PutUint32(b[57:], uint32(w.count))
	big.PutUint32(b[17:], checksum(b))
	return b, nil
}
