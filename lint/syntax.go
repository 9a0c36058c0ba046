package lint

import (
	"strings"

	"github.com/millrace/millrace/parser/ast"
)

// Statement looks at a statement's tree.
func Statement(stmt ast.Stmt) (out []Finding) {
	add := func(code string, n ast.Node, msg, hint string) {
		out = append(out, Finding{Code: code, Msg: msg, Hint: hint, At: n.Span()})
	}
	ast.Walk(stmt, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Binary:
			_, l := n.L.(*ast.Null)
			_, r := n.R.(*ast.Null)
			if l || r {
				switch n.Op {
				case "=", "<>", "<", "<=", ">", ">=":
					hint := "use IS NULL"
					if n.Op == "<>" {
						hint = "use IS NOT NULL"
					}
					add(NullComparison, n, "a comparison with NULL is never true", hint)
				}
			}
		case *ast.Like:
			if p, ok := n.Pattern.(*ast.String); ok && n.Op == "LIKE" && n.Escape == nil && !strings.ContainsAny(p.Value, "%_") {
				add(LikeWithout, n.Pattern, "this pattern has no wildcard: LIKE compares as = does", "write '%"+p.Value+"%' to look for it anywhere, or use =")
			}
		case *ast.Insert:
			if o, ok := n.Query.(*ast.Ordered); ok && o.Limit != nil && len(o.OrderBy) == 0 {
				add(UnorderedLimit, o.Limit, "LIMIT without ORDER BY writes the rows that happen to come first: another run writes others", "say which: ORDER BY ... LIMIT")
			}
		case *ast.CreateTable:
			createTable(n, add)
		}
		return true
	})
	return out
}

func createTable(n *ast.CreateTable, add func(code string, n ast.Node, msg, hint string)) {
	for i := range n.Options {
		o := &n.Options[i]
		if strings.HasSuffix(o.Key.Value, "ignore-parse-errors") && strings.EqualFold(o.Value.Value, "true") {
			add(IgnoredErrors, &o.Key, "rows that can't be decoded are left out without a trace", "leave the option out and SET 'millrace.on-error."+n.Name.Last().Name+"' = 'skip': such rows are counted, and sys.errors shows them")
		}
	}
	if n.Schema == nil {
		return
	}
	for _, w := range n.Schema.Watermarks {
		for _, c := range n.Schema.Columns {
			if c.Kind == ast.ComputedColumn && len(w.Column.Parts) == 1 && c.Name.Name == w.Column.Last().Name {
				if from := naive(c.Expr); from != nil {
					add(NaiveWatermark, from, "event time is computed as a TIMESTAMP without zone from an instant: it, and every window, moves with table.local-time-zone",
						"use TO_TIMESTAMP_LTZ(epoch, 3): a TIMESTAMP_LTZ column is an instant")
				}
			}
		}
	}
}

// naive finds what turns an instant into a TIMESTAMP without zone: nil for none.
func naive(e ast.Expr) (at ast.Node) {
	ast.Walk(e, func(n ast.Node) bool {
		if c, ok := n.(*ast.Call); ok && c.Name != nil {
			switch strings.ToUpper(c.Name.Last().Name) {
			case "FROM_UNIXTIME":
				at = c
			case "TO_TIMESTAMP":
				if len(c.Args) > 1 {
					if f, ok := c.Args[1].(*ast.String); ok && strings.ContainsAny(outsideQuotes(f.Value), "ZXx") || ok && strings.Contains(f.Value, "'Z'") {
						at = c
					}
				}
			}
		}
		if c, ok := n.(*ast.Cast); ok {
			if x, ok := c.X.(*ast.Call); ok && x.Name != nil && strings.EqualFold(x.Name.Last().Name, "TO_TIMESTAMP_LTZ") && !strings.Contains(strings.ToUpper(c.Type.Span().Text()), "L") {
				at = c
			}
		}
		return at == nil
	})
	return at
}

// outsideQuotes is a time pattern without its quoted parts.
func outsideQuotes(p string) string {
	var b strings.Builder
	in := false
	for _, r := range p {
		if r == '\'' {
			in = !in
		} else if !in {
			b.WriteRune(r)
		}
	}
	return b.String()
}
