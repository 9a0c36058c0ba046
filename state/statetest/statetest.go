// Package statetest is the conformance suite of state: what every implementation
// of state.Store must do, told by random operations against a naive model.
//
// Run takes a function that makes a store. A driver (driver.go) makes random turns:
// it upserts, writes, appends, removes, moves and deletes, ends the turn with
// Release, and now and then takes a checkpoint, confirms or aborts it, or crashes
// and restores. After each turn everything the store answers is compared with the
// model (model.go), which is Go maps of encoded values. Seeds are printed on
// failure; -state.seed repeats one.
package statetest

import (
	"flag"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

var seed = flag.Int64("state.seed", 0, "run the conformance suite of state with this seed alone")

var seeds = flag.Int64("state.seeds", 2, "how many seeds the conformance suite of state runs with")

// Run runs the suite.
func Run(t *testing.T, open func(state.Options) state.Store) {
	for _, s := range shapes() {
		for _, evict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/evict=%v", s.Name, evict), func(t *testing.T) {
				each(t, func(t *testing.T, r *rand.Rand) { newDriver(t, r, open, s, evict).run(25) })
			})
		}
	}
	t.Run("inline and not", func(t *testing.T) { inlineAndNot(t, open) })
	t.Run("long lists", func(t *testing.T) { longLists(t, open) })
	t.Run("many keys", func(t *testing.T) { manyKeys(t, open) })
	t.Run("many rows", func(t *testing.T) { each(t, func(t *testing.T, r *rand.Rand) { manyRows(t, open, r) }) })
	t.Run("timers", func(t *testing.T) { each(t, func(t *testing.T, r *rand.Rand) { timers(t, r, open) }) })
	t.Run("handles", func(t *testing.T) { handles(t, open) })
	t.Run("ids", func(t *testing.T) { ids(t, open) })
	t.Run("views", func(t *testing.T) { views(t, open) })
	t.Run("damaged blocks", func(t *testing.T) { damaged(t, open) })
}

func each(t *testing.T, f func(*testing.T, *rand.Rand)) {
	first, last := int64(1), *seeds
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for n := first; n <= last; n++ {
		if !t.Run(fmt.Sprintf("seed=%d", n), func(t *testing.T) { f(t, rand.New(rand.NewSource(n))) }) {
			return
		}
	}
}

func cols(ts ...types.Type) []state.Column {
	out := make([]state.Column, len(ts))
	for i, t := range ts {
		out[i] = state.Column{Type: t}
	}
	return out
}

var (
	bigint  = types.BigIntType.NotNullable()
	nested  = types.RowOf(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.ArrayOf(types.StringType)})
	mapping = types.MapOf(types.StringType, types.IntType)
)

// shapes are the tables the driver runs on: every shape of key, cell and
// collection.
func shapes() []state.Spec {
	asc := func(c ...int) (by []batch.Order) {
		for _, c := range c {
			by = append(by, batch.Order{Col: c})
		}
		return by
	}
	wide := types.DecimalType(30, 2)
	return []state.Spec{
		{Name: "global", Row: cols(types.BigIntType, types.StringType), Lists: []state.ListSpec{{Row: cols(types.IntType)}}},
		{Name: "int64", Key: cols(bigint), Row: cols(types.BigIntType, types.DoubleType, wide)},
		{Name: "nullable", Key: cols(types.BigIntType), Row: cols(types.BigIntType), Multisets: [][]state.Column{cols(types.BigIntType)}},
		{Name: "two int64", Key: cols(bigint, types.TimestampType(3)), Row: cols(types.StringType, types.StringType, types.BigIntType)},
		{Name: "double", Key: cols(types.DoubleType, types.DoubleType), Row: cols(types.BigIntType)},
		{Name: "wide", Key: cols(wide), Row: cols(wide), Sorted: []state.SortedSpec{{Row: cols(wide, types.StringType), By: []batch.Order{{Col: 0, Desc: true}}}}},
		{Name: "string", Key: cols(types.StringType), Row: cols(types.StringType), Multisets: [][]state.Column{cols(types.StringType, types.IntType)}},
		{Name: "mixed", Key: cols(types.StringType, bigint, types.BooleanType), Row: cols(types.BigIntType),
			Lists: []state.ListSpec{{Row: cols(types.BigIntType, types.StringType, types.StringType), Cells: 2}, {Row: cols(types.StringType), Cells: 1}}},
		{Name: "nested", Key: cols(nested, mapping), Row: cols(nested, types.BigIntType, types.ArrayOf(types.IntType)),
			Lists: []state.ListSpec{{Row: cols(nested, types.IntType)}}, Multisets: [][]state.Column{cols(nested)},
			Sorted: []state.SortedSpec{{Row: cols(types.ArrayOf(types.IntType), types.IntType), By: asc(0)}}},
		{Name: "sorted", Key: cols(bigint), Sorted: []state.SortedSpec{
			{Row: cols(types.BigIntType, types.StringType), By: asc(0)},
			{Row: cols(types.StringType, types.DoubleType, types.IntType), By: []batch.Order{{Col: 0, Desc: true, NullsLast: true}, {Col: 1}}}}},
		{Name: "no cells", Key: cols(types.IntType)},
		{Name: "many cells", Key: cols(bigint), Row: many(70)},
		{Name: "windowed", Key: cols(types.BigIntType), Row: cols(types.BigIntType, types.StringType), Windowed: true,
			Multisets: [][]state.Column{cols(types.BigIntType)}},
		{Name: "expiring", Key: cols(bigint), Row: cols(types.BigIntType, types.StringType), TTL: 20 * time.Millisecond,
			Lists: []state.ListSpec{{Row: cols(types.IntType)}}},
		{Name: "inline", Key: cols(bigint), Lists: []state.ListSpec{{Row: cols(types.StringType, types.BigIntType, types.StringType), Cells: 2, Inline: true},
			{Row: cols(types.IntType, types.StringType)}}},
		{Name: "inline, expiring", Key: cols(types.StringType), Row: cols(types.StringType), TTL: 20 * time.Millisecond,
			Lists: []state.ListSpec{{Row: cols(nested, wide), Cells: 1, Inline: true}, {Row: many(30), Inline: true}}},
	}
}

func many(n int) []state.Column {
	var ts []types.Type
	for i := 0; i < n; i++ {
		ts = append(ts, []types.Type{types.BigIntType, types.DoubleType, types.StringType}[i%3])
	}
	return cols(ts...)
}
