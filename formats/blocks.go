package formats

import "github.com/millrace/millrace/batch"

// Blocks decides how many messages a decoder tries to read a field at a time: the
// same few instructions for many messages, which the processor overlaps because they
// don't wait for each other. Where messages that need more care stand between them,
// blocks get smaller, and stop for a while where they give nothing.
type Blocks struct {
	size   int
	pause  int // messages to be read one by one before a block is tried again
	streak int // blocks that gave little, one behind the other
}

const (
	leastBlock, mostBlock = 16, 128
	worth                 = 8 // a block that ends before so many messages cost more than it gave
	maxPause              = 4096
)

// Read reads messages from the first'th on, a block at a time, as inserted rows behind
// to's, and returns how many it has read. The next one needs the way for single
// messages. read appends the values of the first of its messages, as many as it can,
// and says how many.
func (k *Blocks) Read(in Input, first int, to *batch.Batch, read func(msgs []Message) int) (done int) {
	for first+done < len(in.Messages) {
		msgs := in.Messages[first+done:]
		msgs = msgs[:k.next(len(msgs))]
		if len(msgs) == 0 {
			break
		}
		n := read(msgs)
		for i := range n {
			in.Begin(first+done+i, to.Len)
			to.AppendKind(batch.Insert)
		}
		done += n
		if k.got(n, len(msgs)); n < len(msgs) {
			break
		}
	}
	return done
}

// next is how many of the messages to try, 0: the next one is to be read alone.
func (k *Blocks) next(left int) int {
	if k.pause > 0 {
		k.pause--
		return 0
	}
	k.size = max(k.size, leastBlock)
	return min(k.size, left)
}

// got says how many of the messages tried could be read.
func (k *Blocks) got(n, tried int) {
	switch {
	case n == tried:
		k.streak, k.size = 0, min(2*k.size, mostBlock)
	case n >= worth:
		k.streak, k.size = 0, max(n, leastBlock) // what changes this often will again
	default:
		k.pause, k.size = min(leastBlock<<min(k.streak, 10), maxPause), leastBlock
		k.streak++
	}
}
