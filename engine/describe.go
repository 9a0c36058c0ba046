package engine

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// describe answers DESCRIBE.
func (s *Session) describe(stmt *ast.Describe, q *types.Session, out Output) error {
	if stmt.Kind == ast.Job {
		j, err := s.job(stmt.ID)
		if err != nil {
			return err
		}
		return answer(out, jobColumns, [][]string{j.row()})
	}
	if stmt.Name == nil {
		return sqlerr.Unsupported(stmt.Span(), "DESCRIBE "+string(stmt.Kind))
	}
	switch stmt.Kind {
	case ast.Function:
		return s.describeFunction(stmt, out)
	case ast.Table:
		return s.columns(stmt.Name, nil, q, out)
	case ast.Catalog:
		return s.describeCatalog(stmt, out)
	case ast.Database:
		return s.describeDatabase(stmt, out)
	}
	return sqlerr.Unsupported(stmt.Span(), "DESCRIBE "+string(stmt.Kind))
}

var infoColumns = []string{"info name", "info value"}

func (s *Session) describeCatalog(stmt *ast.Describe, out Output) error {
	info, err := s.names.CatalogInfo(stmt.Name)
	if err != nil {
		return err
	}
	if info == nil {
		info = &catalog.Info{Type: "generic_in_memory"}
	}
	rows := [][]string{{"name", stmt.Name.Last().Name}, {"type", info.Type}, {"comment", info.Comment}}
	if stmt.Extended {
		rows = append(rows, optionRows(info.Options, "type")...)
	}
	return answer(out, infoColumns, rows)
}

func (s *Session) describeDatabase(stmt *ast.Describe, out Output) error {
	c, name, d, err := s.names.DescribeDatabase(stmt.Name)
	if err != nil {
		return err
	}
	rows := [][]string{{"name", name}, {"catalog", c}, {"comment", d.Comment}}
	if stmt.Extended {
		rows = append(rows, optionRows(d.Options, "")...)
	}
	return answer(out, infoColumns, rows)
}

func optionRows(options []catalog.Option, but string) (rows [][]string) {
	for _, o := range options {
		if o.Key != but {
			rows = append(rows, []string{"option:" + o.Key, o.Value})
		}
	}
	return rows
}

// columns answers DESCRIBE of a table or view and SHOW COLUMNS: a row per column,
// and a comment if any column has one.
func (s *Session) columns(name *ast.Name, l *ast.ShowLike, q *types.Session, out Output) error {
	schema, t, err := s.binder(q).Describe(name)
	if err != nil {
		return err
	}
	text := types.StringType
	head := types.NewSchema(types.Field{Name: "name", Type: text}, types.Field{Name: "type", Type: text}, types.Field{Name: "null", Type: types.BooleanType},
		types.Field{Name: "key", Type: text}, types.Field{Name: "extras", Type: text}, types.Field{Name: "watermark", Type: text})
	comments := false
	for _, c := range t.Columns {
		comments = comments || c.Comment != ""
	}
	if comments {
		head.Fields = append(head.Fields, types.Field{Name: "comment", Type: text})
	}
	var rows [][]any
	for _, f := range schema.Fields {
		if !like(f.Name, l) {
			continue
		}
		row := []any{f.Name, describeType(f.Type), !f.Type.NotNull, nil, nil, nil}
		for _, k := range t.Key {
			if k == f.Name {
				row[3] = "PRI(" + strings.Join(t.Key, ", ") + ")"
			}
		}
		c := t.Column(f.Name)
		if x := extras(c); x != "" {
			row[4] = x
		}
		if t.Watermark != nil && t.Watermark.Column == f.Name {
			row[5] = t.Watermark.Expr.SQL
		}
		if comments && c.Comment != "" {
			row = append(row, c.Comment)
		} else if comments {
			row = append(row, nil)
		}
		rows = append(rows, row)
	}
	return answerRows(out, head, rows)
}

// extras is how a column that isn't physical comes about.
func extras(c *catalog.Column) string {
	switch {
	case c.Computed != nil:
		return "AS " + c.Computed.SQL
	case c.Metadata == nil:
		return ""
	}
	s := "METADATA"
	if c.Metadata.Key != "" {
		s += fmt.Sprintf(" FROM '%s'", c.Metadata.Key)
	}
	if c.Metadata.Virtual {
		s += " VIRTUAL"
	}
	return s
}

func describeType(t types.Type) string {
	s := t.Nullable().String()
	switch t.Attr {
	case types.Rowtime:
		s += " *ROWTIME*"
	case types.Proctime:
		s += " *PROCTIME*"
	}
	return s
}
