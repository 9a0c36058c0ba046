package rewrite

import (
	"github.com/millrace/millrace/planner/logical"
)

// joinWindows: the rows of a window join belong to the window of both sides.
func joinWindows(*logical.Join) *windowed { return nil }
