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
}

// Rules run in order, each over the whole plan.
var Rules = []Rule{
	{"merge-projects", mergeProjects},
	{"pull-factors", pullFactors},
	{"push-filters", pushFilter},
	{"fold-constants", foldConstants},
	{"empty-aggregate", emptyAggregate},
	{"join-sides", joinSides},
	{"inner-order", innerOrder},
	{"top-n", topN},
	{"merge-ranks", mergeProjects},
	{"unused-rank", unusedRank},
	{"interval-join", intervalJoin},
	{"time-attributes", timeAttributes},
	{"window-aggregate", windowAggregate},
	{"split-aggregates", splitAggregates},
	{"window-rank", windowRank},
	{"window-join", windowJoin},
	{"join-keys", joinKeys},
	{"merge-keys", mergeProjects},
}

// Apply runs every rule. NarrowScans follows, over all plans of a job.
func Apply(n logical.Node, session *types.Session) (logical.Node, error) {
	for _, r := range Rules {
		var err error
		if n, err = walk(n, r, session); err != nil {
			return nil, err
		}
	}
	n, err := walk(Prune(n), Rule{"merge-pruned", mergeProjects}, session)
	if err != nil {
		return nil, err
	}
	return walk(n, Rule{"push-into-scan", pushIntoScan}, session)
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
