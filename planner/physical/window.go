package physical

import (
	"strings"
	"time"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowagg"
	"github.com/millrace/millrace/operators/windowjoin"
	"github.com/millrace/millrace/operators/windowtopn"
	"github.com/millrace/millrace/operators/windowtvf"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// windowOf is a window as the operators have it.
func windowOf(w *logical.Window) window.Window {
	return window.Window{Kind: window.Kind(w.Kind), Size: w.Size, Slide: w.Slide, Offset: w.Offset, Time: w.Time, Start: w.Start, End: w.End,
		Proctime: w.Proctime, LTZ: w.LTZ}
}

// windowAggregate aggregates by window and key.
func (b *builder) windowAggregate(n *logical.Aggregate, in Input) (*Node, error) {
	w := n.Window
	if w.Kind == logical.Hop && !w.Legacy && w.Size%w.Slide != 0 {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "HOP table function based aggregate requires size must be an integral multiple of slide, but got size %d ms and slide %d ms", w.Size, w.Slide)
	}
	if err := b.sessionInBatch(w, n.Span()); err != nil {
		return nil, err
	}
	emit, err := b.emit(w, n.Span())
	if err != nil {
		return nil, err
	}
	spec := &windowagg.Spec{In: n.Input.Schema(), Window: windowOf(w), Legacy: w.Legacy, Emit: emit, Keys: n.Keys, Calls: calls(n), Out: n.Schema(), At: n.Span()}
	for _, p := range n.Props {
		spec.Props = append(spec.Props, windowagg.Prop(p))
	}
	return b.add(spec, n.Span(), in), nil
}

// windowTVF gives rows their windows.
func (b *builder) windowTVF(n *logical.WindowTVF, in Input) (*Node, error) {
	if err := b.sessionInBatch(&n.Window, n.Span()); err != nil {
		return nil, err
	}
	return b.add(&windowtvf.Spec{In: n.Input.Schema(), Window: windowOf(&n.Window), Partition: n.Window.Partition, Out: n.Schema()}, n.Span(), in), nil
}

// sessionInBatch refuses the SESSION function in batch mode, as Flink does; the
// group window is fine there.
func (b *builder) sessionInBatch(w *logical.Window, at sqlerr.Span) error {
	if w.Kind == logical.Session && !w.Legacy && b.cfg.Session.Batch {
		return sqlerr.New(sqlerr.Invalid, at, "Unaligned windows like session are not supported in batch mode yet")
	}
	return nil
}

// windowTopN is a Top-N of each window; of one row by a time attribute, a
// deduplication.
func (b *builder) windowTopN(n *logical.TopN, in Input) *Node {
	s := n.Input.Schema()
	dedup := n.From == 1 && n.To == 1 && len(n.By) == 1 && s.Fields[n.By[0].Col].Type.Attr == types.Rowtime
	var partition []int
	for _, c := range n.Partition {
		if c != n.Window.End { // the window's end is the slice
			partition = append(partition, c)
		}
	}
	return b.add(&windowtopn.Spec{In: s, Window: windowOf(n.Window), Partition: partition, By: n.By, From: n.From, To: n.To, WithRank: n.WithRank,
		Dedup: dedup, Out: n.Schema()}, n.Span(), in)
}

// windowJoin joins within windows.
func (b *builder) windowJoin(n *logical.Join, in []Input) *Node {
	spec := &windowjoin.Spec{Left: n.Left.Schema(), Right: n.Right.Schema(), Kind: join.Kind(n.Kind), Out: n.Schema(), Session: b.cfg.Session,
		Windows: [2]window.Window{windowOf(&n.Windows.Left), windowOf(&n.Windows.Right)}}
	spec.Keys, spec.NullSafe, spec.Rest = equalities(n)
	return b.add(spec, n.Span(), in...)
}

// emit is when group windows send beside their end, by table.exec.emit.*; window
// functions can't.
func (b *builder) emit(w *logical.Window, at sqlerr.Span) (e windowagg.Emit, err error) {
	if b.cfg.Session.Batch {
		return e, nil
	}
	const prefix = "table.exec.emit."
	on := func(key string) bool { return strings.EqualFold(b.cfg.Session.Option(prefix+key, "false"), "true") }
	duration := func(key string) time.Duration {
		text := b.cfg.Session.Option(prefix+key, "")
		if text == "" {
			return -1
		}
		d, perr := formats.ParseDuration(text)
		if perr != nil && err == nil {
			err = sqlerr.New(sqlerr.Invalid, at, "%s%s: %v", prefix, key, perr)
		}
		return d
	}
	e.Early, e.Late = on("early-fire.enabled"), on("late-fire.enabled")
	e.EarlyDelay, e.LateDelay, e.Lateness = duration("early-fire.delay"), duration("late-fire.delay"), max(duration("allow-lateness").Milliseconds(), 0)
	refuse := func(text string) (windowagg.Emit, error) { return e, sqlerr.New(sqlerr.Invalid, at, "%s", text) }
	switch {
	case err != nil || !e.On():
		return e, err
	case !w.Legacy:
		return refuse("Currently, window table function based aggregate doesn't support early-fire and late-fire configuration 'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled'.")
	case w.Kind == logical.Session:
		return refuse("Session window doesn't support EMIT strategy currently.")
	case e.Early && e.EarlyDelay < 0:
		return refuse("Early-fire delay should not be null or negative value when enable early-fire emit strategy.")
	case e.Late && e.LateDelay < 0:
		return refuse("Late-fire delay should not be null or negative value when enable late-fire emit strategy.")
	case e.Late && e.Lateness == 0:
		return refuse("The 'AFTER WATERMARK' emit strategy requires set 'allow-lateness' or 'minIdleStateRetentionTime' in table config.")
	}
	return e, nil
}
