package lint

import (
	"fmt"

	"github.com/millrace/millrace/parser/ast"
)

// UnusedFinding is a finding in the CREATE TABLE it is about.
type UnusedFinding struct {
	Finding
	In *ast.CreateTable
}

// Unused finds columns of tables that the script reads whose names occur nowhere
// else in it. With a SELECT * somewhere all columns count as read.
func Unused(stmts []ast.Stmt) (out []UnusedFinding) {
	names, star := map[string]bool{}, false
	read := map[string]bool{}
	var tables []*ast.CreateTable
	see := func(n ast.Node) {
		ast.Walk(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Star:
				star = true
			case *ast.Name:
				for _, p := range n.Parts {
					names[p.Name] = true
				}
			case *ast.Ident:
				names[n.Name] = true
			case *ast.TableName:
				read[n.Name.Last().Name] = true
			}
			return true
		})
	}
	for _, stmt := range stmts {
		t, ok := stmt.(*ast.CreateTable)
		if !ok || t.Schema == nil || t.Query != nil {
			see(stmt)
			continue
		}
		tables = append(tables, t)
		for _, c := range t.Schema.Columns {
			if c.Expr != nil {
				see(c.Expr)
			}
		}
		for _, w := range t.Schema.Watermarks {
			see(w)
		}
		for _, c := range t.Schema.Constraints {
			see(c)
		}
	}
	if star {
		return nil
	}
	for _, t := range tables {
		if !read[t.Name.Last().Name] {
			continue // a sink
		}
		for _, c := range t.Schema.Columns {
			if c.Kind == ast.PhysicalColumn && !names[c.Name.Name] {
				f := Finding{Code: UnusedColumn, Msg: fmt.Sprintf("no statement reads column %q", c.Name.Name), Hint: "formats that go by name (json, avro, parquet) needn't declare it", At: c.Name.Span()}
				out = append(out, UnusedFinding{f, t})
			}
		}
	}
	return out
}
