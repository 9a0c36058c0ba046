// Package types is the SQL type system: what a type is, how it prints, where
// its values lie in a column vector, and the scalar values that need code of
// their own (128-bit decimals, calendar time).
//
// A Type is plain data, compared with Equal. Everything that handles values
// asks Layout which slices of a batch.Vector hold them; nothing else in
// Millrace maps types to memory. Start with Type, then the table at Layout.
package types

import (
	"fmt"
	"strings"
)

// Kind is the family member of a type, without its parameters.
type Kind uint8

// The kinds, in the order of Flink's LogicalTypeRoot where it has them.
const (
	Null Kind = iota // the type of an untyped NULL
	Char
	VarChar // STRING is VARCHAR(MaxLength)
	Boolean
	Binary
	VarBinary // BYTES is VARBINARY(MaxLength)
	Decimal
	TinyInt
	SmallInt
	Int
	BigInt
	Float
	Double
	Date
	Time
	Timestamp    // without time zone
	TimestampLTZ // with local time zone: an instant
	IntervalYM   // year-month interval, in months
	IntervalDT   // day-time interval, in milliseconds
	Array
	Multiset
	Map
	Row
	Structured // a ROW with a class name
	Raw
	Variant
	Bitmap
	Symbol     // a keyword argument (a time unit, a JSON clause): only at bind time
	Descriptor // DESCRIPTOR(c): only at bind time
)

// MaxLength is the length of STRING and BYTES.
const MaxLength = 1<<31 - 1

// TimeAttr says that a column is a time attribute, and of which sort.
type TimeAttr uint8

const (
	NoTimeAttr TimeAttr = iota
	Rowtime             // event time: has a watermark
	Proctime            // processing time
)

// Type is a SQL type. The zero Type is the nullable NULL type.
type Type struct {
	Kind    Kind
	NotNull bool
	// Length is the length of CHAR, VARCHAR, BINARY, VARBINARY (code points or
	// bytes), the precision of DECIMAL, and the precision (digits of a second's
	// fraction, 0-9) of TIME, TIMESTAMP and TIMESTAMP_LTZ.
	Length int
	Scale  int // of DECIMAL
	// Fields are the fields of ROW and STRUCTURED; the one unnamed element of
	// ARRAY and MULTISET; key and value of MAP.
	Fields []Field
	Attr   TimeAttr
	Name   string // class of STRUCTURED and RAW; the unit text of an INTERVAL ("DAY TO SECOND")
}

// Field is a named component of a ROW, or an unnamed one of a collection.
type Field struct {
	Name string
	Type Type
	Doc  string
}

// Constructors for the types code writes out. All are nullable; see NotNullable.
var (
	NullType     = Type{Kind: Null}
	BooleanType  = Type{Kind: Boolean}
	TinyIntType  = Type{Kind: TinyInt}
	SmallIntType = Type{Kind: SmallInt}
	IntType      = Type{Kind: Int}
	BigIntType   = Type{Kind: BigInt}
	FloatType    = Type{Kind: Float}
	DoubleType   = Type{Kind: Double}
	StringType   = Type{Kind: VarChar, Length: MaxLength}
	BytesType    = Type{Kind: VarBinary, Length: MaxLength}
	DateType     = Type{Kind: Date}
	VariantType  = Type{Kind: Variant}
	MonthsType   = Type{Kind: IntervalYM}
	MillisType   = Type{Kind: IntervalDT}
)

// CharType is CHAR(n); n may be 0 for the literal ”.
func CharType(n int) Type { return Type{Kind: Char, Length: n} }

// VarCharType is VARCHAR(n).
func VarCharType(n int) Type { return Type{Kind: VarChar, Length: n} }

// DecimalType is DECIMAL(precision, scale).
func DecimalType(precision, scale int) Type {
	return Type{Kind: Decimal, Length: precision, Scale: scale}
}

// TimeType is TIME(precision).
func TimeType(precision int) Type { return Type{Kind: Time, Length: precision} }

// TimestampType is TIMESTAMP(precision).
func TimestampType(precision int) Type { return Type{Kind: Timestamp, Length: precision} }

// TimestampLTZType is TIMESTAMP_LTZ(precision).
func TimestampLTZType(precision int) Type { return Type{Kind: TimestampLTZ, Length: precision} }

// ArrayOf is ARRAY<elem>.
func ArrayOf(elem Type) Type { return Type{Kind: Array, Fields: []Field{{Type: elem}}} }

// MultisetOf is MULTISET<elem>.
func MultisetOf(elem Type) Type { return Type{Kind: Multiset, Fields: []Field{{Type: elem}}} }

// MapOf is MAP<key, value>.
func MapOf(key, value Type) Type { return Type{Kind: Map, Fields: []Field{{Type: key}, {Type: value}}} }

// RowOf is ROW<fields>.
func RowOf(fields ...Field) Type { return Type{Kind: Row, Fields: fields} }

// Elem is the element type of ARRAY and MULTISET, the key type of MAP.
func (t Type) Elem() Type { return t.Fields[0].Type }

// Value is the value type of MAP.
func (t Type) Value() Type { return t.Fields[1].Type }

// Nullable is t with NULL allowed.
func (t Type) Nullable() Type { t.NotNull = false; return t }

// NotNullable is t without NULL.
func (t Type) NotNullable() Type { t.NotNull = true; return t }

// WithNull is t, nullable iff null.
func (t Type) WithNull(null bool) Type { t.NotNull = !null; return t }

// Plain is t without its time attribute.
func (t Type) Plain() Type { t.Attr = NoTimeAttr; return t }

// Precision is the precision of DECIMAL and of the types of time.
func (t Type) Precision() int { return t.Length }

// Equal compares everything but time attributes and field comments.
func (t Type) Equal(u Type) bool { return t.NotNull == u.NotNull && t.Same(u) }

// Same is Equal without regard to the nullability of t and u themselves.
func (t Type) Same(u Type) bool {
	if t.Kind != u.Kind || t.Length != u.Length || t.Scale != u.Scale || len(t.Fields) != len(u.Fields) {
		return false
	}
	if (t.Kind == Structured || t.Kind == Raw) && t.Name != u.Name {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	return true
}

// Families, as the reference's rules name them.

// IsString says CHAR or VARCHAR.
func (t Type) IsString() bool { return t.Kind == Char || t.Kind == VarChar }

// IsBytes says BINARY or VARBINARY.
func (t Type) IsBytes() bool { return t.Kind == Binary || t.Kind == VarBinary }

// IsInteger says TINYINT to BIGINT.
func (t Type) IsInteger() bool { return t.Kind >= TinyInt && t.Kind <= BigInt }

// IsExact says an integer or DECIMAL.
func (t Type) IsExact() bool { return t.IsInteger() || t.Kind == Decimal }

// IsApprox says FLOAT or DOUBLE.
func (t Type) IsApprox() bool { return t.Kind == Float || t.Kind == Double }

// IsNumeric says exact or approximate.
func (t Type) IsNumeric() bool { return t.IsExact() || t.IsApprox() }

// IsTimestamp says TIMESTAMP or TIMESTAMP_LTZ.
func (t Type) IsTimestamp() bool { return t.Kind == Timestamp || t.Kind == TimestampLTZ }

// IsTemporal says DATE, TIME or a timestamp.
func (t Type) IsTemporal() bool { return t.Kind >= Date && t.Kind <= TimestampLTZ }

// IsInterval says either interval family.
func (t Type) IsInterval() bool { return t.Kind == IntervalYM || t.Kind == IntervalDT }

// IsCollection says ARRAY, MULTISET or MAP.
func (t Type) IsCollection() bool { return t.Kind == Array || t.Kind == Multiset || t.Kind == Map }

// IsRow says ROW or STRUCTURED.
func (t Type) IsRow() bool { return t.Kind == Row || t.Kind == Structured }

var kindNames = [...]string{
	Null: "NULL", Char: "CHAR", VarChar: "VARCHAR", Boolean: "BOOLEAN", Binary: "BINARY", VarBinary: "VARBINARY",
	Decimal: "DECIMAL", TinyInt: "TINYINT", SmallInt: "SMALLINT", Int: "INT", BigInt: "BIGINT", Float: "FLOAT", Double: "DOUBLE",
	Date: "DATE", Time: "TIME", Timestamp: "TIMESTAMP", TimestampLTZ: "TIMESTAMP_LTZ", IntervalYM: "INTERVAL MONTH",
	IntervalDT: "INTERVAL SECOND(3)", Array: "ARRAY", Multiset: "MULTISET", Map: "MAP", Row: "ROW", Structured: "STRUCTURED",
	Raw: "RAW", Variant: "VARIANT", Bitmap: "BITMAP", Symbol: "SYMBOL", Descriptor: "DESCRIPTOR",
}

func (k Kind) String() string { return kindNames[k] }

// Ident quotes a name with back-ticks, as types and DDL print it.
func Ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// String is Flink's summary form: "BIGINT NOT NULL", "STRING", "ROW<`a` INT>".
func (t Type) String() string { return t.text(false) }

// Serial is Flink's serialised form, as SHOW CREATE prints it: String, with STRING
// and BYTES by their full names.
func (t Type) Serial() string { return t.text(true) }

func (t Type) text(serial bool) string {
	s := t.base(serial)
	if t.NotNull {
		s += " NOT NULL"
	}
	return s
}

func (t Type) base(serial bool) string {
	switch t.Kind {
	case VarChar, VarBinary:
		if t.Length == MaxLength && !serial {
			if t.Kind == VarChar {
				return "STRING"
			}
			return "BYTES"
		}
		return fmt.Sprintf("%s(%d)", t.Kind, t.Length)
	case Char, Binary, Time, Timestamp, TimestampLTZ:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Length)
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Length, t.Scale)
	case Array, Multiset:
		return fmt.Sprintf("%s<%s>", t.Kind, t.Elem().text(serial))
	case Map:
		return fmt.Sprintf("MAP<%s, %s>", t.Elem().text(serial), t.Value().text(serial))
	case Row, Structured:
		f := make([]string, 0, len(t.Fields)+1)
		if t.Kind == Structured {
			f = append(f, "'"+t.Name+"'")
		}
		for _, x := range t.Fields {
			s := Ident(x.Name) + " " + x.Type.text(serial)
			if x.Doc != "" {
				s += " '" + strings.ReplaceAll(x.Doc, "'", "''") + "'"
			}
			f = append(f, s)
		}
		return fmt.Sprintf("%s<%s>", t.Kind, strings.Join(f, ", "))
	case Raw:
		return fmt.Sprintf("RAW('%s', '...')", t.Name)
	}
	return t.Kind.String()
}
