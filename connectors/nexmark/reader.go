package nexmark

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
)

// Of 50 events the first is a person, three are auctions, the rest are bids.
const (
	cycle    = 50
	persons  = 1
	auctions = 3
)

func (s *source) Read(_ context.Context, sp connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	if from == nil {
		from = sp.Data
	}
	i, err := strconv.ParseInt(string(from), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("nexmark: position of split %s: %w", sp.Name, err)
	}
	tablesOnce()
	return &reader{source: s, next: i, first: i, env: env, out: batch.Batch{Cols: make([]batch.Vector, len(s.types))}}, nil
}

// reader makes the events of one split. The values of fields at rows of another
// kind are zero at all times: what a batch wrote is cleared by the next one, and
// only that.
type reader struct {
	*source
	next, first int64
	start       time.Time
	timer       *time.Timer
	env         connectors.ReadEnv
	out         batch.Batch
	field       [3][]*batch.Vector // fields of each entity in the generator's order; nil: the column isn't read
	valid       [3][]uint64        // which rows are of each kind
	rows        [3][]int32         // persons, auctions and slow bids of the batch
	runs        []run
	filled      int // rows the batch before had
	size        int // rows the columns have room for
}

// run is bids in a row: from row first on.
type run struct{ first, n int }

func (r *reader) Position() []byte { return strconv.AppendInt(nil, r.next, 10) }

func (r *reader) Close() error {
	if r.timer != nil {
		r.timer.Stop()
	}
	return nil
}

func (r *reader) Next() (*batch.Batch, error) {
	n := int64(max(r.env.Rows, 1))
	if r.num > 0 {
		if r.next >= r.num {
			return nil, io.EOF
		}
		n = min(n, (r.num-r.next+r.splits-1)/r.splits)
	}
	if r.emit > 0 {
		now := r.env.Now()
		if r.start.IsZero() {
			r.start = now
		}
		due := r.first + int64(now.Sub(r.start).Seconds()*float64(r.emit))
		n = min(n, (due-r.next)/r.splits)
		if n <= 0 {
			wait := time.Duration(float64(r.next+r.splits-due)/float64(r.emit)*1e9) + time.Millisecond
			r.timer = time.AfterFunc(wait, r.env.Wake)
			return nil, connectors.ErrNotReady
		}
	}
	r.fill(int(n))
	r.next += n * r.splits
	return &r.out, nil
}

// fill makes the next n events.
func (r *reader) fill(n int) {
	r.prepare(n)
	r.kinds(n)
	if f := r.field[0]; f != nil {
		for _, i := range r.rows[0] {
			r.person(f, int(i), r.next+int64(i)*r.splits)
		}
	}
	if f := r.field[1]; f != nil {
		for _, i := range r.rows[1] {
			r.auction(f, int(i), r.next+int64(i)*r.splits)
		}
	}
	if f := r.field[2]; f != nil {
		for _, b := range r.runs {
			r.bids(f, b.first, b.n, r.next+int64(b.first)*r.splits)
		}
	}
	r.filled, r.out.Len = n, n
}

// prepare makes room for n rows and clears what the batch before wrote where this
// one may not write.
func (r *reader) prepare(n int) {
	if n > r.size {
		r.size, r.filled = n, 0
		if r.kind >= 0 {
			r.out.Cols[r.kind].Prepare(r.types[r.kind], n)
		}
		for e, c := range r.col {
			if c < 0 {
				continue
			}
			v := &r.out.Cols[c]
			v.Prepare(r.types[c], n)
			r.field[e] = r.field[e][:0]
			for k, at := range r.kid[e] {
				f := &v.Kids[at]
				clear(f.I64)
				clear(f.Str)
				r.field[e] = append(r.field[e], f)
				if t := table(e, k); t != nil && !(r.drawn && k == len(r.kid[e])-1) {
					f.ShareBuf(t, nil)
				}
			}
		}
	}
	for e := range r.field {
		for _, f := range r.field[e] {
			if e == 2 {
				continue
			}
			switch {
			case len(f.Str) == 0:
				for _, i := range r.rows[e] {
					f.I64[i] = 0
				}
			default:
				for _, i := range r.rows[e] {
					f.Str[i] = 0
				}
			}
		}
		for k, f := range r.field[e] {
			if table(e, k) == nil || r.drawn && k == len(r.kid[e])-1 {
				f.Buf = f.Buf[:0]
			}
		}
	}
}

// kinds finds the kind of each row, and says so in the batch.
func (r *reader) kinds(n int) {
	words := (n + 63) >> 6
	for e := range r.valid {
		if cap(r.valid[e]) < words {
			r.valid[e] = make([]uint64, words)
		}
		r.valid[e] = r.valid[e][:words]
		clear(r.valid[e])
	}
	for e := range r.rows {
		r.rows[e] = r.rows[e][:0]
	}
	r.runs = r.runs[:0]
	var kind []int64
	if r.kind >= 0 {
		kind = r.out.Cols[r.kind].I64[:n]
	}
	for i := 0; i < n; {
		off := (r.next + int64(i)*r.splits + 2) % cycle
		e, m := 2, 1
		switch {
		case off < persons:
			e = 0
		case off < persons+auctions:
			e = 1
		case r.splits == 1:
			m = min(cycle-int(off), n-i)
		}
		for k := i; k < i+m; k++ {
			r.valid[e][k>>6] |= 1 << (uint(k) & 63)
		}
		if kind != nil {
			for k := i; k < i+m; k++ {
				kind[k] = int64(e)
			}
		}
		if e < 2 {
			r.rows[e] = append(r.rows[e], int32(i))
			r.noBid(i)
		} else {
			r.runs = append(r.runs, run{i, m})
		}
		i += m
	}
	for e, c := range r.col {
		if c < 0 {
			continue
		}
		v := &r.out.Cols[c]
		v.Valid = r.valid[e]
		for _, f := range r.field[e] {
			f.Valid = r.valid[e]
		}
	}
}

// noBid clears the fields of a bid at a row that is none.
func (r *reader) noBid(i int) {
	for _, f := range r.field[2] {
		if len(f.Str) == 0 {
			f.I64[i] = 0
		} else {
			f.Str[i] = 0
		}
	}
}

// ts is the event time of an event, in ms; n is its number from 1.
func (r *reader) ts(n int64) int64 { return r.base + int64(float64(n)*r.delay)/1000 }

func (r *reader) person(f []*batch.Vector, i int, index int64) {
	rnd := seeded(index + 2)
	last := (index + 2) / cycle
	f[0].I64[i] = last + 1000
	name, mail, card := f[1], f[2], f[3]
	o := len(name.Buf)
	name.Buf = append(append(name.Buf, firstNames[rnd.int(11)]...), ' ')
	name.Buf = append(name.Buf, lastNames[rnd.int(9)]...)
	name.EndBytes(i, o)
	size := 8 + len(name.Buf) - o
	o = len(mail.Buf)
	mail.Buf = append(rnd.str(mail.Buf, 7, ' '), '@')
	mail.Buf = append(rnd.str(mail.Buf, 5, ' '), ".com"...)
	mail.EndBytes(i, o)
	size += len(mail.Buf) - o + 19
	o = len(card.Buf)
	for k := range 4 {
		if k > 0 {
			card.Buf = append(card.Buf, ' ')
		}
		d := rnd.int(10000)
		card.Buf = append(card.Buf, byte('0'+d/1000), byte('0'+d/100%10), byte('0'+d/10%10), byte('0'+d%10))
	}
	card.EndBytes(i, o)
	city, state := cities.view[rnd.int(10)], states.view[rnd.int(6)]
	f[4].Str[i], f[5].Str[i] = city, state
	f[6].I64[i] = r.ts(index+1) * 1000
	r.extra(&rnd, f[7], i, size+city.Len()+state.Len(), 200)
}

func (r *reader) auction(f []*batch.Vector, i int, index int64) {
	number, e := index+1, index+2
	rnd := seeded(e)
	ts := r.ts(number)
	lastPerson := e / cycle
	seller := lastPerson / 100 * 100
	if rnd.int(4) == 0 {
		seller = rnd.person(lastPerson)
	}
	category := 10 + int64(rnd.int(5))
	initial := rnd.price()
	horizon := r.ts(number+1666) - ts
	expires := ts + 1 + rnd.long(max(2*horizon, 1))
	item, desc := f[1], f[2]
	o := len(item.Buf)
	item.Buf = rnd.str(item.Buf, 20, ' ')
	item.EndBytes(i, o)
	size := 8 + 40 + len(item.Buf) - o
	o = len(desc.Buf)
	desc.Buf = rnd.str(desc.Buf, 100, ' ')
	desc.EndBytes(i, o)
	size += len(desc.Buf) - o
	f[0].I64[i] = lastPerson*auctions + e%cycle - 1 + 1000
	f[3].I64[i] = initial
	f[4].I64[i] = initial + rnd.price()
	f[5].I64[i] = ts * 1000
	f[6].I64[i] = expires * 1000
	f[7].I64[i] = seller + 1000
	f[8].I64[i] = category
	r.extra(&rnd, f[9], i, size, 500)
}

// extra pads an event of some size to about target bytes.
func (r *reader) extra(rnd *random, v *batch.Vector, i, size, target int) {
	n := 0
	if d := target - size; d >= 0 {
		delta := int(math.Floor(0.2*float64(d) + 0.5))
		n = d - delta
		if delta > 0 {
			n += int(rnd.int(int32(2 * delta)))
		}
		if !r.drawn {
			v.Str[i] = batch.NewView(int(rnd.int(int32(1<<20-n))), n)
			return
		}
	}
	o := len(v.Buf)
	if r.drawn {
		v.Buf = rnd.exact(v.Buf, n)
		v.EndBytes(i, o)
		return
	}
	v.Str[i] = 0
}
