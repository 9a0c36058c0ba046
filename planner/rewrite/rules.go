// Package rewrite turns a logical plan into a better one with the same rows: an
// ordered list of rules, a file each. Start with Rules.
package rewrite

import (
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// Rule rewrites one node, whose inputs have been rewritten already; it answers the
// node itself when it doesn't apply.
type Rule struct {
	Name  string
	Apply func(logical.Node, *types.Session) (logical.Node, error)
	Whole bool // it's given the whole plan instead
}

// Rules run in order, each over the whole plan.
var Rules = []Rule{
	{Name: "merge-projects", Apply: mergeProjects},
	{Name: "pull-factors", Apply: pullFactors},
	{Name: "push-filters", Apply: pushFilter},
	{Name: "fold-constants", Apply: foldConstants},
	{Name: "empty-aggregate", Apply: emptyAggregate},
	{Name: "join-sides", Apply: joinSides},
	{Name: "join-order", Apply: orderJoins, Whole: true},
	{Name: "merge-orders", Apply: mergeProjects},
	{Name: "inner-order", Apply: innerOrder},
	{Name: "top-n", Apply: topN},
	{Name: "merge-ranks", Apply: mergeProjects},
	{Name: "unused-rank", Apply: unusedRank},
	{Name: "interval-join", Apply: intervalJoin},
	{Name: "time-attributes", Apply: timeAttributes},
	{Name: "window-aggregate", Apply: windowAggregate},
	{Name: "split-aggregates", Apply: splitAggregates},
	{Name: "window-rank", Apply: windowRank},
	{Name: "window-join", Apply: windowJoin},
	{Name: "join-keys", Apply: joinKeys},
	{Name: "merge-keys", Apply: mergeProjects},
}

// Apply runs every rule. NarrowScans follows, over all plans of a job.
func Apply(n logical.Node, session *types.Session) (logical.Node, error) {
	for _, r := range Rules {
		var err error
		if r.Whole {
			n, err = r.Apply(n, session)
		} else {
			n, err = walk(n, r, session)
		}
		if err != nil {
			return nil, err
		}
	}
	n, err := walk(Prune(n), Rule{Name: "merge-pruned", Apply: mergeProjects}, session)
	if err != nil {
		return nil, err
	}
	return walk(n, Rule{Name: "push-into-scan", Apply: pushIntoScan}, session)
}

func walk(n logical.Node, r Rule, session *types.Session) (logical.Node, error) {
	in := n.Inputs()
	if len(in) > 0 {
		next := make([]logical.Node, len(in))
		for i, x := range in {
			var err error
			if next[i], err = walk(x, r, session); err != nil {
				return nil, err
			}
		}
		n = n.With(next)
	}
	return r.Apply(n, session)
}
