package catalog

import (
	"strings"

	"github.com/millrace/millrace/types"
)

// DDL is the CREATE statement of a table or view, as SHOW CREATE prints it.
func DDL(p Path, t *Table) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	if t.View != nil {
		return "CREATE VIEW " + p.String() + " AS\n" + t.View.Query.SQL
	}
	var lines []string
	for _, c := range t.Columns {
		s := types.Ident(c.Name) + " "
		switch {
		case c.Computed != nil:
			s += "AS " + c.Computed.SQL
		default:
			s += c.Type.Plain().String()
			if c.Metadata != nil {
				s += " METADATA"
				if c.Metadata.Key != "" {
					s += " FROM " + quote(c.Metadata.Key)
				}
				if c.Metadata.Virtual {
					s += " VIRTUAL"
				}
			}
		}
		if c.Comment != "" {
			s += " COMMENT " + quote(c.Comment)
		}
		lines = append(lines, s)
	}
	if t.Watermark != nil {
		lines = append(lines, "WATERMARK FOR "+types.Ident(t.Watermark.Column)+" AS "+t.Watermark.Expr.SQL)
	}
	if len(t.Key) > 0 {
		var k []string
		for _, c := range t.Key {
			k = append(k, types.Ident(c))
		}
		lines = append(lines, "PRIMARY KEY ("+strings.Join(k, ", ")+") NOT ENFORCED")
	}
	out := "CREATE TABLE " + p.String() + " (\n  " + strings.Join(lines, ",\n  ") + "\n)"
	if len(t.PartitionBy) > 0 {
		out += "\nPARTITIONED BY (" + strings.Join(t.PartitionBy, ", ") + ")"
	}
	var o []string
	for _, x := range t.Options {
		o = append(o, quote(x.Key)+" = "+quote(x.Value))
	}
	return out + "\nWITH (\n  " + strings.Join(o, ",\n  ") + "\n)"
}
