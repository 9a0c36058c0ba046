package ast

// Nullability is what a type says about NULL.
type Nullability string

// The three ways to say it.
const (
	NullUnspecified Nullability = ""
	NullAllowed     Nullability = "NULL"
	NotNull         Nullability = "NOT NULL"
)

// TypePos is embedded in every type name: its place and its nullability.
type TypePos struct {
	Pos
	Null Nullability
}

// Nullability is what follows the type.
func (t TypePos) Nullability() Nullability { return t.Null }

func (TypePos) typeName() {}

// ScalarType is a type without parts. Name is canonical: CHAR VARCHAR STRING
// BOOLEAN BINARY VARBINARY BYTES DECIMAL TINYINT SMALLINT INT BIGINT FLOAT
// DOUBLE DATE TIME TIMESTAMP TIMESTAMP_LTZ "TIMESTAMP WITH TIME ZONE" "TIME WITH
// LOCAL TIME ZONE" VARIANT BITMAP NULL ANY; another name is a user-defined type
// kept as written. Args are the numbers in parentheses.
type ScalarType struct {
	TypePos
	Name string
	Args []int
}

// IntervalType is INTERVAL DAY TO SECOND and the like.
type IntervalType struct {
	TypePos
	Unit IntervalUnit
}

// ArrayType is ARRAY<Elem> or Elem ARRAY.
type ArrayType struct {
	TypePos
	Elem TypeName
}

// MultisetType is MULTISET<Elem> or Elem MULTISET.
type MultisetType struct {
	TypePos
	Elem TypeName
}

// MapType is MAP<Key, Value>.
type MapType struct {
	TypePos
	Key, Value TypeName
}

// RowType is ROW<a INT, b STRING 'comment'> or the form with parentheses.
type RowType struct {
	TypePos
	Fields []FieldDef
}

// StructuredType is STRUCTURED<'class', a INT, ...>.
type StructuredType struct {
	TypePos
	Class  Text
	Fields []FieldDef
}

// FieldDef is a field of a row type.
type FieldDef struct {
	Pos
	Name    Ident
	Type    TypeName
	Comment *Text
}

// RawType is RAW('class', 'snapshot').
type RawType struct {
	TypePos
	Class, Snapshot Text
}
