package connectors

import (
	"fmt"
	"strings"
)

// OfTable is err with the path of its table before it, and what is done to the table:
// "table", "sink" or "look-up table". An error that names the table already, as those of
// connectors that find faults before a job runs do, stays as it is.
func OfTable(what, path string, err error) error {
	if err == nil || strings.Contains(err.Error(), "table "+path+": ") {
		return err
	}
	return fmt.Errorf("%s %s: %w", what, path, err)
}
