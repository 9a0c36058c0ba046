package rewrite

import (
	"testing"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/types"
)

// TestFactors checks what is taken out of an OR.
func TestFactors(t *testing.T) {
	x := func(i int) expr.Expr { return &expr.Column{Index: i, T: types.BooleanType} }
	and := func(args ...expr.Expr) expr.Expr { return &expr.Logic{Args: args} }
	or := func(args ...expr.Expr) expr.Expr { return &expr.Logic{Or: true, Args: args} }
	for _, c := range []struct {
		e    expr.Expr
		want string
	}{
		{or(and(x(0), x(1)), and(x(2), x(0))), "AND($0, OR($1, $2))"},
		{or(and(x(0), x(1), x(2)), and(x(2), x(0), x(3), x(4))), "AND($0, $2, OR($1, AND($3, $4)))"},
		{or(and(x(0), x(1)), x(0)), "$0"},
		{or(x(0), x(0)), "$0"},
		{or(and(x(0), x(1)), x(2)), "OR(AND($0, $1), $2)"},
		{and(x(3), or(and(x(0), x(1)), and(x(0), x(2)))), "AND($3, $0, OR($1, $2))"},
	} {
		if got := factored(c.e).String(); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.e, got, c.want)
		}
	}
}
