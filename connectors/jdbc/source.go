package jdbc

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/feed"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// source scans a table once. A split is a range of the partition column, or the
// whole table. With a primary key rows come in its order and a position is the last
// row's key; without one it is a number of rows, which counts on a table that
// doesn't change between a crash and the restart.
type source struct {
	*table
	schema *types.Schema
	full   *types.Schema
	key    []int // columns of schema, nil when not all are read
	ts     []types.Type
	filter []connectors.Predicate // pushed down
	limit  int64
	part   *partition
	push   bool
}

// partition is the four scan.partition.* options.
type partition struct {
	column   string
	num      int64
	low, top int64
}

func newSource(t connectors.Table) (connectors.Source, error) {
	tb, err := newTable(t)
	if err != nil {
		return nil, err
	}
	s := &source{table: tb, schema: t.Schema, full: t.Full, ts: t.Schema.Types(), push: !strings.EqualFold(t.Options.String("filter.handling.policy"), "never")}
	if err := (&sqldb.Encoder{Dialect: tb.dialect, Cols: plainTargets(t.Schema)}).Check(); err != nil {
		return nil, tb.errorf("%w", err)
	}
	for _, k := range t.Key {
		i := t.Schema.Index(t.Full.Fields[k].Name)
		if i < 0 {
			s.key = nil
			break
		}
		s.key = append(s.key, i)
	}
	given := 0
	for _, o := range []string{"column", "num", "lower-bound", "upper-bound"} {
		if t.Options.Has("scan.partition." + o) {
			given++
		}
	}
	switch given {
	case 0:
		return s, nil
	case 4:
	default:
		return nil, tb.errorf("'scan.partition.column', '.num', '.lower-bound' and '.upper-bound' come together")
	}
	p := &partition{column: t.Options.String("scan.partition.column"), num: t.Options.Int("scan.partition.num"), low: t.Options.Int("scan.partition.lower-bound"), top: t.Options.Int("scan.partition.upper-bound")}
	i := t.Full.Index(p.column)
	switch {
	case i < 0:
		return nil, tb.errorf("'scan.partition.column' is %q, which isn't a column of the table", p.column)
	case !t.Full.Fields[i].Type.IsExact() && t.Full.Fields[i].Type.Kind != types.Date && !t.Full.Fields[i].Type.IsTimestamp() && !t.Full.Fields[i].Type.IsApprox():
		return nil, tb.errorf("'scan.partition.column' is %q of type %s; it has to be a number, a date or a timestamp", p.column, t.Full.Fields[i].Type)
	case p.num < 1:
		return nil, tb.errorf("'scan.partition.num' is %d, must be positive", p.num)
	case p.low > p.top:
		return nil, tb.errorf("'scan.partition.lower-bound' %d is above 'scan.partition.upper-bound' %d", p.low, p.top)
	}
	s.part = p
	return s, nil
}

func plainTargets(s *types.Schema) []sqldb.Target {
	out := make([]sqldb.Target, s.Len())
	for i, f := range s.Fields {
		out[i] = sqldb.Target{Name: f.Name, Type: f.Type}
	}
	return out
}

func (s *source) Changes() batch.Changes { return batch.Changes{Kinds: batch.InsertOnly} }
func (s *source) Bounded() bool          { return true }

// PushLimit makes each split's SELECT stop.
func (s *source) PushLimit(n int64) { s.limit = n }

// Splits are the ranges, cut as Flink cuts them: as even as can be, the larger ones
// first.
func (s *source) Splits(_ context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return known, nil
	}
	if s.part == nil {
		return []connectors.Split{{Name: s.name, Bounded: true}}, nil
	}
	p := s.part
	total := p.top - p.low + 1
	n := min(p.num, total)
	size, more := total/n, total%n
	var out []connectors.Split
	for i, from := int64(0), p.low; i < n; i++ {
		to := from + size - 1
		if i < more {
			to++
		}
		out = append(out, connectors.Split{Name: fmt.Sprintf("%s[%d..%d]", s.name, from, to), Data: fmt.Appendf(nil, "%d %d", from, to), Bounded: true})
		from = to + 1
	}
	return out, nil
}

// bound is a bound of the partition column as SQL: dates and timestamps are counted
// in days and milliseconds.
func (s *source) bound(x int64) string {
	switch t := s.full.Fields[s.full.Index(s.part.column)].Type; {
	case t.Kind == types.Date:
		return "'" + string(types.AppendDate(nil, x)) + "'"
	case t.IsTimestamp():
		return "'" + string(types.AppendTimestamp(nil, x*1000, 0, 3)) + "'"
	}
	return strconv.FormatInt(x, 10)
}

// Read streams the split's SELECT.
func (s *source) Read(ctx context.Context, sp connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	return feed.Start(ctx, env, s.ts, from, func(ctx context.Context, out *feed.Out) error { return s.read(ctx, sp, from, out, env) }, nil), nil
}

func (s *source) read(ctx context.Context, sp connectors.Split, from []byte, out *feed.Out, env connectors.ReadEnv) error {
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { c.Close() }()
	targets, cols, err := s.targets(ctx, c, s.schema)
	if err != nil {
		return err
	}
	where := s.conditions(targets, cols)
	dec := &sqldb.Decoder{Cols: targets, Zone: s.zone, Hex: s.dialect.Name() == "postgresql"}
	at := from
	n, skip := int64(0), int64(0)
	if s.key == nil && from != nil {
		if skip, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			return s.errorf("position of split %s: %w", sp.Name, err)
		}
	}
	enc := &sqldb.Encoder{Dialect: s.dialect, Cols: targets, Zone: s.zone}
	position := func(b *batch.Batch) ([]byte, error) {
		if s.key == nil {
			return strconv.AppendInt(nil, n, 10), nil
		}
		if b.Len == 0 {
			return at, nil
		}
		var lits [][]byte
		for _, k := range s.key {
			lit, err := enc.Append(nil, k, &b.Cols[k], b.Len-1)
			if err != nil {
				return nil, err
			}
			lits = append(lits, lit)
		}
		return bytes.Join(lits, []byte{0}), nil
	}
	for lost := 0; ; {
		got := false
		err := c.Query(ctx, s.statement(sp, at, targets, where), func(cells []sqldb.Cell) error {
			if n++; s.key == nil && n <= skip {
				return nil
			}
			got = true
			if err := dec.Append(out.B, batch.Insert, cells); err != nil {
				if err := env.Bad(connectors.BadRow{Split: sp.Name, Offset: n, Raw: sqldb.RowText(cells), Reason: err}); err != nil {
					return err
				}
			}
			if !out.Full() {
				return nil
			}
			p, err := position(out.B)
			if err != nil {
				return err
			}
			at = p
			return out.Send(p)
		})
		switch {
		case err == nil:
			p, err := position(out.B)
			if err != nil {
				return err
			}
			return out.Send(p)
		case !s.dialect.Transient(err) || ctx.Err() != nil:
			return s.errorf("split %s after %d rows: %w", sp.Name, n, err)
		}
		if got {
			lost = 0
		}
		if lost++; lost > 3 {
			return s.errorf("split %s after %d rows: tried %d times: %w", sp.Name, n, lost, err)
		}
		// The rows of the batch in hand are read again from its start, with a key; without
		// one the rows counted are passed over.
		if s.key != nil {
			out.B.Reset(s.ts)
		} else {
			skip, n = n, 0
		}
		c.Close()
		if c, err = s.open(ctx); err != nil {
			return err
		}
	}
}

// statement is the SELECT of a split from a position on.
func (s *source) statement(sp connectors.Split, at []byte, targets []sqldb.Target, where []string) string {
	var b strings.Builder
	b.WriteString(selectList(s.dialect, targets) + " FROM " + s.dialect.Table(s.name))
	conds := append([]string(nil), where...)
	if s.part != nil {
		var low, top int64
		_, _ = fmt.Sscanf(string(sp.Data), "%d %d", &low, &top)
		conds = append(conds, fmt.Sprintf("%s BETWEEN %s AND %s", s.dialect.Quote(s.part.column), s.bound(low), s.bound(top)))
	}
	if s.key != nil && len(at) > 0 {
		names := make([]string, len(s.key))
		for i, k := range s.key {
			names[i] = s.dialect.Quote(targets[k].Name)
		}
		conds = append(conds, sqldb.After(names, strings.Split(string(at), "\x00")))
	}
	if len(conds) > 0 {
		b.WriteString(" WHERE " + strings.Join(conds, " AND "))
	}
	if s.key != nil {
		b.WriteString(" ORDER BY ")
		for i, k := range s.key {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(s.dialect.Quote(targets[k].Name))
		}
	}
	if s.limit > 0 && (s.key == nil || len(at) == 0) {
		fmt.Fprintf(&b, " LIMIT %d", s.limit)
	}
	return b.String()
}
