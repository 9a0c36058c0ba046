package jdbc

import (
	"strings"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// PushFilter keeps the conditions for the SELECT.
func (s *source) PushFilter(all []connectors.Predicate) {
	if s.push {
		s.filter = all
	}
}

// conditions are the pushed conditions that the database decides as the plan does, or
// lets more rows through.
func (s *source) conditions(targets []sqldb.Target, cols []sqldb.Column) (out []string) {
	for _, p := range s.filter {
		if c, ok := s.condition(p, targets, cols); ok {
			out = append(out, c)
		}
	}
	return out
}

func (s *source) condition(p connectors.Predicate, targets []sqldb.Target, cols []sqldb.Column) (string, bool) {
	if p.Op == "AND" || p.Op == "OR" {
		var parts []string
		for _, a := range p.Args {
			c, ok := s.condition(a, targets, cols)
			if !ok {
				return "", false
			}
			parts = append(parts, c)
		}
		return "(" + strings.Join(parts, " "+p.Op+" ") + ")", true
	}
	if p.Col >= len(targets) {
		return "", false
	}
	t := targets[p.Col]
	col := sqldb.Find(cols, t.Name)
	if strings.HasPrefix(p.Op, "IS") {
		// MySQL's zero date is there, and read as NULL.
		return s.dialect.Quote(t.Name) + " " + p.Op, col != nil && !(s.dialect.Name() == "mysql" && (t.Type.IsTimestamp() || t.Type.Kind == types.Date))
	}
	if col == nil || !decides(p.Op, col.Type, t.Type) {
		return "", false
	}
	enc := &sqldb.Encoder{Dialect: s.dialect, Cols: []sqldb.Target{{Name: t.Name, Type: p.Type, Instant: col.Instant}}, Zone: s.zone}
	lit, err := enc.Append(nil, 0, p.Value, 0)
	return s.dialect.Quote(t.Name) + " " + p.Op + " " + string(lit), err == nil
}

// decides says that a database's comparison of a column lets every row through that
// the declared type's does. Texts are ordered by collations, and only equal ones are
// surely equal there; a value that is cut off or rounded when it's read compares
// otherwise.
func decides(op string, have, declared types.Type) bool {
	switch {
	case have.IsInteger() && declared.IsInteger():
		return true
	case have.Kind == types.Decimal && declared.Kind == types.Decimal:
		return have.Scale <= declared.Scale
	case have.IsInteger() && declared.Kind == types.Decimal:
		return true
	case have.IsString() && declared.IsString():
		return op == "="
	case have.Kind == types.Date && declared.Kind == types.Date:
		return true
	case have.IsTimestamp() && have.Kind == declared.Kind:
		return have.Length <= declared.Length
	}
	return false
}
