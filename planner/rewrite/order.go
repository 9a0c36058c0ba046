package rewrite

import (
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// innerOrder drops the ORDER BY of a sub-query: without a limit it says nothing
// about the rows of a relation. Only the statement's own, below its sink, stays.
func innerOrder(n logical.Node, _ *types.Session) (logical.Node, error) {
	switch n.(type) {
	case *logical.Sink, *logical.Project:
		return n, nil
	}
	in := n.Inputs()
	next := make([]logical.Node, len(in))
	changed := false
	for i, x := range in {
		next[i] = unordered(x)
		changed = changed || next[i] != x
	}
	if !changed {
		return n, nil
	}
	return n.With(next), nil
}

func unordered(n logical.Node) logical.Node {
	switch x := n.(type) {
	case *logical.Project:
		if in := unordered(x.Input); in != x.Input {
			return x.With([]logical.Node{in})
		}
	case *logical.Sort:
		if x.Limit < 0 && x.Offset == 0 {
			return unordered(x.Input)
		}
	}
	return n
}
