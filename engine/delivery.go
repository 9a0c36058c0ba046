package engine

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators/sink"
)

// delivery says what a failure may do to the rows of each table a job writes, from
// its sources to its sinks, and which link decides it. "" for a query.
func (s *Session) delivery(p *planned) string {
	var b strings.Builder
	kept := s.cfg.StateDir != "" || s.first("", "execution.checkpointing.dir", "state.checkpoints.dir") != ""
	for _, n := range p.graph.Nodes {
		spec, ok := n.Spec.(*sink.Spec)
		if !ok {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\n== Delivery ==\n")
		}
		own := "at least once"
		if g, ok := spec.Sink.(connectors.Guarantor); ok && g.Guarantee() != "" {
			own = g.Guarantee()
		}
		end, weakest := own, "the sink, which writes "+own
		switch {
		case p.session.Batch:
			end, weakest = "at least once", "batch mode: a run that fails is run again from its beginning"
		case !kept:
			end, weakest = "none", "no checkpoints are kept, so a job that fails begins anew: name a directory with --state-dir"
		case strings.HasPrefix(own, "exactly once"):
			weakest = "none: sources are read again from the last checkpoint, and the sink's rows count once"
		}
		fmt.Fprintf(&b, "%s: %s\n  weakest link: %s\n", spec.Table, end, weakest)
	}
	return b.String()
}
