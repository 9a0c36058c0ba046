package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// define executes a statement that changes or shows the session: DDL, SET, USE,
// SHOW, DESCRIBE, EXPLAIN.
func (s *Session) define(stmt ast.Stmt, out Output) error {
	q, err := s.query()
	if err != nil {
		return err
	}
	switch stmt := stmt.(type) {
	case *ast.CreateTable:
		return s.createTable(stmt, q, out)
	case *ast.CreateView:
		path, view, err := s.binder(q).CreateView(stmt)
		if err != nil {
			return err
		}
		return s.put(path, view, stmt.Temporary, stmt.IfNotExists, stmt.OrReplace, stmt.Name.Span())
	case *ast.CreateDatabase:
		return s.names.CreateDatabase(stmt)
	case *ast.CreateFunction:
		return s.createFunction(stmt, q)
	case *ast.Drop:
		return s.drop(stmt)
	case *ast.Use:
		return s.names.Use(stmt)
	case *ast.Set:
		return s.setOption(stmt, out)
	case *ast.Reset:
		if stmt.Key == nil {
			clear(s.set)
		} else {
			delete(s.set, stmt.Key.Value)
		}
		return nil
	case *ast.StopJob:
		return s.stopJob(stmt, out)
	case *ast.Show:
		return s.show(stmt, q, out)
	case *ast.Describe:
		return s.describe(stmt, q, out)
	case *ast.Explain:
		return s.explain(stmt, out)
	case *ast.Jar:
		out.Note("ADD JAR is ignored: every connector is built in")
		return nil
	}
	return sqlerr.Unsupported(stmt.Span(), firstWords(stmt.Span().Text()))
}

// firstWords names a statement by its first words, for messages.
func firstWords(text string) string {
	w := strings.Fields(text)
	if len(w) > 2 {
		w = w[:2]
	}
	return strings.ToUpper(strings.Join(w, " "))
}

func (s *Session) createTable(stmt *ast.CreateTable, q *types.Session, out Output) error {
	if stmt.Query != nil {
		return sqlerr.Unsupported(stmt.Span(), "CREATE TABLE AS")
	}
	path, t, err := s.binder(q).CreateTable(stmt)
	if err != nil {
		return err
	}
	return s.put(path, t, stmt.Temporary, stmt.IfNotExists, stmt.Replace, stmt.Name.Span())
}

func (s *Session) put(path catalog.Path, t *catalog.Table, temporary, ifNotExists, replace bool, at sqlerr.Span) error {
	err := s.names.Put(path, t, temporary, ifNotExists, replace)
	return sqlerr.At(err, at)
}

func (s *Session) drop(stmt *ast.Drop) error {
	switch stmt.Kind {
	case ast.Table, ast.View:
		return s.names.Drop(stmt)
	case ast.Database:
		return s.names.DropDatabase(stmt)
	case ast.Function:
		name := strings.ToUpper(stmt.Name.Last().Name)
		if !s.funcs.user(name) && !stmt.IfExists {
			return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "function %q not found", stmt.Name.Last().Name)
		}
		s.funcs.forget(name)
		return nil
	}
	return sqlerr.Unsupported(stmt.Span(), "DROP "+string(stmt.Kind))
}

func (s *Session) setOption(stmt *ast.Set, out Output) error {
	if stmt.Key == nil {
		var rows [][]string
		for _, kv := range s.Settings() {
			rows = append(rows, []string{kv[0], kv[1]})
		}
		return answer(out, []string{"key", "value"}, rows)
	}
	s.set[stmt.Key.Value] = stmt.Value.Value
	return nil
}

// answer sends rows of strings as a result.
func answer(out Output, columns []string, rows [][]string) error {
	schema := &types.Schema{}
	for _, c := range columns {
		schema.Fields = append(schema.Fields, types.Field{Name: c, Type: types.StringType})
	}
	send, err := out.Rows(schema, batch.Changes{Kinds: batch.InsertOnly}, true)
	if err != nil {
		return err
	}
	var b batch.Batch
	ts := schema.Types()
	b.Reset(ts)
	for _, r := range rows {
		for c, cell := range r {
			b.Cols[c].Str = append(b.Cols[c].Str, 0)
			b.Cols[c].SetString(b.Len, cell)
		}
		b.AppendKind(batch.Insert)
	}
	if b.Len > 0 {
		if err := send(&b); err != nil {
			return err
		}
	}
	return send(nil)
}

func (s *Session) show(stmt *ast.Show, q *types.Session, out Output) error {
	column, list, err := "", []string(nil), error(nil)
	ctx := context.Background()
	switch stmt.What {
	case "CATALOGS":
		column, list = "catalog name", s.names.Catalogs()
	case "CURRENT CATALOG":
		column, list = "current catalog name", []string{s.names.Catalog}
	case "CURRENT DATABASE":
		column, list = "current database name", []string{s.names.Database}
	case "DATABASES":
		column = "database name"
		list, err = s.names.Databases(ctx, stmt.In)
	case "TABLES":
		column = "table name"
		list, err = s.names.Tables(ctx, stmt.In)
	case "VIEWS":
		column = "view name"
		list, err = s.names.Views(ctx, stmt.In)
	case "FUNCTIONS":
		column, list = "function name", s.funcs.names()
	case "JARS":
		column = "jars"
	case "JOBS":
		return s.showJobs(out)
	case "CREATE TABLE", "CREATE VIEW":
		path, t, err := s.names.Resolve(stmt.Name)
		if err != nil {
			return err
		}
		return answer(out, []string{"result"}, [][]string{{catalog.DDL(path, t)}})
	default:
		return sqlerr.Unsupported(stmt.Span(), "SHOW "+stmt.What)
	}
	if err != nil {
		return err
	}
	var rows [][]string
	for _, x := range list {
		if stmt.Like == nil || like(x, stmt.Like) {
			rows = append(rows, []string{x})
		}
	}
	return answer(out, []string{column}, rows)
}

// like is SHOW's LIKE: % and _ over the whole name.
func like(name string, l *ast.ShowLike) bool {
	n, p := name, l.Pattern.Value
	if l.ILike {
		n, p = strings.ToLower(n), strings.ToLower(p)
	}
	return matches(n, p) != l.Not
}

func matches(s, p string) bool {
	if p == "" {
		return s == ""
	}
	switch p[0] {
	case '%':
		for i := 0; i <= len(s); i++ {
			if matches(s[i:], p[1:]) {
				return true
			}
		}
		return false
	case '_':
		return s != "" && matches(s[1:], p[1:])
	}
	return s != "" && s[0] == p[0] && matches(s[1:], p[1:])
}

func (s *Session) describe(stmt *ast.Describe, q *types.Session, out Output) error {
	if stmt.Kind == ast.Function && stmt.Name != nil {
		return s.describeFunction(stmt, out)
	}
	if stmt.Kind == ast.Job {
		j, err := s.job(stmt.ID)
		if err != nil {
			return err
		}
		return answer(out, jobColumns, [][]string{j.row()})
	}
	if stmt.Kind != ast.Table || stmt.Name == nil {
		return sqlerr.Unsupported(stmt.Span(), "DESCRIBE "+string(stmt.Kind))
	}
	schema, t, err := s.binder(q).Describe(stmt.Name)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, f := range schema.Fields {
		null, key, extras, watermark := "TRUE", "<NULL>", "<NULL>", "<NULL>"
		if f.Type.NotNull {
			null = "FALSE"
		}
		for _, k := range t.Key {
			if k == f.Name {
				key = "PRI(" + strings.Join(t.Key, ", ") + ")"
			}
		}
		if c := t.Column(f.Name); c != nil {
			if c.Computed != nil {
				extras = "AS " + c.Computed.SQL
			} else if c.Metadata != nil {
				extras = "METADATA"
				if c.Metadata.Key != "" {
					extras += fmt.Sprintf(" FROM '%s'", c.Metadata.Key)
				}
				if c.Metadata.Virtual {
					extras += " VIRTUAL"
				}
			}
		}
		if t.Watermark != nil && t.Watermark.Column == f.Name {
			watermark = t.Watermark.Expr.SQL
		}
		rows = append(rows, []string{f.Name, describeType(f.Type), null, key, extras, watermark})
	}
	return answer(out, []string{"name", "type", "null", "key", "extras", "watermark"}, rows)
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
