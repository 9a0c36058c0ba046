package types

// Layout says which slices of a batch.Vector hold the values of a type.
//
//	layout  slices used            SQL types
//	I64     I64                    BOOLEAN (0, 1), TINYINT..BIGINT, DATE (days since 1970-01-01), TIME (ms of the day),
//	                               TIMESTAMP(p), TIMESTAMP_LTZ(p), p <= 6 (microseconds since the epoch),
//	                               year-month INTERVAL (months), day-time INTERVAL (ms), DECIMAL(p <= 18) (unscaled), NULL (all null)
//	F64     F64                    FLOAT (rounded to 32 bits after each step), DOUBLE
//	Wide    I64 + Hi               DECIMAL(p > 18): one 128-bit unscaled number, Hi its upper half, I64 its lower half's bits;
//	                               TIMESTAMP(p > 6): I64 microseconds, Hi the nanoseconds 0-999 of that microsecond
//	Bytes   Str into Buf           CHAR, VARCHAR (UTF-8), BINARY, VARBINARY, VARIANT, RAW, BITMAP
//	List    Str into Kids          ARRAY (element), MULTISET (element, INT count), MAP (key, value): Str holds (first, count)
//	Struct  Kids                   ROW, STRUCTURED: one per field, each as long as the vector; Valid says the row itself is null
//
// Key bytes (hash, equality, grouping) are canonical: -0.0 = 0.0, all NaNs are
// one, maps are sorted by key; see batch.AppendKey.
type Layout uint8

const (
	LayoutI64 Layout = iota
	LayoutF64
	LayoutWide
	LayoutBytes
	LayoutList
	LayoutStruct
)

// Layout is where values of the type lie.
func (t Type) Layout() Layout {
	switch t.Kind {
	case Float, Double:
		return LayoutF64
	case Decimal:
		if t.Length > 18 {
			return LayoutWide
		}
	case Timestamp, TimestampLTZ:
		if t.Length > 6 {
			return LayoutWide
		}
	case Char, VarChar, Binary, VarBinary, Variant, Raw, Bitmap, Symbol, Descriptor:
		return LayoutBytes
	case Array, Multiset, Map:
		return LayoutList
	case Row, Structured:
		return LayoutStruct
	}
	return LayoutI64
}

// Width is the bytes of a value in a fixed-width row of state: 8 or 16; Bytes
// take 8 for their reference; 0 for lists and structs, which are stored
// encoded.
func (t Type) Width() int {
	switch t.Layout() {
	case LayoutWide:
		return 16
	case LayoutList, LayoutStruct:
		return 0
	}
	return 8
}

// KidTypes are the types of a vector's Kids: element; element and count; key
// and value; the fields.
func (t Type) KidTypes() []Type {
	switch t.Kind {
	case Multiset:
		return []Type{t.Elem(), IntType.NotNullable()}
	case Array, Map, Row, Structured:
		k := make([]Type, len(t.Fields))
		for i, f := range t.Fields {
			k[i] = f.Type
		}
		return k
	}
	return nil
}
