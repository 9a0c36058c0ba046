package bind

import (
	"strings"
	"time"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/functions/exec"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// ExecFunction checks CREATE FUNCTION .. LANGUAGE EXEC. Its options are
// deterministic (false) and timeout (30 s).
func (b *Binder) ExecFunction(stmt *ast.CreateFunction) (f *exec.Function, err error) {
	defer catch(&err)
	name := stmt.Name.Last().Name
	if !stmt.HasParams || stmt.Returns == nil && stmt.Rows == nil || stmt.As == nil {
		failf(sqlerr.Invalid, stmt.Span(), "a function of a command is written CREATE FUNCTION %s(a INT, ...) RETURNS INT LANGUAGE EXEC AS 'command'", name)
	}
	if len(stmt.Params) == 0 {
		unsupported(stmt.Span(), "a function of a command without parameters")
	}
	f = &exec.Function{Name: strings.ToUpper(name), Command: stmt.As.Value, Params: b.fields(stmt.Params), Timeout: 30 * time.Second}
	if stmt.Rows != nil {
		f.Columns = types.NewSchema(b.fields(stmt.Rows)...)
	} else {
		f.Result = b.castType(stmt.Returns)
	}
	for _, o := range stmt.Options {
		switch v := o.Value.Value; o.Key.Value {
		case "deterministic":
			if v != "true" && v != "false" {
				failf(sqlerr.Option, o.Span(), "deterministic is true or false, not %q", v)
			}
			f.Deterministic = v == "true"
		case "timeout":
			d, err := formats.ParseDuration(v)
			if err != nil || d <= 0 {
				failf(sqlerr.Option, o.Span(), "timeout is a time such as '30 s', not %q", v)
			}
			f.Timeout = d
		default:
			failf(sqlerr.Option, o.Span(), "a function has no option %q%s", o.Key.Value, sqlerr.DidYouMean(o.Key.Value, []string{"deterministic", "timeout"}))
		}
	}
	return f, nil
}
