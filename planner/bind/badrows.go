package bind

import (
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// BadRows makes the INSERTs of millrace.on-error.<table> = table:<name>: one for
// each scan below the roots whose table has the setting. The table may have any of
// the columns of bad rows (schema), by name; raw may be a STRING.
func (b *Binder) BadRows(roots []logical.Node, schema *types.Schema) (out []logical.Node, err error) {
	defer catch(&err)
	seen := map[*logical.Scan]bool{}
	var walk func(n logical.Node)
	walk = func(n logical.Node) {
		if s, ok := n.(*logical.Scan); ok && !seen[s] {
			seen[s] = true
			if name, ok := strings.CutPrefix(b.Session.Option("millrace.on-error."+s.Table.Path.Name, ""), "table:"); ok {
				out = append(out, b.badRows(s, name, schema))
			}
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	for _, r := range roots {
		walk(r)
	}
	return out, nil
}

func (b *Binder) badRows(s *logical.Scan, name string, schema *types.Schema) logical.Node {
	at := s.Span()
	var parts []ast.Ident
	for _, p := range strings.Split(name, ".") {
		parts = append(parts, ast.Ident{Name: strings.Trim(p, "` ")})
	}
	t, err := b.ResolveTable(&ast.Name{Parts: parts}, nil)
	if err != nil {
		failf(sqlerr.Invalid, at, "'millrace.on-error.%s' names table %q: %s", s.Table.Path.Name, name, err)
	}
	var exprs []expr.Expr
	for _, f := range t.Full.Fields {
		c := schema.Index(strings.ToLower(f.Name))
		if c < 0 {
			exprs = append(exprs, null(f.Type, at))
			continue
		}
		from := schema.Fields[c].Type
		var e expr.Expr = &expr.Column{Index: c, Name: schema.Fields[c].Name, T: from}
		switch {
		case from.Kind == f.Type.Kind && f.Type.Length >= from.Length:
		case f.Type.IsString() && f.Type.Length == types.StringType.Length && from.IsBytes():
			e = &expr.Cast{From: e, T: f.Type.Nullable(), At: at}
		default:
			failf(sqlerr.Invalid, at, "column %q of table %q, which takes the bad rows of %q, is %s and must be %s", f.Name, name, s.Table.Path.Name, f.Type, from)
		}
		exprs = append(exprs, e)
	}
	n := project(&logical.BadRows{Base: logical.Base{Out: schema, At: at}, Scan: s}, exprs, t.Full.Names(), at)
	return &logical.Sink{Base: logical.Base{Out: n.Out, At: at}, Input: n, Table: t}
}
