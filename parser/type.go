package parser

import (
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// scalarTypes maps each spelling to the canonical name and how many numbers it
// takes at most.
var scalarTypes = map[string]struct {
	name string
	args int
}{
	"CHAR": {"CHAR", 1}, "CHARACTER": {"CHAR", 1}, "VARCHAR": {"VARCHAR", 1}, "STRING": {"STRING", 0},
	"BOOLEAN": {"BOOLEAN", 0}, "BINARY": {"BINARY", 1}, "VARBINARY": {"VARBINARY", 1}, "BYTES": {"BYTES", 0},
	"DECIMAL": {"DECIMAL", 2}, "DEC": {"DECIMAL", 2}, "NUMERIC": {"DECIMAL", 2},
	"TINYINT": {"TINYINT", 0}, "SMALLINT": {"SMALLINT", 0}, "INT": {"INT", 0}, "INTEGER": {"INT", 0},
	"BIGINT": {"BIGINT", 0}, "FLOAT": {"FLOAT", 0}, "REAL": {"FLOAT", 0}, "DOUBLE": {"DOUBLE", 0},
	"DATE": {"DATE", 0}, "TIME": {"TIME", 1}, "TIMESTAMP": {"TIMESTAMP", 1}, "TIMESTAMP_LTZ": {"TIMESTAMP_LTZ", 1},
	"VARIANT": {"VARIANT", 0}, "BITMAP": {"BITMAP", 0}, "NULL": {"NULL", 0}, "ANY": {"ANY", 0},
	"GEOMETRY": {"GEOMETRY", 0}, "GEOGRAPHY": {"GEOGRAPHY", 0}, "DESCRIPTOR": {"DESCRIPTOR", 0},
}

// typeName parses a type with its nullability and the postfixes ARRAY and
// MULTISET.
func (p *parser) typeName() ast.TypeName { return p.typeWith(true) }

// typeWith parses a type; without null a NULL behind it is left alone.
func (p *parser) typeWith(null bool) ast.TypeName {
	defer p.enter()()
	start := p.tok.start
	t := p.baseType(start)
	for {
		if null {
			n := p.nullability()
			setNull(t, p.from(start), n)
		}
		switch {
		case p.kw("ARRAY"):
			t = &ast.ArrayType{TypePos: ast.TypePos{Pos: p.from(start)}, Elem: t}
		case p.kw("MULTISET"):
			t = &ast.MultisetType{TypePos: ast.TypePos{Pos: p.from(start)}, Elem: t}
		default:
			return t
		}
	}
}

// typePos is the embedded part of t.
func typePos(t ast.TypeName) *ast.TypePos {
	switch t := t.(type) {
	case *ast.ScalarType:
		return &t.TypePos
	case *ast.IntervalType:
		return &t.TypePos
	case *ast.ArrayType:
		return &t.TypePos
	case *ast.MultisetType:
		return &t.TypePos
	case *ast.MapType:
		return &t.TypePos
	case *ast.RowType:
		return &t.TypePos
	case *ast.StructuredType:
		return &t.TypePos
	case *ast.RawType:
		return &t.TypePos
	}
	return nil
}

func setNull(t ast.TypeName, pos ast.Pos, null ast.Nullability) {
	*typePos(t) = ast.TypePos{Pos: pos, Null: null}
}

func (p *parser) nullability() ast.Nullability {
	switch {
	case p.kw("NOT", "NULL"):
		return ast.NotNull
	case p.kw("NULL"):
		return ast.NullAllowed
	}
	return ast.NullUnspecified
}

func (p *parser) baseType(start int) ast.TypeName {
	pos := func() ast.TypePos { return ast.TypePos{Pos: p.from(start)} }
	word := p.tok.word
	if p.tok.kind != tokWord {
		word = ""
	}
	switch word {
	case "INTERVAL":
		p.next()
		u := p.intervalUnit()
		return &ast.IntervalType{TypePos: pos(), Unit: u}
	case "ARRAY", "MULTISET":
		p.next()
		p.needOp("<")
		elem := p.typeName()
		p.closeAngle()
		if word == "ARRAY" {
			return &ast.ArrayType{TypePos: pos(), Elem: elem}
		}
		return &ast.MultisetType{TypePos: pos(), Elem: elem}
	case "MAP":
		p.next()
		p.needOp("<")
		k := p.typeName()
		p.needOp(",")
		v := p.typeName()
		p.closeAngle()
		return &ast.MapType{TypePos: pos(), Key: k, Value: v}
	case "ROW":
		p.next()
		fields := p.rowFields()
		return &ast.RowType{TypePos: pos(), Fields: fields}
	case "STRUCTURED":
		p.next()
		p.needOp("<")
		class := p.str()
		var fields []ast.FieldDef
		for p.op(",") {
			fields = append(fields, p.fieldDef())
		}
		p.closeAngle()
		return &ast.StructuredType{TypePos: pos(), Class: class, Fields: fields}
	case "RAW":
		p.next()
		p.needOp("(")
		class := p.str()
		p.needOp(",")
		snapshot := p.str()
		p.needOp(")")
		return &ast.RawType{TypePos: pos(), Class: class, Snapshot: snapshot}
	}
	t, known := scalarTypes[word]
	if !known {
		return p.userType(start)
	}
	p.next()
	s := &ast.ScalarType{Name: t.name}
	switch {
	case t.name == "DOUBLE":
		p.kw("PRECISION")
	case (t.name == "CHAR" || t.name == "BINARY") && p.kw("VARYING"):
		s.Name = "VAR" + s.Name
	}
	p.typeArgs(s, t.args)
	if word == "TIME" || word == "TIMESTAMP" {
		p.timeZone(s)
	}
	s.TypePos = pos()
	return s
}

// closeAngle consumes the > of a parametrised type.
func (p *parser) closeAngle() {
	if p.isOp(">=") { // ARRAY<INT>=...
		p.tok.word, p.tok.text = "=", "="
		p.tok.start++
		p.toks[p.i] = p.tok
		return
	}
	p.needOp(">")
}

// userType is a type that isn't built in: one name or a path.
func (p *parser) userType(start int) ast.TypeName {
	if !p.isName() {
		p.unexpected("a type")
	}
	word := p.tok.text
	n := p.name()
	s := &ast.ScalarType{TypePos: ast.TypePos{Pos: p.from(start)}, Name: n.String()}
	if len(n.Parts) == 1 && p.isOp("(") {
		e := sqlerr.New(sqlerr.Syntax, n.At, "unknown type %q", word)
		var names []string
		for t := range scalarTypes {
			names = append(names, t)
		}
		if near := sqlerr.Nearest(word, names); near != "" {
			e.Hint = "did you mean " + near + "?"
		}
		p.fail(e)
	}
	return s
}

func (p *parser) typeArgs(s *ast.ScalarType, most int) {
	if most == 0 || !p.op("(") {
		return
	}
	s.Args = append(s.Args, p.small())
	if most == 2 && p.op(",") {
		s.Args = append(s.Args, p.small())
	}
	p.needOp(")")
}

// timeZone parses WITH|WITHOUT [LOCAL] TIME ZONE.
func (p *parser) timeZone(s *ast.ScalarType) {
	switch {
	case p.kw("WITHOUT", "TIME", "ZONE"):
	case p.kw("WITH", "LOCAL", "TIME", "ZONE"):
		if s.Name += "_LTZ"; s.Name == "TIME_LTZ" {
			s.Name = "TIME WITH LOCAL TIME ZONE"
		}
	case p.kw("WITH", "TIME", "ZONE"):
		s.Name += " WITH TIME ZONE"
	}
}

// rowFields parses <a INT, ...> or (a INT, ...), both perhaps empty.
func (p *parser) rowFields() []ast.FieldDef {
	var fields []ast.FieldDef
	switch {
	case p.op("<>"):
	case p.op("<"):
		p.list(func() { fields = append(fields, p.fieldDef()) })
		p.closeAngle()
	default:
		p.needOp("(")
		if p.op(")") {
			break
		}
		p.list(func() { fields = append(fields, p.fieldDef()) })
		p.needOp(")")
	}
	return fields
}

// fieldDef parses name type ['comment'].
func (p *parser) fieldDef() ast.FieldDef {
	start := p.tok.start
	f := ast.FieldDef{Name: p.ident()}
	f.Type = p.typeName()
	if p.tok.kind == tokString {
		f.Comment = p.strPtr()
	}
	f.Pos = p.from(start)
	return f
}

// units are the interval units in the singular; the plural is taken too.
var units = map[string]bool{
	"YEAR": true, "QUARTER": true, "MONTH": true, "WEEK": true, "DAY": true, "HOUR": true,
	"MINUTE": true, "SECOND": true,
}

func unitOf(t token) string {
	if t.kind != tokWord {
		return ""
	}
	u := strings.TrimSuffix(t.word, "S")
	if units[u] {
		return u
	}
	return ""
}

// intervalUnit parses DAY(3), DAY TO SECOND(3), ...
func (p *parser) intervalUnit() ast.IntervalUnit {
	start := p.tok.start
	u := ast.IntervalUnit{From: unitOf(p.tok), Precision: -1, Fraction: -1}
	if u.From == "" {
		p.unexpected("an interval unit such as SECOND or DAY TO SECOND")
	}
	p.next()
	if p.op("(") {
		u.Precision = p.small()
		if u.From == "SECOND" && p.op(",") {
			u.Fraction = p.small()
		}
		p.needOp(")")
	}
	if p.is("TO") && unitOf(p.peek(1)) != "" {
		p.next()
		u.To = unitOf(p.tok)
		p.next()
		if u.To == "SECOND" && p.op("(") {
			u.Fraction = p.small()
			p.needOp(")")
		}
	}
	u.Pos = p.from(start)
	return u
}
