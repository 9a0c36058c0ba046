package physical

import (
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
	spec := &windowagg.Spec{In: n.Input.Schema(), Window: windowOf(w), Legacy: w.Legacy, Keys: n.Keys, Calls: calls(n), Out: n.Schema(), At: n.Span()}
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
