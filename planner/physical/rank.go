package physical

import (
	"github.com/millrace/millrace/operators/dedup"
	"github.com/millrace/millrace/operators/topn"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// topN chooses a Top-N or, for the first row by a time attribute of rows that are
// never taken back, a deduplication.
func (b *builder) topN(n *logical.TopN, in Input) (*Node, error) {
	if n.Window != nil {
		return b.windowTopN(n, in), nil
	}
	fn := map[string]topn.Function{"": topn.RowNumber, "ROW_NUMBER": topn.RowNumber, "RANK": topn.Rank, "DENSE_RANK": topn.DenseRank}[n.Fn]
	if fn != topn.RowNumber && !b.cfg.Session.Batch {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "%s() on streaming table is not supported currently", n.Fn)
	}
	if d, err := b.dedup(n, in); d != nil || err != nil {
		return d, err
	}
	return b.add(&topn.Spec{In: n.Input.Schema(), Partition: n.Partition, By: n.By, From: n.From, To: n.To, ToCol: n.ToCol, ToLess: n.ToLess,
		Fn: fn, WithRank: n.WithRank, Out: n.Schema()}, n.Span(), in), nil
}

// dedup is the deduplication that a Top-1 is, nil if it isn't one.
func (b *builder) dedup(n *logical.TopN, in Input) (*Node, error) {
	if len(n.By) != 1 || n.From != 1 || n.To != 1 || n.ToCol >= 0 || n.WithRank || b.cfg.Session.Batch {
		return nil, nil
	}
	attr := n.Input.Schema().Fields[n.By[0].Col].Type.Attr
	if attr == types.NoTimeAttr {
		return nil, nil
	}
	if err := settled(in.From); err != nil || !in.From.Changes.InsertOnly() {
		return nil, err
	}
	spec := &dedup.Spec{In: n.Input.Schema(), Keys: n.Partition, Time: n.By[0].Col, Rowtime: attr == types.Rowtime, KeepLast: n.By[0].Desc}
	return b.add(spec, n.Span(), in), nil
}
