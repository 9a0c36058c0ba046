package kafka

import "encoding/binary"

// murmur2 is the hash by which Kafka's clients spread keys over partitions
// (org.apache.kafka.common.utils.Utils.murmur2): MurmurHash2 of seed 0x9747b28c.
func murmur2(b []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// partitioner chooses partitions for one writer.
type partitioner struct {
	kind    string
	subtask int
	turn    int
	bytes   int // written to the partition of this turn
}

// stick is how many bytes of records without a key go to a partition before the
// next one has its turn: enough for a batch that is worth sending.
const stick = 64 << 10

// choose gives the partition, of n, of a record with that key and size.
func (p *partitioner) choose(key []byte, size, n int) int {
	switch {
	case p.kind == "fixed":
		return p.subtask % n
	case p.kind == "round-robin":
		p.turn++
		return (p.subtask + p.turn - 1) % n
	case key != nil:
		return int(murmur2(key)&0x7fffffff) % n
	}
	if p.bytes += size; p.bytes > stick {
		p.turn++
		p.bytes = size
	}
	return (p.subtask + p.turn) % n
}
