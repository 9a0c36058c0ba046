package file

import (
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/types"
)

// partition is the ALTER TABLE that registers a partition again.
func partition(table string, columns []string, p catalog.Partition) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	var b strings.Builder
	b.WriteString(";\nALTER TABLE " + types.Ident(table) + " ADD PARTITION (")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(types.Ident(c) + " = " + quote(p.Values[i]))
	}
	b.WriteString(")")
	for i, o := range p.Options {
		b.WriteString(map[bool]string{true: " WITH (", false: ", "}[i == 0])
		b.WriteString(quote(o.Key) + " = " + quote(o.Value))
	}
	if len(p.Options) > 0 {
		b.WriteString(")")
	}
	return b.String() + "\n"
}
