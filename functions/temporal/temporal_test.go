package temporal

import (
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// value is an argument: what is written where is told by its type.
type value struct {
	t types.Type
	s string
	n int64
}

func ts(s string) value   { return value{t: types.TimestampType(6), s: s} }
func date(s string) value { return value{t: types.DateType, s: s} }
func txt(s string) value  { return value{t: types.StringType, s: s} }
func unit(s string) value { return value{t: types.Type{Kind: types.Symbol}, s: s} }
func num(n int64) value   { return value{t: types.BigIntType, n: n} }

// call gives the result of one row as text.
func call(t *testing.T, f *functions.Scalar, values ...value) string {
	t.Helper()
	in := make([]batch.Vector, len(values))
	args := make([]functions.Arg, len(values))
	for i, x := range values {
		v := &in[i]
		v.Prepare(x.t, 1)
		switch x.t.Kind {
		case types.Timestamp:
			v.I64[0], _, _ = types.ParseTimestamp([]byte(x.s))
		case types.Date:
			v.I64[0], _ = types.ParseDate([]byte(x.s))
		case types.VarChar, types.Symbol:
			v.SetString(0, x.s)
		default:
			v.I64[0] = x.n
		}
		args[i] = functions.Arg{Type: x.t, Const: v}
	}
	_, result, err := functions.Match(f.Name, f.Sigs, args, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := f.Bind(functions.Call{Name: f.Name, Args: args, Result: result, Session: types.NewSession(time.Now)})
	if err != nil {
		return err.Error()
	}
	var out batch.Vector
	out.Prepare(result, 1)
	if _, err := k.Eval(1, nil, in, &out); err != nil {
		return err.Error()
	}
	switch {
	case out.Null(0):
		return "NULL"
	case result.IsString():
		return string(out.Bytes(0))
	case result.Kind == types.Date:
		return string(types.AppendDate(nil, out.I64[0]))
	case result.IsTimestamp():
		return string(types.AppendTimestamp(nil, out.I64[0], 0, result.Length))
	}
	return string(pad(nil, out.I64[0], 1))
}

func TestFunctions(t *testing.T) {
	for i, c := range []struct {
		f    *functions.Scalar
		args []value
		want string
	}{
		{Add, []value{unit("MONTH"), num(1), date("2020-01-31")}, "2020-02-29"},
		{Add, []value{unit("HOUR"), num(-1), date("2020-01-31")}, "2020-01-30 23:00:00.000000"},
		{Diff, []value{unit("MONTH"), ts("2020-01-31 00:00:00"), ts("2020-02-29 00:00:00")}, "1"},
		{Diff, []value{unit("DAY"), ts("2020-01-03 10:00:00"), ts("2020-01-01 11:00:00")}, "-1"},
		{Ceil, []value{ts("2020-02-29 12:30:00"), unit("WEEK")}, "2020-03-01 00:00:00.000000"},
		{Floor, []value{ts("2020-02-29 12:30:00"), unit("CENTURY")}, "2001-01-01 00:00:00.000000"},
		{Floor, []value{ts("1969-12-31 23:59:59.5"), unit("MINUTE")}, "1969-12-31 23:59:00.000000"},
		{Extract, []value{unit("CENTURY"), date("2000-01-01")}, "20"},
		{Extract, []value{unit("WEEK"), date("2021-01-01")}, "53"},
		{Extract, []value{unit("NANOSECOND"), ts("2000-01-31 11:22:33.123456")}, "123456000"},
		{DateFormat, []value{ts("2020-01-02 13:04:05.123"), txt("EEE MMM d, yy hh:mm a SSS")}, "Thu Jan 2, 20 01:04 PM 123"},
		{DateFormat, []value{ts("2020-01-02 13:04:05.123"), txt("b")}, "unknown pattern letter: b"},
		{ToTimestamp, []value{txt("2020-02-30 01:02:03.4567")}, "2020-02-29 01:02:03.456"},
		{ToTimestamp, []value{txt("20200102 0304"), txt("yyyyMMdd HHmm")}, "2020-01-02 03:04:00.000"},
		{ToTimestamp, []value{txt("2020-01-02T03:04:05")}, "NULL"},
		{ToTimestampLTZ, []value{num(1234567)}, "1970-01-01 00:20:34.567"},
		{ToTimestampLTZ, []value{txt("20000202 59:59.1234567"), txt("yyyyMMdd mm:ss.SSSSSSS")}, "2000-02-02 00:59:59.1234560"},
		{ToTimestampLTZ, []value{txt("01/01/2023 08:00:00"), txt("dd/MM/yyyy HH:mm:ss"), txt("America/Los_Angeles")}, "2023-01-01 16:00:00.000"},
		{ToDate, []value{txt("02/2020"), txt("MM/yyyy")}, "2020-02-01"},
		{ToDate, []value{txt("2020-02-30")}, "NULL"},
		{UnixTimestamp, []value{txt("2020-01-02 03:04:05")}, "1577934245"},
		{FromUnixTime, []value{num(44), txt("yyyy HH:mm:ss")}, "1970 00:00:44"},
		{ConvertTZ, []value{txt("1970-01-01 00:00:00"), txt("UTC"), txt("America/Los_Angeles")}, "1969-12-31 16:00:00"},
	} {
		if got := call(t, c.f, c.args...); got != c.want {
			t.Errorf("%d: %s = %s, want %s", i, c.f.Name, got, c.want)
		}
	}
}
