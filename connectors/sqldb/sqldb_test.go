package sqldb

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// TestValues: a cell decoded and written again is the literal that should stand for it.
func TestValues(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	text := func(s string) Cell { return Cell{Kind: Text, B: []byte(s)} }
	for _, c := range []struct {
		d       Dialect
		t       types.Type
		instant bool
		in      Cell
		want    string // literal, or !: an error that contains it
	}{
		{MySQL{}, types.IntType, false, Cell{Kind: Int, I: -5}, "-5"},
		{MySQL{}, types.IntType, false, Cell{Kind: Int, I: 1 << 40}, `!"1099511627776" doesn't fit INT`},
		{MySQL{}, types.IntType, false, Cell{Kind: Uint, I: -1}, "!18446744073709551615"},
		{MySQL{}, types.DecimalType(20, 0), false, Cell{Kind: Uint, I: -1}, "18446744073709551615"},
		{MySQL{}, types.IntType, false, text("12.00"), "12"},
		{MySQL{}, types.IntType, false, text("12.50"), "!doesn't fit"},
		{MySQL{}, types.BooleanType, false, text("\x01"), "1"},
		{MySQL{}, types.BooleanType, false, Cell{Kind: Int, I: 7}, "1"},
		{MySQL{}, types.DecimalType(5, 2), false, text("123.456"), "123.46"},
		{MySQL{}, types.DecimalType(5, 2), false, text("1234.5"), "!doesn't fit"},
		{MySQL{}, types.FloatType, false, Cell{Kind: Float, F: 1.1}, "1.1"},
		{MySQL{}, types.StringType, false, text("a'b\\c\x00"), `'a''b\\c\0'`},
		{MySQL{}, types.StringType, false, Cell{Kind: Int, I: 3}, "'3'"},
		{MySQL{}, types.StringType, false, text("a\xff"), "'a\uFFFD'"},
		{MySQL{}, types.BytesType, false, text("\x00\xff"), "x'00ff'"},
		{MySQL{}, types.DateType, false, text("2024-02-29"), "'2024-02-29'"},
		{MySQL{}, types.DateType, false, text("0000-00-00"), "NULL"},
		{MySQL{}, types.DateType.NotNullable(), false, text("0000-00-00"), "!doesn't fit DATE"},
		{MySQL{}, types.TimeType(3), false, text("10:11:12.5"), "'10:11:12.500'"},
		{MySQL{}, types.TimeType(0), false, text("-10:11:12"), "!doesn't fit"},
		{MySQL{}, types.TimeType(0), false, text("100:11:12"), "!doesn't fit"},
		{MySQL{}, types.TimestampType(3), false, text("2024-07-01 10:00:00.123456"), "'2024-07-01 10:00:00.123'"},
		{MySQL{}, types.TimestampType(6), true, text("2024-07-01 10:00:00"), "'2024-07-01 10:00:00.000000'"},
		{MySQL{}, types.TimestampType(3), false, text("0000-00-00 00:00:00"), "NULL"},
		{MySQL{}, types.StringType, false, Cell{}, "NULL"},
		{MySQL{}, types.StringType.NotNullable(), false, Cell{}, "!NULL in a column declared"},
		{Postgres{}, types.BooleanType, false, text("t"), "TRUE"},
		{Postgres{}, types.DoubleType, false, text("NaN"), "'NaN'"},
		{Postgres{}, types.DoubleType, false, text("-Infinity"), "'-Inf'"},
		{Postgres{}, types.BytesType, false, text(`\x00ff`), `'\x00ff'`},
		{Postgres{}, types.StringType, false, text(`a'b\c`), `'a''b\c'`},
		{Postgres{}, types.StringType, false, text("a\x00"), "!character 0"},
		{Postgres{}, types.TimestampLTZType(3), true, text("2024-07-01 10:00:00.5+00"), "'2024-07-01 10:00:00.500+00'"},
		{Postgres{}, types.TimestampType(3), true, text("2024-07-01 10:00:00.5+00"), "'2024-07-01 10:00:00.500+00'"},
		{Postgres{}, types.TimestampType(3), false, text("infinity"), "!doesn't fit"},
		{Postgres{}, types.ArrayOf(types.IntType), false, text("{1,NULL,-3}"), "'{1,NULL,-3}'"},
		{Postgres{}, types.ArrayOf(types.StringType), false, text(`{a,"b \" , c",NULL,"NULL",""}`), `'{"a","b \" , c",NULL,"NULL",""}'`},
		{Postgres{}, types.ArrayOf(types.ArrayOf(types.IntType)), false, text(`{{1,2},{3,4}}`), `'{{1,2},{3,4}}'`},
		{Postgres{}, types.ArrayOf(types.IntType), false, text(`[0:1]={1,2}`), `'{1,2}'`},
		{Postgres{}, types.ArrayOf(types.IntType), false, text(`{1,2`), `!isn't an array`},
		{Postgres{}, types.ArrayOf(types.TimestampType(0)), false, text(`{"2024-01-01 00:00:00"}`), `'{"2024-01-01 00:00:00"}'`},
	} {
		col := Target{Name: "c", Type: c.t, Instant: c.instant}
		dec := &Decoder{Cols: []Target{col}, Zone: berlin, Hex: c.d.Name() == "postgresql"}
		var b batch.Batch
		b.Reset([]types.Type{c.t})
		err := dec.Append(&b, batch.Insert, []Cell{c.in})
		got := ""
		if err == nil {
			var lit []byte
			lit, err = (&Encoder{Dialect: c.d, Cols: []Target{col}, Zone: berlin}).Append(nil, 0, &b.Cols[0], 0)
			got = string(lit)
		}
		if want, bad := strings.CutPrefix(c.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s %q: %q, %v, want an error with %q", c.d.Name(), c.t, c.in.String(), got, err, want)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s %s %q: %q, %v, want %q", c.d.Name(), c.t, c.in.String(), got, err, c.want)
		}
	}
}

func TestURL(t *testing.T) {
	for url, want := range map[string]string{
		"jdbc:mysql://h:3307/db":                 "mysql h:3307/db  ",
		"jdbc:mariadb://h/db?user=u&password=p":  "mysql h:3306/db u ",
		"jdbc:postgresql://h/db?currentSchema=s": "postgresql h:5432/db  s",
		"jdbc:mysql://h":                         "mysql h:3306  ",
		"mysql://h/db":                           "!doesn't begin with jdbc:",
		"jdbc:oracle:thin:@h:1521/x":             "!not supported yet: database \"oracle\"",
		"jdbc:mysql:h":                           "!write jdbc:mysql://",
	} {
		d, s, err := ParseURL(url)
		if bad, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %v, want %q", url, err, bad)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := d.Name() + " " + s.String() + " " + s.User + " " + s.Schema; got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

func TestTypes(t *testing.T) {
	for in, want := range map[string]string{
		"tinyint(1)": "BOOLEAN", "tinyint(4)": "TINYINT", "tinyint unsigned": "SMALLINT", "int(10) unsigned": "BIGINT", "bigint(20) unsigned": "DECIMAL(20, 0)",
		"decimal(10,2)": "DECIMAL(10, 2)", "decimal(65,2)": "STRING", "bit(1)": "BOOLEAN", "bit(9)": "BINARY(2)", "datetime(3)": "TIMESTAMP(3)", "timestamp": "TIMESTAMP(0)",
		"varchar(20)": "VARCHAR(20)", "enum('a','b')": "STRING", "json": "STRING", "longblob": "BYTES", "year(4)": "INT", "mediumint(8) unsigned": "INT", "point": "NULL",
	} {
		if got, _ := MySQLType(in); got.String() != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"integer": "INT", "numeric(10,2)": "DECIMAL(10, 2)", "numeric": "DECIMAL(38, 18)", "character varying(20)": "VARCHAR(20)", "character(3)": "CHAR(3)",
		"timestamp(3) without time zone": "TIMESTAMP(3)", "timestamp with time zone": "TIMESTAMP_LTZ(6)", "integer[]": "ARRAY<INT>", "bytea": "BYTES", "uuid": "STRING", "box": "NULL",
	} {
		if got, _ := PostgresType(in); got.String() != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
