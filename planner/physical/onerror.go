package physical

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
)

// onBad reads what is to become of the rows of a table that can't be decoded:
// millrace.on-error.<table> and millrace.on-error.<table>.max.
func (b *builder) onBad(n *logical.Scan, spec *scan.Spec) error {
	key := "millrace.on-error." + n.Table.Path.Name
	v := b.cfg.Session.Option(key, "fail")
	switch {
	case v == "fail":
	case v == "skip":
		spec.OnBad = scan.SkipBad
	case strings.HasPrefix(v, "table:"):
		spec.OnBad = scan.SendBad
	default:
		return sqlerr.New(sqlerr.Option, n.Span(), "'%s' is %q; it can be fail, skip or table:<name>", key, v)
	}
	spec.MaxBad = -1
	if text := b.cfg.Session.Option(key+".max", ""); text != "" {
		most, err := strconv.ParseInt(text, 10, 64)
		if err != nil || most < 0 {
			return sqlerr.New(sqlerr.Option, n.Span(), "'%s.max' is %q; it must be a number of rows", key, text)
		}
		spec.MaxBad = most
	}
	return nil
}
