package types

// integerDigits is how many digits an integer type counts as in DECIMAL rules.
func integerDigits(k Kind) int {
	return map[Kind]int{TinyInt: 3, SmallInt: 5, Int: 10, BigInt: 19}[k]
}

// AsDecimal is the DECIMAL an exact number counts as.
func (t Type) AsDecimal() Type {
	if t.Kind == Decimal {
		return t
	}
	return DecimalType(integerDigits(t.Kind), 0).WithNull(!t.NotNull)
}

// DecimalResult is the type of a op b for DECIMALs, Flink's rules (those of SQL
// Server and Hive).
func DecimalResult(op byte, a, b Type) Type {
	p1, s1, p2, s2 := a.Length, a.Scale, b.Length, b.Scale
	var p, s int
	switch op {
	case '+', '-':
		s = max(s1, s2)
		p = max(p1-s1, p2-s2) + s + 1
	case '*':
		s, p = s1+s2, p1+p2+1
	case '/':
		s = max(6, s1+p2+1)
		p = p1 - s1 + s2 + s
	case '%':
		s = max(s1, s2)
		p = min(p1-s1, p2-s2) + s
	}
	if p > MaxPrecision {
		digits := p - s
		s = max(MaxPrecision-digits, min(s, 6))
		p = MaxPrecision
	}
	return DecimalType(p, s)
}

// Merged is Common by the rule of COALESCE, GREATEST and comparisons: of a
// TIMESTAMP and a TIMESTAMP_LTZ it is the second.
func Merged(ts ...Type) (Type, bool) {
	t, ok := Common(ts...)
	for _, x := range ts {
		if t.IsTimestamp() && x.Kind == TimestampLTZ {
			t.Kind = TimestampLTZ
		}
	}
	return t, ok
}

// Common is the type that all ts can be taken as without a cast in the SQL:
// Flink's least restrictive type. Nullable if any is. A TIMESTAMP and a
// TIMESTAMP_LTZ meet in the first's kind; a DATE and a TIMESTAMP don't meet.
func Common(ts ...Type) (Type, bool) {
	out, null := NullType, false
	for _, t := range ts {
		null = null || !t.NotNull
		var ok bool
		if out, ok = common(out, t.Plain()); !ok {
			return out, false
		}
	}
	return out.WithNull(null), true
}

// Comparable is the type in which a and b are compared: Common, but that decimals
// keep every digit behind the point rather than those before it.
func Comparable(a, b Type) (Type, bool) {
	t, ok := Merged(a, b)
	if ok && t.Kind == Decimal {
		t.Scale = max(a.AsDecimal().Scale, b.AsDecimal().Scale)
		t.Length = max(t.Length, t.Scale)
	}
	return t, ok
}

func common(a, b Type) (Type, bool) {
	switch {
	case a.Kind == Null:
		return b, true
	case b.Kind == Null:
		return a, true
	case a.Same(b):
		return a, true
	case a.IsString() && b.IsString():
		if a.Kind == Char && b.Kind == Char && a.Length == b.Length {
			return a, true
		}
		return VarCharType(max(a.Length, b.Length)), true
	case a.IsBytes() && b.IsBytes():
		return Type{Kind: VarBinary, Length: max(a.Length, b.Length)}, true
	case a.IsApprox() && b.IsNumeric() || b.IsApprox() && a.IsNumeric():
		if a.Kind == Double || b.Kind == Double || a.Kind == Decimal || b.Kind == Decimal {
			return DoubleType, true
		}
		return FloatType, true
	case a.IsInteger() && b.IsInteger():
		return Type{Kind: max(a.Kind, b.Kind)}, true
	case a.IsExact() && b.IsExact():
		a, b = a.AsDecimal(), b.AsDecimal()
		whole := max(a.Length-a.Scale, b.Length-b.Scale)
		s := min(max(a.Scale, b.Scale), MaxPrecision-whole)
		return DecimalType(whole+s, s), true
	case a.IsTimestamp() && b.IsTimestamp():
		return Type{Kind: a.Kind, Length: max(a.Length, b.Length)}, true
	case a.Kind == Time && b.Kind == Time:
		return TimeType(max(a.Length, b.Length)), true
	case a.Kind == b.Kind && a.IsInterval():
		return a, true
	case a.Kind == b.Kind && len(a.Fields) == len(b.Fields) && len(a.Fields) > 0:
		out := a
		out.Fields = make([]Field, len(a.Fields))
		for i := range a.Fields {
			t, ok := Common(a.Fields[i].Type, b.Fields[i].Type)
			if !ok {
				return a, false
			}
			out.Fields[i] = Field{Name: a.Fields[i].Name, Type: t}
		}
		return out, true
	}
	return a, false
}
