package protobuf

import (
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func columns(fields ...types.Field) *types.Schema { return types.NewSchema(fields...) }

// TestColumnsThatDontFit: a table that isn't like its message is refused.
func TestColumnsThatDontFit(t *testing.T) {
	inner := types.RowOf(types.Field{Name: "id", Type: types.IntType})
	for _, c := range []struct {
		column types.Field
		want   string
	}{
		{types.Field{Name: "nothing", Type: types.IntType}, "Column nothing does not exist in definition of proto class: message shop.Everything has [a_int32 "},
		{types.Field{Name: "a_int32", Type: types.BigIntType}, "a_int32 is int32 and the column BIGINT; it should be INT"},
		{types.Field{Name: "a_uint64", Type: types.DecimalType(20, 0)}, "a_uint64 is uint64 and the column DECIMAL(20, 0); it should be BIGINT"},
		{types.Field{Name: "a_colour", Type: types.DoubleType}, "a_colour is enum and the column DOUBLE; it should be STRING or INT"},
		{types.Field{Name: "ints", Type: types.IntType}, "ints is repeated and the column INT; it should be ARRAY"},
		{types.Field{Name: "counts", Type: types.ArrayOf(types.IntType)}, "counts is a map and the column ARRAY<INT>; it should be MAP"},
		{types.Field{Name: "counts", Type: types.MapOf(types.StringType, types.IntType)}, "counts.value is int64 and the column INT; it should be BIGINT"},
		{types.Field{Name: "part", Type: types.StringType}, "part is message more.Part and the column STRING; it should be ROW"},
		{types.Field{Name: "inner", Type: inner}, "inner.id is string and the column INT; it should be STRING"},
	} {
		s := columns(c.column)
		if _, err := Format.Decoder(spec(s, "shop.Everything")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestDamagedMessages: what is wrong is named with its field and place.
func TestDamagedMessages(t *testing.T) {
	inner := types.RowOf(types.Field{Name: "id", Type: types.StringType})
	part := types.RowOf(types.Field{Name: "s", Type: types.StringType})
	s := columns(types.Field{Name: "a_int32", Type: types.IntType}, types.Field{Name: "a_double", Type: types.DoubleType}, types.Field{Name: "a_string", Type: types.StringType},
		types.Field{Name: "packed_longs", Type: types.ArrayOf(types.BigIntType)}, types.Field{Name: "inner", Type: inner}, types.Field{Name: "part", Type: part})
	good := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)
	then := func(b ...byte) []byte { return append(append([]byte(nil), good...), b...) }
	in := func(num protowire.Number, b ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(append([]byte(nil), good...), num, protowire.BytesType), b)
	}
	for _, c := range []struct {
		value []byte
		want  string
	}{
		{then(0x61, 1, 2, 3), "field a_double at byte 2: the message ends in the middle of a value"},
		{then(0x72, 50, 'x'), "field a_string at byte 2: the message ends in the middle of a value"},
		{[]byte{0x08, 0xff, 0xff}, "field a_int32 at byte 0: the message ends in the middle of a value"},
		{then(0x00), "byte 2: no field of a message begins here"},
		{then(0x0c), "byte 2: no field of a message begins here"},
		{then(0xfa, 0x01, 9), "byte 2: field number 31: unexpected EOF"},
		{in(18, 2, 0x80), "field packed_longs at byte 6: the message ends in the middle of a value"},
		{in(30), `field inner at byte 5: the required field "id" is missing`},
		{in(24, 0x12, 2, 0xff, 0xfe), "field part.s at byte 5: the text isn't valid UTF-8"},
		{in(24, 0x12, 9), "field part.s at byte 5: the message ends in the middle of a value"},
	} {
		d, err := Format.Decoder(spec(s, "shop.Everything"))
		if err != nil {
			t.Fatal(err)
		}
		var b batch.Batch
		b.Reset(s.Types())
		var got error
		err = d.Decode(formats.Input{Messages: []formats.Message{{Value: good}, {Value: c.value}, {Value: good}}}, &b, func(_ formats.Message, err error) error { got = err; return nil })
		if err != nil || got == nil || !strings.Contains(got.Error(), c.want) || b.Len != 2 || b.Cols[0].I64[1] != 7 {
			t.Errorf("%x: %v, %v, %d rows, want %q", c.value, got, err, b.Len, c.want)
		}
	}
}

// TestRowsThatHaveNoMessage: writing refuses instead of inventing.
func TestRowsThatHaveNoMessage(t *testing.T) {
	one := func(s *types.Schema, fill func(b *batch.Batch)) error {
		e, err := Format.Encoder(spec(s, "shop.Everything"))
		if err != nil {
			return err
		}
		var b batch.Batch
		b.Reset(s.Types())
		fill(&b)
		b.AppendKind(batch.Insert)
		_, err = e.Encode(&b, nil)
		return err
	}
	text := func(x string) func(b *batch.Batch) {
		return func(b *batch.Batch) {
			b.Cols[0].Buf = append(b.Cols[0].Buf, x...)
			b.Cols[0].Str = append(b.Cols[0].Str, batch.NewView(0, len(x)))
		}
	}
	inner := types.RowOf(types.Field{Name: "id", Type: types.StringType})
	for _, c := range []struct {
		column types.Field
		fill   func(b *batch.Batch)
		want   string
	}{
		{types.Field{Name: "a_colour", Type: types.StringType}, text("PINK"), `column a_colour: "PINK" is no value of its enum`},
		{types.Field{Name: "n_colour", Type: types.BigIntType}, func(b *batch.Batch) { b.Cols[0].I64 = append(b.Cols[0].I64, 1<<40) }, "column n_colour: 1099511627776 is no value of its enum"},
		{types.Field{Name: "inner", Type: inner}, func(b *batch.Batch) {
			b.Cols[0].Kids[0].AppendNull(types.StringType, 0)
		}, "column inner.id is NULL, and the field is required"},
		{types.Field{Name: "inner", Type: types.RowOf()}, func(*batch.Batch) {}, `field "id" of message inner is required, and no column has its name`},
	} {
		if err := one(columns(c.column), c.fill); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
