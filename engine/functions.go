package engine

import (
	"strings"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// createFunction is CREATE FUNCTION: in SQL, by a command, or a class of Java that
// Millrace has of its own.
func (s *Session) createFunction(stmt *ast.CreateFunction, q *types.Session) error {
	name := strings.ToUpper(stmt.Name.Last().Name)
	if s.funcs.user(name) && !stmt.OrReplace {
		if stmt.IfNotExists {
			return nil
		}
		return sqlerr.New(sqlerr.Exists, stmt.Name.Span(), "function %q already exists", stmt.Name.Last().Name)
	}
	switch stmt.Language {
	case "SQL":
		f, err := s.binder(q).SQLFunction(stmt)
		if err != nil {
			return err
		}
		s.funcs.forget(name)
		s.funcs.sql[name] = f
		return nil
	case "EXEC":
		f, err := s.binder(q).ExecFunction(stmt)
		if err != nil {
			return err
		}
		f.Log = s.cfg.Stderr
		s.funcs.forget(name)
		if f.Columns != nil {
			s.funcs.rows[name] = f.Table()
		} else {
			s.funcs.own[name] = f.Scalar()
		}
		return nil
	case "", "JAVA", "SCALA":
		if stmt.As == nil {
			return sqlerr.Unsupported(stmt.Span(), "CREATE FUNCTION without AS")
		}
		f, ok := classes[stmt.As.Value]
		if !ok {
			return sqlerr.New(sqlerr.NotSupported, stmt.As.Span(), "class %q isn't built in, and Millrace runs no Java", stmt.As.Value).
				WithHint("write the function in SQL: CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE SQL AS '...'; or in any language, as a command: ... LANGUAGE EXEC AS 'command' (docs/user-functions.md)")
		}
		s.funcs.forget(name)
		s.funcs.own[name] = f
		return nil
	}
	return sqlerr.Unsupported(stmt.Span(), "CREATE FUNCTION ... LANGUAGE "+stmt.Language)
}

// describeFunction is DESCRIBE FUNCTION [EXTENDED].
func (s *Session) describeFunction(stmt *ast.Describe, out Output) error {
	name := strings.ToUpper(stmt.Name.Last().Name)
	rows := [][]string{{"is system function", yes(!s.funcs.user(name))}, {"is temporary", "false"}}
	head := []string{"info name", "info value"}
	switch {
	case s.funcs.sql[name] != nil:
		f := s.funcs.sql[name]
		rows[1][1] = "true"
		if stmt.Extended {
			var params []string
			for _, p := range f.Params {
				params = append(params, p.Name+" "+p.Type.String())
			}
			rows = append(rows, []string{"kind", "SCALAR"}, []string{"signature", f.Name + "(" + strings.Join(params, ", ") + ") RETURNS " + f.Result.String()},
				[]string{"language", "SQL"}, []string{"body", f.Text})
		}
	case s.funcs.Scalar(name) != nil:
		if f := s.funcs.Scalar(name); stmt.Extended {
			rows = append(rows, []string{"kind", "SCALAR"}, []string{"is deterministic", yes(f.Class == functions.Deterministic)},
				[]string{"supports constant folding", yes(f.Class == functions.Deterministic)})
			rows = append(rows, describeDoc(f.Name, f.Doc, f.Sigs)...)
		}
	case s.funcs.Aggregate(name) != nil:
		if f := s.funcs.Aggregate(name); stmt.Extended {
			rows = append(rows, []string{"kind", "AGGREGATE"})
			rows = append(rows, describeDoc(f.Name, f.Doc, f.Sigs)...)
		}
	case s.funcs.Table(name) != nil:
		if f := s.funcs.Table(name); stmt.Extended {
			rows = append(rows, []string{"kind", "TABLE"})
			rows = append(rows, describeDoc(f.Name, f.Doc, nil)...)
		}
	default:
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "function %q not found%s", stmt.Name.Last().Name,
			sqlerr.DidYouMean(strings.ToLower(name), s.funcs.names()))
	}
	return answer(out, head, rows)
}

// describeDoc is what a function says of itself.
func describeDoc(name string, doc functions.Doc, sigs []functions.Sig) (rows [][]string) {
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, []string{key, value})
		}
	}
	var forms []string
	for _, s := range sigs {
		if s.Infer == nil || len(s.Params) > 0 {
			forms = append(forms, s.Describe(name))
		}
	}
	add("signature", strings.Join(forms, "\n"))
	add("usage", doc.Usage)
	add("description", doc.Text)
	add("example", strings.Join(doc.Example, "\n"))
	return rows
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
