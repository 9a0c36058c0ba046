package optest

import (
	"fmt"
	"math/rand"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Schema is that of the random rows: a time, a key, a value.
var Schema = types.NewSchema(types.Field{Name: "ts", Type: types.TimestampType(3)}, types.Field{Name: "k", Type: types.StringType}, types.Field{Name: "v", Type: types.BigIntType})

// Row is a random row. A nil K or V is NULL.
type Row struct {
	Ms int64
	K  *string
	V  *int64
	// WM is the watermark when the row arrives.
	WM int64
}

// Key is K as text, "-" for NULL.
func (r Row) Key() string {
	if r.K == nil {
		return "-"
	}
	return *r.K
}

// Val is V as text, "-" for NULL.
func (r Row) Val() string {
	if r.V == nil {
		return "-"
	}
	return strconv.FormatInt(*r.V, 10)
}

// String is the row as Text shows it.
func (r Row) String() string { return fmt.Sprintf("@%d %s %s", r.Ms, r.Key(), r.Val()) }

// Step is what happens to an operator: rows, then, if Advance, a watermark.
type Step struct {
	Rows    []Row
	Advance bool
	WM      int64
}

// Steps are random rows in batches, with watermarks between them: times go forward
// by about pace ms a row and back by up to disorder, and the watermark stays delay
// behind the latest.
func Steps(r *rand.Rand, n int, pace, disorder, delay int64) []Step {
	var out []Step
	now, wm, latest := int64(0), int64(-1<<63), int64(-1<<63)
	for n > 0 {
		s := Step{}
		for k := 1 + r.Intn(6); k > 0 && n > 0; k-- {
			n--
			now += r.Int63n(2*pace + 1)
			row := Row{Ms: now - r.Int63n(disorder+1), WM: wm}
			if r.Intn(10) > 0 {
				k := string(rune('a' + r.Intn(4)))
				row.K = &k
			}
			if r.Intn(8) > 0 {
				v := r.Int63n(12)
				row.V = &v
			}
			latest = max(latest, row.Ms)
			s.Rows = append(s.Rows, row)
		}
		if r.Intn(3) > 0 && latest-delay > wm {
			wm = latest - delay
			s.Advance, s.WM = true, wm
		}
		out = append(out, s)
	}
	return out
}

// Batch makes a batch of rows; kinds nil: inserts.
func Batch(rows []Row, kinds []batch.Kind) *batch.Batch {
	b := &batch.Batch{}
	ts := Schema.Types()
	b.Reset(ts)
	one := batch.Batch{Len: 1, Cols: make([]batch.Vector, 3)}
	for i, r := range rows {
		for c, t := range ts {
			one.Cols[c].Prepare(t, 1)
		}
		one.Cols[0].I64[0] = r.Ms * 1000
		if r.K == nil {
			one.Cols[1].SetNull(0)
		} else {
			one.Cols[1].SetString(0, *r.K)
		}
		if r.V == nil {
			one.Cols[2].SetNull(0)
		} else {
			one.Cols[2].I64[0] = *r.V
		}
		kind := batch.Insert
		if kinds != nil {
			kind = kinds[i]
		}
		b.AppendRow(ts, kind, &one, 0)
	}
	return b
}

// Run drives an operator of one input through the steps to the end.
func (d *Driver) Run(steps []Step) {
	for _, s := range steps {
		d.Process(0, Batch(s.Rows, nil))
		if s.Advance {
			d.Watermark(s.WM)
		}
	}
	d.End(1)
}

// Values are the aggregates of rows as text: COUNT(*), COUNT(v), SUM(v), MIN(v),
// MAX(v), COUNT(DISTINCT v).
func Values(rows []Row) string {
	n, sum, least, most := 0, int64(0), "-", "-"
	seen := map[int64]bool{}
	var lo, hi int64
	for _, r := range rows {
		if r.V == nil {
			continue
		}
		v := *r.V
		if n == 0 || v < lo {
			lo, least = v, strconv.FormatInt(v, 10)
		}
		if n == 0 || v > hi {
			hi, most = v, strconv.FormatInt(v, 10)
		}
		n++
		sum += v
		seen[v] = true
	}
	total := "-"
	if n > 0 {
		total = strconv.FormatInt(sum, 10)
	}
	return fmt.Sprintf("%d %d %s %s %s %d", len(rows), n, total, least, most, len(seen))
}
