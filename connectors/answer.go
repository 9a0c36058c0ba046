package connectors

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Answer is what a Lookup embeds that waits for its answer in Start: it keeps the rows
// until they are polled.
type Answer struct {
	Rows   batch.Batch
	Origin []int32 // of each row: the key it answers

	ticket uint64
	ready  bool
}

// Ask begins an answer with columns of types ts and has ask add to it, for at most most
// keys at a time; then it is there, and wake is called.
func (a *Answer) Ask(ts []types.Type, keys *batch.Batch, most int, wake func(), ask func(keys *batch.Batch, from, to int) error) (ticket uint64, err error) {
	a.Rows.Reset(ts)
	a.Origin = a.Origin[:0]
	for from := 0; from < keys.Len; from += most {
		if err := ask(keys, from, min(from+most, keys.Len)); err != nil {
			return 0, err
		}
	}
	a.ticket++
	a.ready = true
	wake()
	return a.ticket, nil
}

// Poll is the answer.
func (a *Answer) Poll() (ticket uint64, rows *batch.Batch, origin []int32, err error) {
	if !a.ready {
		return 0, nil, nil, ErrNotReady
	}
	a.ready = false
	return a.ticket, &a.Rows, a.Origin, nil
}
