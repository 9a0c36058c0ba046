package physical

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// CountRows notes in each scan how many rows its table has: what ANALYZE TABLE has
// counted, else what the connector knows or estimates.
func CountRows(n logical.Node, session *types.Session) {
	for _, in := range n.Inputs() {
		CountRows(in, session)
	}
	scan, ok := n.(*logical.Scan)
	if !ok || scan.Rows > 0 {
		return
	}
	if def := scan.Table.Def; def != nil && def.Stats != nil {
		scan.Rows = max(float64(def.Stats.Rows), 1)
		return
	}
	src, err := source(scan, session)
	if err != nil {
		return // told where it is read
	}
	if c, ok := src.(connectors.RowCounter); ok {
		if rows, known := c.RowCount(); known {
			scan.Rows = max(float64(rows), 1)
		}
	}
}
