package functions

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Sig is one way to call a function.
type Sig struct {
	Params []Param
	// Variadic lets the last parameter occur any number of times, at least once.
	Variadic bool
	// Result is the result type of arguments already cast to what the parameters
	// asked for. Nullability included: Strict and Fixed help.
	Result func(args []Arg) (types.Type, error)
	// Infer, when set, replaces Params and Result: it gives the type each argument
	// is cast to and the result, or ok = false when the signature doesn't fit.
	Infer func(args []Arg) (as []types.Type, result types.Type, ok bool, err error)
}

// Param is a parameter.
type Param struct {
	Name     string // for named arguments (name => value) and the docs
	Type     string // as the docs and errors show it: "<STRING>"
	Optional bool   // may be left out, with all behind it
	// Accept says whether an argument fits and what type it is cast to.
	Accept func(Arg) (as types.Type, ok bool)
}

// Match finds the first signature that fits. as has the type each argument is to
// be cast to.
func Match(name string, sigs []Sig, args []Arg, at sqlerr.Span) (as []types.Type, result types.Type, err error) {
	for _, s := range sigs {
		as, result, ok, err := s.match(args)
		if err != nil {
			return nil, result, sqlerr.At(err, at)
		}
		if ok {
			return as, result, nil
		}
	}
	var given, forms []string
	for _, a := range args {
		given = append(given, a.Type.Nullable().String())
	}
	for _, s := range sigs {
		forms = append(forms, s.Describe(name))
	}
	e := sqlerr.New(sqlerr.Type, at, "no form of %s takes (%s)", name, strings.Join(given, ", "))
	if len(forms) > 0 {
		e.Hint = "supported forms: " + strings.Join(forms, "; ")
	}
	return nil, result, e
}

func (s Sig) match(args []Arg) (as []types.Type, result types.Type, ok bool, err error) {
	if s.Infer != nil {
		return s.Infer(args)
	}
	if !s.Variadic && len(args) > len(s.Params) {
		return nil, result, false, nil
	}
	as = make([]types.Type, len(args))
	cast := make([]Arg, len(args))
	for i, a := range args {
		t, ok := s.Params[min(i, len(s.Params)-1)].Accept(a)
		if !ok {
			return nil, result, false, nil
		}
		as[i] = t.WithNull(!a.Type.NotNull || a.Type.Kind == types.Null)
		cast[i] = Arg{Type: as[i], Const: a.Const, At: a.At}
	}
	for _, p := range s.Params[min(len(args), len(s.Params)):] {
		if !p.Optional {
			return nil, result, false, nil
		}
	}
	result, err = s.Result(cast)
	return as, result, err == nil, err
}

// Describe is the form as errors and docs show it: "UPPER(<STRING>)".
func (s Sig) Describe(name string) string {
	var p []string
	for i, x := range s.Params {
		t := x.Type
		if x.Optional {
			t = "[" + t + "]"
		}
		if s.Variadic && i == len(s.Params)-1 {
			t += "..."
		}
		p = append(p, t)
	}
	return fmt.Sprintf("%s(%s)", name, strings.Join(p, ", "))
}

// AnyNull says whether an argument may be NULL.
func AnyNull(args []Arg) bool {
	for _, a := range args {
		if !a.Type.NotNull {
			return true
		}
	}
	return false
}

// Strict is the result rule "t, nullable iff an argument is".
func Strict(t types.Type) func([]Arg) (types.Type, error) {
	return func(args []Arg) (types.Type, error) { return t.WithNull(AnyNull(args)), nil }
}

// Nullable is the result rule "t, always nullable".
func Nullable(t types.Type) func([]Arg) (types.Type, error) {
	return func([]Arg) (types.Type, error) { return t.Nullable(), nil }
}

// Fixed is the result rule "exactly t".
func Fixed(t types.Type) func([]Arg) (types.Type, error) {
	return func([]Arg) (types.Type, error) { return t, nil }
}

// ArgType is the result rule "the type of argument i", nullable iff any argument
// is.
func ArgType(i int) func([]Arg) (types.Type, error) {
	return func(args []Arg) (types.Type, error) { return args[i].Type.WithNull(AnyNull(args)), nil }
}

// Optional makes p optional.
func (p Param) Opt() Param { p.Optional = true; return p }

// As names p.
func (p Param) As(name string) Param { p.Name = name; return p }

func accept(shown string, as func(types.Type) (types.Type, bool)) Param {
	return Param{Type: shown, Accept: func(a Arg) (types.Type, bool) { return as(a.Type.Plain()) }}
}

// family accepts the types that in holds for, unchanged, and an untyped NULL as
// the type null.
func family(shown string, null types.Type, in func(types.Type) bool) Param {
	return accept(shown, func(t types.Type) (types.Type, bool) {
		if t.Kind == types.Null {
			return null, true
		}
		return t, in(t)
	})
}

// Parameters for the families of types.
var (
	StringParam    = family("<CHARACTER>", types.StringType, types.Type.IsString)
	BytesParam     = family("<BINARY>", types.BytesType, types.Type.IsBytes)
	StringOrBytes  = family("<CHARACTER|BINARY>", types.StringType, func(t types.Type) bool { return t.IsString() || t.IsBytes() })
	NumericParam   = family("<NUMERIC>", types.IntType, types.Type.IsNumeric)
	ExactParam     = family("<EXACT_NUMERIC>", types.IntType, types.Type.IsExact)
	IntegerParam   = family("<INTEGER_NUMERIC>", types.IntType, types.Type.IsInteger)
	BooleanParam   = family("<BOOLEAN>", types.BooleanType, func(t types.Type) bool { return t.Kind == types.Boolean })
	DateParam      = family("<DATE>", types.DateType, func(t types.Type) bool { return t.Kind == types.Date })
	TimestampParam = family("<TIMESTAMP>", types.TimestampType(3), types.Type.IsTimestamp)
	TemporalParam  = family("<DATETIME>", types.TimestampType(3), types.Type.IsTemporal)
	ArrayParam     = family("<ARRAY>", types.NullType, func(t types.Type) bool { return t.Kind == types.Array })
	MapParam       = family("<MAP>", types.NullType, func(t types.Type) bool { return t.Kind == types.Map })
	AnyParam       = family("<ANY>", types.NullType, func(types.Type) bool { return true })
	// IntParam and BigIntParam take integers no wider than themselves and widen
	// them; DoubleParam takes any number.
	IntParam    = accept("INT", widen(types.IntType, types.Type.IsInteger))
	BigIntParam = accept("BIGINT", widen(types.BigIntType, types.Type.IsInteger))
	DoubleParam = accept("DOUBLE", widen(types.DoubleType, types.Type.IsNumeric))
)

func widen(to types.Type, in func(types.Type) bool) func(types.Type) (types.Type, bool) {
	return func(t types.Type) (types.Type, bool) {
		if t.Kind == types.Null {
			return to, true
		}
		return to, in(t) && t.Kind <= to.Kind
	}
}
