package rewrite

import (
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions/builtin"
	"github.com/millrace/millrace/types"
)

func constInt(n int64) expr.Expr {
	return &expr.Const{Value: batch.Vector{I64: []int64{n}}, T: types.IntType.NotNullable()}
}

func constDouble(f float64) expr.Expr {
	return &expr.Const{Value: batch.Vector{F64: []float64{f}}, T: types.DoubleType.NotNullable()}
}

func callOf(name string, t types.Type, args ...expr.Expr) expr.Expr {
	return &expr.Call{Fn: builtin.Lookup(name), Args: args, T: t}
}

// TestFold checks what is computed at plan time and what isn't.
func TestFold(t *testing.T) {
	session := types.NewSession(time.Now)
	i, d := types.IntType.NotNullable(), types.DoubleType.NotNullable()
	column := &expr.Column{T: i}
	for _, c := range []struct {
		e    expr.Expr
		want string
	}{
		{callOf("+", i, constInt(1), callOf("*", i, constInt(2), constInt(3))), "7:INT"},
		{callOf("+", i, column, callOf("*", i, constInt(2), constInt(3))), "+($0, 6:INT)"},
		{callOf("/", i, constInt(1), constInt(0)), "/(1:INT, 0:INT)"},
		{callOf("RAND", d), "RAND()"},
		{callOf("PI", d), "3.141592653589793:DOUBLE"},
		{&expr.Cast{From: callOf("+", i, constInt(1), constInt(1)), T: types.BigIntType.NotNullable()}, "2:BIGINT"},
	} {
		got, err := fold(c.e, session)
		if err != nil || got.String() != c.want {
			t.Errorf("%s becomes %s (%v), want %s", c.e, got, err, c.want)
		}
	}
	if _, err := fold(callOf("/", d, constDouble(1), constDouble(0)), session); err == nil {
		t.Error("a constant division by zero isn't refused")
	}
}
