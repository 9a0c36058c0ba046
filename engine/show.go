package engine

import (
	"context"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// show answers SHOW.
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
	case "MATERIALIZED TABLES":
		column = "table name"
	case "MODELS":
		column = "model name"
	case "FUNCTIONS", "USER FUNCTIONS":
		column = "function name"
		if list = s.funcs.names(); stmt.What == "USER FUNCTIONS" || stmt.In != nil {
			list = s.funcs.userNames()
		}
		if stmt.In != nil {
			_, err = s.names.Tables(ctx, stmt.In) // the database must exist
		}
	case "PROCEDURES":
		column = "procedure name"
	case "MODULES":
		column, list = "module name", s.modules.used
	case "FULL MODULES":
		return s.fullModules(out)
	case "JARS":
		column = "jars"
	case "JOBS":
		return s.showJobs(out)
	case "SPLITS":
		return s.showSplits(out)
	case "COLUMNS":
		return s.columns(stmt.In, stmt.Like, q, out)
	case "PARTITIONS":
		return s.partitions(stmt, out)
	case "CREATE TABLE", "CREATE VIEW":
		return s.showCreate(stmt, out)
	case "CREATE CATALOG":
		info, err := s.names.CatalogInfo(stmt.Name)
		if err == nil && info == nil {
			err = sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "Cannot obtain metadata information from Catalog %s.", stmt.Name)
		}
		if err != nil {
			return err
		}
		return answer(out, []string{"result"}, [][]string{{catalog.CatalogDDL(stmt.Name.Last().Name, info)}})
	default:
		return sqlerr.Unsupported(stmt.Span(), "SHOW "+stmt.What)
	}
	if err != nil {
		return err
	}
	var rows [][]string
	for _, x := range list {
		if like(x, stmt.Like) {
			rows = append(rows, []string{x})
		}
	}
	return answer(out, []string{column}, rows)
}

func (s *Session) showCreate(stmt *ast.Show, out Output) error {
	kind, other := "table", "view"
	if stmt.What == "CREATE VIEW" {
		kind, other = other, kind
	}
	path, t, err := s.names.Resolve(stmt.Name)
	if err != nil {
		if l := sqlerr.All(err); len(l) == 1 && l[0].Code == sqlerr.NotFound {
			all, _ := s.names.Tables(context.Background(), nil)
			return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "Could not execute SHOW %s. %s with identifier %s does not exist%s", stmt.What, strings.ToUpper(kind[:1])+kind[1:], path, sqlerr.DidYouMean(path.Name, all))
		}
		return err
	}
	if (t.View != nil) != (kind == "view") {
		return sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "SHOW CREATE %s is only supported for %ss, but %s is a %s. Please use SHOW CREATE %s instead.", strings.ToUpper(kind), kind, path, other, strings.ToUpper(other))
	}
	return answer(out, []string{"result"}, [][]string{{catalog.DDL(path, t, s.names.Temporary(path))}})
}

// partitions lists the registered partitions, as Flink does: not the directories.
func (s *Session) partitions(stmt *ast.Show, out Output) error {
	path, t, err := s.names.Resolve(stmt.Name)
	if err != nil {
		return err
	}
	if len(t.PartitionBy) == 0 {
		return sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "Table %s.%s in catalog %s is not partitioned.", path.Database, path.Name, path.Catalog)
	}
	var rows [][]string
	for _, p := range t.Partitions {
		var parts []string
		keep := true
		for i, k := range t.PartitionBy {
			parts = append(parts, k+"="+p.Values[i])
			keep = keep && wanted(stmt.Partition, k, p.Values[i])
		}
		if keep {
			rows = append(rows, []string{strings.Join(parts, "/")})
		}
	}
	return answer(out, []string{"partition name"}, rows)
}

// wanted says whether PARTITION (k = v, ...) takes a value of column k.
func wanted(p *ast.Partition, k, v string) bool {
	if p == nil {
		return true
	}
	for _, it := range p.Items {
		if it.Column.Name != k || it.Value == nil {
			continue
		}
		want := it.Value.Span().Text()
		switch x := it.Value.(type) {
		case *ast.String:
			want = x.Value
		case *ast.Time:
			want = x.Value
		}
		return want == v
	}
	return true
}

// like is SHOW's [NOT] LIKE and ILIKE: %, _ and their escapes over the whole name.
func like(name string, l *ast.ShowLike) bool {
	if l == nil {
		return true
	}
	n, p := name, l.Pattern.Value
	if l.ILike {
		n, p = strings.ToLower(n), strings.ToLower(p)
	}
	return matches([]rune(n), []rune(p)) != l.Not
}

func matches(s, p []rune) bool {
	for len(p) > 0 {
		switch {
		case p[0] == '%':
			for len(p) > 0 && p[0] == '%' {
				p = p[1:]
			}
			for i := 0; i <= len(s); i++ {
				if matches(s[i:], p) {
					return true
				}
			}
			return false
		case p[0] == '\\' && len(p) > 1:
			p = p[1:]
			fallthrough
		default:
			if len(s) == 0 || p[0] != s[0] && (p[0] != '_') {
				return false
			}
			s, p = s[1:], p[1:]
		}
	}
	return len(s) == 0
}
