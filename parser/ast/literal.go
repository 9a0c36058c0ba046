package ast

// Number is an unsigned numeric literal with its text as written, so that the
// binder can tell 1 from 1.0 and 1e0.
type Number struct {
	Pos
	Text string
}

// String is a character literal with escapes resolved: 'a', E'a\n', U&'\263A'.
type String struct {
	Pos
	Value string
}

// Bytes is a binary literal, X'0A'. Hex is the digits in upper case, an even number.
type Bytes struct {
	Pos
	Hex string
}

// Bool is TRUE or FALSE.
type Bool struct {
	Pos
	Value bool
}

// Null is NULL.
type Null struct{ Pos }

// Unknown is the BOOLEAN literal UNKNOWN.
type Unknown struct{ Pos }

// Time is DATE '...', TIME '...' or TIMESTAMP '...', the text unchecked.
type Time struct {
	Pos
	Kind  string // DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ
	Value string
}

// Interval is INTERVAL Value unit. Value is a *String for INTERVAL '5' DAY and
// any expression for INTERVAL 5 DAY and INTERVAL (x) DAY. Neg is the sign
// before it.
type Interval struct {
	Pos
	Neg   bool
	Value Expr
	Unit  IntervalUnit
}

// IntervalUnit is DAY, DAY(3), SECOND(2, 6), DAY TO SECOND(3), ... Units are in
// the singular. Absent precisions are -1.
type IntervalUnit struct {
	Pos
	From      string
	To        string // "" for a single unit
	Precision int    // of From's leading field; -1: not said
	Fraction  int    // of seconds; -1: not said
}

func (*Number) expr()   {}
func (*String) expr()   {}
func (*Bytes) expr()    {}
func (*Bool) expr()     {}
func (*Null) expr()     {}
func (*Unknown) expr()  {}
func (*Time) expr()     {}
func (*Interval) expr() {}
