package datagen

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// gen makes the values of one column, or of one component of a column.
type gen struct {
	t          types.Type
	salt       uint64 // tells columns' random streams apart
	sequence   bool
	start, end int64
	min, max   int64   // integers, intervals
	low, high  float64 // FLOAT, DOUBLE, DECIMAL
	past       time.Duration
	length     int
	varLen     bool
	nullRate   float64
	kids       []gen
}

// fieldOptions reads the fields.* options and remembers which fitted a column.
type fieldOptions struct {
	values formats.Values
	used   map[string]bool
	fits   []string
}

func (o *fieldOptions) get(key string) (string, bool) {
	o.used[key] = true
	o.fits = append(o.fits, key)
	s, ok := o.values.Set[key]
	return s, ok
}

// unused refuses options that fit no column.
func (o *fieldOptions) unused() error {
	var bad []string
	for k := range o.values.Set {
		if strings.HasPrefix(k, "fields.") && !o.used[k] {
			bad = append(bad, "'"+k+"'")
		}
	}
	if bad == nil {
		return nil
	}
	sort.Strings(bad)
	return fmt.Errorf("unsupported options: %s; supported are %s", strings.Join(bad, ", "), strings.Join(o.fits, ", "))
}

// field is the generator of a column or component of type t whose options begin
// with at.
func (o *fieldOptions) field(t types.Type, at string, salt uint64, nested bool) (g gen, err error) {
	g = gen{t: t, salt: salt * 0x9e3779b97f4a7c15}
	kind := "random"
	if composite := t.IsRow() || t.IsCollection(); !composite {
		if k, ok := o.get(at + ".kind"); ok {
			kind = k
		}
	}
	switch kind {
	case "sequence":
		if nested {
			return g, fmt.Errorf("field %q: only a column can be a sequence, not a part of one", strings.TrimPrefix(at, "fields."))
		}
		return o.sequence(g, at)
	case "random":
	default:
		return g, fmt.Errorf("unsupported generator kind %q of field %q: random or sequence", kind, strings.TrimPrefix(at, "fields."))
	}
	if err = o.number(at+".null-rate", &g.nullRate, 0); err != nil {
		return g, err
	}
	return g, o.random(&g, at)
}

func (o *fieldOptions) sequence(g gen, at string) (gen, error) {
	switch g.t.Kind {
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.Float, types.Double, types.Decimal, types.Char, types.VarChar:
	default:
		return g, fmt.Errorf("field %q: %s can't be a sequence", strings.TrimPrefix(at, "fields."), g.t)
	}
	g.sequence = true
	for _, x := range []struct {
		name string
		to   *int64
	}{{".start", &g.start}, {".end", &g.end}} {
		s, ok := o.get(at + x.name)
		if !ok {
			return g, fmt.Errorf("could not find required property '%s' for sequence generator", at+x.name)
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return g, fmt.Errorf("option '%s' is %q, not a whole number", at+x.name, s)
		}
		*x.to = n
	}
	return g, nil
}

func (o *fieldOptions) random(g *gen, at string) (err error) {
	switch g.t.Kind {
	case types.TinyInt:
		return o.integers(g, at, math.MinInt8, math.MaxInt8)
	case types.SmallInt:
		return o.integers(g, at, math.MinInt16, math.MaxInt16)
	case types.Int:
		return o.integers(g, at, math.MinInt32, math.MaxInt32)
	case types.BigInt:
		return o.integers(g, at, math.MinInt64, math.MaxInt64)
	case types.IntervalYM:
		return o.integers(g, at, 0, 120000)
	case types.IntervalDT:
		return o.integers(g, at, 0, 10000*366*24*3600*1000)
	case types.Float:
		return o.floats(g, at, 0, math.MaxFloat32)
	case types.Double:
		return o.floats(g, at, 0, math.MaxFloat64)
	case types.Decimal:
		return o.floats(g, at, 0, math.Pow10(g.t.Length-g.t.Scale))
	case types.Timestamp, types.TimestampLTZ:
		if s, ok := o.get(at + ".max-past"); ok {
			g.past, err = formats.ParseDuration(s)
		}
		return err
	case types.Char, types.Binary:
		g.length = g.t.Length
		return nil
	case types.VarChar, types.VarBinary:
		return o.text(g, at)
	case types.Boolean, types.Date, types.Time:
		return nil
	case types.Array, types.Multiset, types.Map:
		return o.collection(g, at)
	case types.Row, types.Structured:
		for i, f := range g.t.Fields {
			kid, err := o.field(f.Type, at+"."+f.Name, g.salt+uint64(i)+1, true)
			if err != nil {
				return err
			}
			g.kids = append(g.kids, kid)
		}
		return nil
	}
	return fmt.Errorf("field %q: type %s can't be made up", strings.TrimPrefix(at, "fields."), g.t)
}

func (o *fieldOptions) collection(g *gen, at string) error {
	n := 3.0
	if err := o.number(at+".length", &n, 0); err != nil {
		return err
	}
	g.length = int(n)
	names := []string{".element"}
	if g.t.Kind == types.Map {
		names = []string{".key", ".value"}
	}
	for i, name := range names {
		kid, err := o.field(g.t.Fields[i].Type, at+name, g.salt+uint64(i)+1, true)
		if err != nil {
			return err
		}
		g.kids = append(g.kids, kid)
	}
	if g.t.Kind == types.Multiset {
		g.kids = append(g.kids, gen{t: types.IntType, min: 0, max: 10, salt: g.salt + 3})
	}
	return nil
}

func (o *fieldOptions) text(g *gen, at string) error {
	name := strings.TrimPrefix(at, "fields.")
	g.length = g.t.Length
	if g.t.Length == types.MaxLength {
		g.length = 100
	}
	if s, ok := o.get(at + ".length"); ok {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return fmt.Errorf("option '%s.length' is %q, not a length", at, s)
		}
		if n > g.t.Length {
			return fmt.Errorf("custom length '%d' for variable-length type (VARCHAR/STRING/VARBINARY/BYTES) field '%s' should be shorter than '%d' defined in the schema", n, name, g.t.Length)
		}
		g.length = n
	}
	if s, ok := o.get(at + ".var-len"); ok {
		g.varLen = strings.EqualFold(s, "true")
	}
	return nil
}

func (o *fieldOptions) integers(g *gen, at string, low, high int64) error {
	g.min, g.max = low, high
	for _, x := range []struct {
		name string
		to   *int64
	}{{".min", &g.min}, {".max", &g.max}} {
		if s, ok := o.get(at + x.name); ok {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil || n < low || n > high {
				return fmt.Errorf("option '%s%s' is %q, not a %s", at, x.name, s, g.t.Nullable())
			}
			*x.to = n
		}
	}
	if g.min > g.max {
		return fmt.Errorf("lower bound (%d) of '%s' must not be above the upper bound (%d)", g.min, at, g.max)
	}
	return nil
}

func (o *fieldOptions) floats(g *gen, at string, low, high float64) error {
	g.low, g.high = low, high
	if err := o.number(at+".min", &g.low, -math.MaxFloat64); err != nil {
		return err
	}
	if err := o.number(at+".max", &g.high, -math.MaxFloat64); err != nil {
		return err
	}
	if g.low > g.high {
		return fmt.Errorf("lower bound (%v) of '%s' must not be above the upper bound (%v)", g.low, at, g.high)
	}
	return nil
}

func (o *fieldOptions) number(key string, to *float64, least float64) error {
	s, ok := o.get(key)
	if !ok {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < least || math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("option '%s' is %q, not a number that fits", key, s)
	}
	*to = f
	return nil
}
