// Package nexmark is a source of the Nexmark benchmark's events. An event is a
// function of its number alone, so splits and restarts give the same rows.
//
// Events are whole, whatever a query reads, so that a benchmark compares engines
// and not generators; but they are written straight into the reader's columns, and
// strings that come from a fixed table are views into it. reader.go has the batch,
// bids.go the bids, of which 46 in 50 events are, random.go the draws.
package nexmark

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Connector is nexmark.
var Connector = &connectors.Connector{
	Name: "nexmark", Doc: "Generates the Nexmark benchmark's persons, auctions and bids.", Inner: true,
	Own: true, Instead: ", unless the benchmark's own jar is on its class path, whose options are others",
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
