// Package ipc is the edge to Arrow: batches as an Arrow IPC stream, and such a
// stream as batches. Inside the engine nothing is Arrow.
//
// Writer puts a batch's columns behind Arrow's headers, without copying where the
// layouts agree, and Reader copies a stream's columns into a batch of the types
// that are wanted, by name. Start with Schema, the table of types.
package ipc

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/millrace/millrace/types"
)

// KindColumn is the column of row kinds ("+I", "-U", "+U", "-D") in a stream of
// changes.
const KindColumn = "op"

// Schema is the Arrow schema of a table's columns, with the column of kinds first
// where changes are written.
func Schema(s *types.Schema, kinds bool) *arrow.Schema {
	var fields []arrow.Field
	if kinds {
		fields = append(fields, arrow.Field{Name: KindColumn, Type: arrow.BinaryTypes.String})
	}
	for _, f := range s.Fields {
		fields = append(fields, field(f.Name, f.Type))
	}
	return arrow.NewSchema(fields, nil)
}

func field(name string, t types.Type) arrow.Field {
	return arrow.Field{Name: name, Type: Type(t), Nullable: !t.NotNull}
}

// Type is the Arrow type of a SQL type:
//
//	BOOLEAN, TINYINT..BIGINT, FLOAT, DOUBLE   bool, int8..int64, float, double
//	DECIMAL(p, s)                             decimal128(p, s)
//	CHAR, VARCHAR, VARIANT                    utf8
//	BINARY, VARBINARY, RAW, BITMAP            binary
//	DATE, TIME                                date32, time32[ms]
//	TIMESTAMP(p), TIMESTAMP_LTZ(p)            timestamp[s|ms|us|ns], the second with the zone UTC
//	INTERVAL YEAR TO MONTH, DAY TO SECOND     int32 (months), duration[ms]
//	ARRAY, MAP, MULTISET, ROW                 list, map, map to int32, struct
//	NULL                                      null
func Type(t types.Type) arrow.DataType {
	switch t.Kind {
	case types.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case types.TinyInt:
		return arrow.PrimitiveTypes.Int8
	case types.SmallInt:
		return arrow.PrimitiveTypes.Int16
	case types.Int, types.IntervalYM:
		return arrow.PrimitiveTypes.Int32
	case types.BigInt:
		return arrow.PrimitiveTypes.Int64
	case types.Float:
		return arrow.PrimitiveTypes.Float32
	case types.Double:
		return arrow.PrimitiveTypes.Float64
	case types.Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Length), Scale: int32(t.Scale)}
	case types.Date:
		return arrow.FixedWidthTypes.Date32
	case types.Time:
		return arrow.FixedWidthTypes.Time32ms
	case types.Timestamp:
		return &arrow.TimestampType{Unit: unit(t.Length)}
	case types.TimestampLTZ:
		return &arrow.TimestampType{Unit: unit(t.Length), TimeZone: "UTC"}
	case types.IntervalDT:
		return arrow.FixedWidthTypes.Duration_ms
	case types.Binary, types.VarBinary, types.Raw, types.Bitmap:
		return arrow.BinaryTypes.Binary
	case types.Array:
		return arrow.ListOfField(field("item", t.Elem()))
	case types.Map, types.Multiset:
		kt := t.KidTypes()
		key := kt[0]
		m := arrow.MapOfFields(arrow.Field{Name: "key", Type: Type(key)}, field("value", kt[1]))
		return m
	case types.Row, types.Structured:
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = field(f.Name, f.Type)
		}
		return arrow.StructOf(fields...)
	case types.Null:
		return arrow.Null
	}
	return arrow.BinaryTypes.String
}

// unit is the least one that holds a precision.
func unit(precision int) arrow.TimeUnit {
	switch {
	case precision == 0:
		return arrow.Second
	case precision <= 3:
		return arrow.Millisecond
	case precision <= 6:
		return arrow.Microsecond
	}
	return arrow.Nanosecond
}
