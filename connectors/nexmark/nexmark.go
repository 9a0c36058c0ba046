// Package nexmark is a source of the Nexmark benchmark's events. An event is a
// function of its number alone, so splits and restarts give the same rows.
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
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Connector is nexmark.
var Connector = &connectors.Connector{
	Name: "nexmark", Doc: "Generates the Nexmark benchmark's persons, auctions and bids.",
	Options: []formats.Option{
		{Name: "events.num", Type: formats.IntOption, Default: "0", Doc: "How many events; 0: no end."},
		{Name: "first-event.rate", Type: formats.IntOption, Default: "10000", Doc: "Events per second of event time."},
		{Name: "emit.rate", Type: formats.IntOption, Default: "0", Doc: "Events per second of wall time; 0: as fast as it goes."},
		{Name: "base-time", Type: formats.IntOption, Default: "1436918400000", Doc: "Epoch milliseconds of the first event."},
		{Name: "extra", Type: formats.EnumOption, Default: "slice", Enum: []string{"drawn", "slice"}, Doc: "Padding: drawn, or a slice of a fixed string."},
		{Name: "splits", Type: formats.IntOption, Default: "1", Doc: "Event i belongs to split i mod splits."},
	},
	Source: open,
}

var ts3 = types.TimestampType(3)

func field(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

// The fields of person, auction and bid.
var rows = map[string][]types.Field{
	"person": {field("id", types.BigIntType), field("name", types.StringType), field("emailAddress", types.StringType), field("creditCard", types.StringType),
		field("city", types.StringType), field("state", types.StringType), field("dateTime", ts3), field("extra", types.StringType)},
	"auction": {field("id", types.BigIntType), field("itemName", types.StringType), field("description", types.StringType), field("initialBid", types.BigIntType),
		field("reserve", types.BigIntType), field("dateTime", ts3), field("expires", ts3), field("seller", types.BigIntType), field("category", types.BigIntType), field("extra", types.StringType)},
	"bid": {field("auction", types.BigIntType), field("bidder", types.BigIntType), field("price", types.BigIntType), field("channel", types.StringType),
		field("url", types.StringType), field("dateTime", ts3), field("extra", types.StringType)},
}

var entities = [...]string{"person", "auction", "bid"}

type source struct {
	types           []types.Type
	kind            int      // column of event_type, or -1
	col             [3]int   // column of each entity, or -1
	kid             [3][]int // place of each field in the declared ROW
	num, emit, base int64
	splits          int64
	delay           float64 // microseconds between events
	drawn           bool
}

func open(t connectors.Table) (connectors.Source, error) {
	s := &source{kind: -1, col: [3]int{-1, -1, -1}}
	for c, f := range t.Schema.Fields {
		s.types = append(s.types, f.Type)
		if f.Name == "event_type" && f.Type.Kind == types.Int {
			s.kind = c
			continue
		}
		e := -1
		for k, name := range entities {
			if name == f.Name {
				e = k
			}
		}
		if e < 0 {
			return nil, fmt.Errorf("nexmark: column %s %s: the columns are event_type INT and the ROWs person, auction and bid", types.Ident(f.Name), f.Type)
		}
		want := rows[f.Name]
		bad := f.Type.Kind != types.Row || len(f.Type.Fields) != len(want)
		for _, w := range want {
			at := -1
			for k, g := range f.Type.Fields {
				if g.Name == w.Name && g.Type.Same(w.Type) {
					at = k
				}
			}
			bad = bad || at < 0
			s.kid[e] = append(s.kid[e], at)
		}
		if bad {
			return nil, fmt.Errorf("nexmark: column %s is %s, must be %s", types.Ident(f.Name), f.Type, types.RowOf(want...))
		}
		s.col[e] = c
	}
	num := func(name string, least int64) (n int64, err error) {
		n, err = strconv.ParseInt(value(t.Options, name), 10, 64)
		if err == nil && n < least {
			err = fmt.Errorf("nexmark: option %s is %d, must be at least %d", name, n, least)
		}
		return n, err
	}
	var rate int64
	for _, o := range []struct {
		name  string
		least int64
		to    *int64
	}{{"events.num", 0, &s.num}, {"first-event.rate", 1, &rate}, {"emit.rate", 0, &s.emit}, {"base-time", math.MinInt64, &s.base}, {"splits", 1, &s.splits}} {
		var err error
		if *o.to, err = num(o.name, o.least); err != nil {
			return nil, err
		}
	}
	s.delay = 1e6 / float64(rate)
	s.drawn = value(t.Options, "extra") == "drawn"
	return s, nil
}

func value(v formats.Values, name string) string { return v.String(name) }

func (s *source) Changes() batch.Changes { return batch.Changes{} }
func (s *source) Bounded() bool          { return s.num > 0 }
func (s *source) Splits(_ context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return nil, nil
	}
	out := make([]connectors.Split, s.splits)
	for i := range out {
		n := strconv.Itoa(i)
		out[i] = connectors.Split{Name: n, Data: []byte(n), Bounded: s.num > 0}
	}
	return out, nil
}

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

type reader struct {
	*source
	next, first int64
	start       time.Time
	timer       *time.Timer
	env         connectors.ReadEnv
	out         batch.Batch
}

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
	for c := range r.out.Cols {
		r.out.Cols[c].Prepare(r.types[c], int(n))
	}
	r.out.Len = int(n)
	for i := 0; i < int(n); i++ {
		r.event(i, r.next)
		r.next += r.splits
	}
	return &r.out, nil
}

func (r *reader) ts(n int64) int64 { return r.base + int64(float64(n)*r.delay)/1000 }

func (r *reader) event(i int, index int64) {
	number, e := index+1, index+2
	epoch, off := e/50, e%50
	kind := 2
	if off < 1 {
		kind = 0
	} else if off < 4 {
		kind = 1
	}
	if r.kind >= 0 {
		r.out.Cols[r.kind].I64[i] = int64(kind)
	}
	for k, c := range r.col {
		if c >= 0 && k != kind {
			r.out.Cols[c].SetNull(i)
		}
	}
	if r.col[kind] < 0 {
		return
	}
	kids, at := r.out.Cols[r.col[kind]].Kids, r.kid[kind]
	rnd := seeded(e)
	ts := r.ts(number)
	lastPerson := epoch
	var lastAuction int64
	switch {
	case off < 1:
		lastAuction = epoch*3 - 1
	case off >= 4:
		lastAuction = epoch*3 + 2
	default:
		lastAuction = epoch*3 + off - 1
	}
	switch kind {
	case 0:
		name, mail, card := &kids[at[1]], &kids[at[2]], &kids[at[3]]
		kids[at[0]].I64[i] = lastPerson + 1000
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
		city, state := cities[rnd.int(10)], states[rnd.int(6)]
		kids[at[4]].SetString(i, city)
		kids[at[5]].SetString(i, state)
		kids[at[6]].I64[i] = ts * 1000
		r.extra(&rnd, &kids[at[7]], i, size+len(city)+len(state), 200)
	case 1:
		seller := lastPerson / 100 * 100
		if rnd.int(4) == 0 {
			seller = rnd.person(lastPerson)
		}
		category := 10 + int64(rnd.int(5))
		initial := rnd.price()
		horizon := r.ts(number+1666) - ts
		expires := ts + 1 + rnd.long(max(2*horizon, 1))
		item, desc := &kids[at[1]], &kids[at[2]]
		o := len(item.Buf)
		item.Buf = rnd.str(item.Buf, 20, ' ')
		item.EndBytes(i, o)
		size := 8 + 40 + len(item.Buf) - o
		o = len(desc.Buf)
		desc.Buf = rnd.str(desc.Buf, 100, ' ')
		desc.EndBytes(i, o)
		size += len(desc.Buf) - o
		kids[at[0]].I64[i] = lastAuction + 1000
		kids[at[3]].I64[i] = initial
		kids[at[4]].I64[i] = initial + rnd.price()
		kids[at[5]].I64[i] = ts * 1000
		kids[at[6]].I64[i] = expires * 1000
		kids[at[7]].I64[i] = seller + 1000
		kids[at[8]].I64[i] = category
		r.extra(&rnd, &kids[at[9]], i, size, 500)
	default:
		auction := lastAuction / 100 * 100
		if rnd.int(2) == 0 {
			least := max(lastAuction-100, 0)
			auction = least + rnd.long(lastAuction-least+11)
		}
		bidder := lastPerson/100*100 + 1
		if rnd.int(4) == 0 {
			bidder = rnd.person(lastPerson)
		}
		kids[at[0]].I64[i] = auction + 1000
		kids[at[1]].I64[i] = bidder + 2000 // the suite adds 1000 twice
		kids[at[2]].I64[i] = rnd.price()
		var ch int32
		if rnd.int(2) > 0 {
			ch = 10000 + rnd.int(4)
		} else {
			ch = rnd.int(10000)
		}
		kids[at[3]].SetString(i, channels[ch].name)
		kids[at[4]].SetString(i, channels[ch].url)
		kids[at[5]].I64[i] = ts * 1000
		r.extra(&rnd, &kids[at[6]], i, 32, 100)
	}
}

// extra pads an event of some size to about target bytes.
func (r *reader) extra(rnd *random, v *batch.Vector, i, size, target int) {
	o := len(v.Buf)
	if d := target - size; d >= 0 {
		delta := int(math.Floor(0.2*float64(d) + 0.5))
		n := d - delta
		if delta > 0 {
			n += int(rnd.int(int32(2 * delta)))
		}
		if r.drawn {
			v.Buf = rnd.exact(v.Buf, n)
		} else {
			at := int(rnd.int(int32(1<<20 - n)))
			v.Buf = append(v.Buf, padding[at:at+n]...)
		}
	}
	v.EndBytes(i, o)
}
