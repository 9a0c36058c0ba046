package catalog

import (
	"fmt"
	"sort"
	"strings"

	"github.com/millrace/millrace/types"
)

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = types.Ident(n)
	}
	return strings.Join(q, ", ")
}

// DDL is the CREATE statement of a table or view, as Flink's SHOW CREATE prints it.
func DDL(p Path, t *Table, temporary bool) string { return create(p.String(), t, temporary) }

// Local is the CREATE statement with the bare name, for a place that says which
// database it is.
func Local(name string, t *Table) string { return create(types.Ident(name), t, false) }

func create(name string, t *Table, temporary bool) string {
	var b strings.Builder
	b.WriteString("CREATE ")
	if temporary {
		b.WriteString("TEMPORARY ")
	}
	if t.View != nil {
		b.WriteString("VIEW " + name + " (\n")
		for i, c := range t.Columns {
			b.WriteString("  " + types.Ident(c.Name) + comma(i, len(t.Columns)))
		}
		b.WriteString(")\n")
		if t.Comment != "" {
			b.WriteString("COMMENT " + quote(t.Comment) + "\n")
		}
		b.WriteString("AS " + t.View.Query.SQL + "\n")
		return b.String()
	}
	b.WriteString("TABLE " + name)
	if lines := columns(t); len(lines) > 0 {
		b.WriteString(" (\n  " + strings.Join(lines, ",\n  ") + "\n)")
	}
	b.WriteString("\n")
	if t.Comment != "" {
		b.WriteString("COMMENT " + quote(t.Comment) + "\n")
	}
	if d := t.Distribution; d != nil {
		b.WriteString("DISTRIBUTED")
		if len(d.Columns) > 0 {
			b.WriteString(" BY " + d.Kind + "(" + quoted(d.Columns) + ")")
		}
		if d.Buckets > 0 {
			fmt.Fprintf(&b, " INTO %d BUCKETS", d.Buckets)
		}
		b.WriteString("\n")
	}
	if len(t.PartitionBy) > 0 {
		b.WriteString("PARTITIONED BY (" + quoted(t.PartitionBy) + ")\n")
	}
	b.WriteString(with(t.Options))
	return b.String()
}

// columns are what stands between the parentheses, a line each.
func columns(t *Table) []string {
	var lines []string
	for _, c := range t.Columns {
		s := types.Ident(c.Name) + " "
		switch {
		case c.Computed != nil:
			s += "AS " + c.Computed.SQL
		default:
			s += c.Type.Plain().Serial()
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
		lines = append(lines, "CONSTRAINT "+types.Ident(t.ConstraintName())+" PRIMARY KEY ("+quoted(t.Key)+") NOT ENFORCED")
	}
	return lines
}

// ConstraintName is the primary key's name: the one given, else made of its columns.
func (t *Table) ConstraintName() string {
	if t.KeyName != "" {
		return t.KeyName
	}
	return "PK_" + strings.Join(t.Key, "_")
}

func comma(i, n int) string {
	if i < n-1 {
		return ",\n"
	}
	return "\n"
}

// with is the WITH clause: a line per option, sorted; of one given twice the last.
func with(options []Option) string {
	if len(options) == 0 {
		return ""
	}
	last := map[string]string{}
	for _, o := range options {
		last[o.Key] = o.Value
	}
	keys := make([]string, 0, len(last))
	for k := range last {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	b.WriteString("WITH (\n")
	for i, k := range keys {
		b.WriteString("  " + quote(k) + " = " + quote(last[k]) + comma(i, len(keys)))
	}
	b.WriteString(")\n")
	return b.String()
}

// CatalogDDL is CREATE CATALOG as SHOW CREATE CATALOG prints it.
func CatalogDDL(name string, i *Info) string {
	s := "CREATE CATALOG " + types.Ident(name) + "\n"
	if i.Comment != "" {
		s += "COMMENT " + quote(i.Comment) + "\n"
	}
	return s + with(i.Options)
}

// DatabaseDDL is CREATE DATABASE.
func DatabaseDDL(name string, d *Database) string {
	s := "CREATE DATABASE " + types.Ident(name) + "\n"
	if d.Comment != "" {
		s += "COMMENT " + quote(d.Comment) + "\n"
	}
	return s + with(d.Options)
}
