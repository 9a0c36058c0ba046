package ast

// Expansion is what the names of a query meant when it was bound: with it the text
// of a view means the same in any database, and after its tables have grown.
type Expansion struct {
	Tables map[*Name]*Name       // full names
	Stars  map[*Star][][2]string // the columns: table (may be empty) and name
}

// Flink writes a node as Flink's SHOW CREATE does: every name quoted, a line for
// each clause of a query, names expanded as e says (nil: as they are).
func Flink(n Node, e *Expansion) string {
	if e == nil {
		e = &Expansion{}
	}
	return print(&printer{flink: e}, n)
}

// line is what stands before a clause.
func (p *printer) line() string {
	if p.flink != nil {
		return "\n"
	}
	return " "
}

// table is a table's name, in full if it is known.
func (p *printer) table(n *Name) string {
	if p.flink != nil && p.flink.Tables[n] != nil {
		n = p.flink.Tables[n]
	}
	return p.path(n)
}

// star writes the columns of a star and says whether they are known.
func (e *Expansion) star(p *printer, s *Star) bool {
	if e == nil || e.Stars[s] == nil {
		return false
	}
	cols := e.Stars[s]
	p.each(len(cols), func(i int) {
		p.opt(cols[i][0] != "", p.ident(cols[i][0])+".")
		p.w(p.ident(cols[i][1]))
	})
	return true
}
