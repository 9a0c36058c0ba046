package parser

import "github.com/millrace/millrace/parser/ast"

// alter parses ALTER statements.
func (p *parser) alter() ast.Stmt {
	start := p.tok.start
	p.next()
	if p.isAny("FUNCTION", "TEMPORARY") {
		return p.alterFunction(start)
	}
	a := &ast.Alter{Kind: p.objectKind("TABLE", "VIEW", "DATABASE", "CATALOG", "MODEL", "MATERIALIZED TABLE", "CONNECTION")}
	if a.Kind == ast.Table || a.Kind == ast.Model || a.Kind == ast.Connection {
		a.IfExists = p.ifExists()
	}
	if a.Kind == ast.Catalog {
		id := p.ident()
		a.Name = &ast.Name{Pos: id.Pos, Parts: []ast.Ident{id}}
	} else {
		a.Name = p.name()
	}
	at := p.tok.start
	switch a.Kind {
	case ast.Table:
		a.Action = p.alterTable(at)
	case ast.MaterializedTable:
		a.Action = p.alterMaterialized(at)
	case ast.View:
		if p.is("RENAME") {
			a.Action = p.renameTo(at)
			break
		}
		a.Action = p.setQuery(at)
	case ast.Database:
		if !p.is("SET") {
			p.unexpected("SET")
		}
		a.Action = p.setOptions(at)
	default:
		a.Action = p.alterOptions(a.Kind, at)
	}
	a.Pos = p.from(start)
	return a
}

// objectKind parses one of the kinds of object.
func (p *parser) objectKind(kinds ...string) ast.ObjectKind {
	for _, k := range kinds {
		if k == "MATERIALIZED TABLE" && p.kw("MATERIALIZED", "TABLE") || p.kw(k) {
			return ast.ObjectKind(k)
		}
	}
	p.unexpected(kinds...)
	return ""
}

func (p *parser) alterFunction(start int) ast.Stmt {
	f := &ast.AlterFunction{Temporary: p.kw("TEMPORARY")}
	f.System = f.Temporary && p.kw("SYSTEM")
	p.need("FUNCTION")
	f.IfExists = p.ifExists()
	f.Name = p.name()
	p.need("AS")
	f.As = p.str()
	if p.kw("LANGUAGE") {
		f.Language = p.language()
	}
	f.Pos = p.from(start)
	return f
}

func (p *parser) setQuery(start int) ast.AlterAction {
	if !p.kw("AS") {
		p.unexpected("RENAME TO", "AS")
	}
	q := p.query()
	return &ast.SetQuery{Pos: p.from(start), Query: q}
}

func (p *parser) renameTo(start int) ast.AlterAction {
	p.need("RENAME", "TO")
	n := p.name()
	return &ast.RenameTo{Pos: p.from(start), Name: n}
}

func (p *parser) setOptions(start int) ast.AlterAction {
	p.need("SET")
	o := p.options(true)
	return &ast.SetOptions{Pos: p.from(start), Options: o}
}

func (p *parser) resetOptions(start int) ast.AlterAction {
	p.need("RESET")
	r := &ast.ResetOptions{}
	p.needOp("(")
	if p.isOp(")") {
		p.unexpected("an option's key as a string")
	}
	p.list(func() { r.Keys = append(r.Keys, p.str()) })
	p.needOp(")")
	r.Pos = p.from(start)
	return r
}

// alterOptions parses the actions of catalogs, models and connections.
func (p *parser) alterOptions(kind ast.ObjectKind, start int) ast.AlterAction {
	switch {
	case p.is("SET"):
		return p.setOptions(start)
	case p.is("RESET"):
		return p.resetOptions(start)
	case kind == ast.Catalog && p.kw("COMMENT"):
		t := p.str()
		return &ast.SetComment{Pos: p.from(start), Comment: t}
	case kind != ast.Catalog && p.is("RENAME"):
		return p.renameTo(start)
	}
	if kind == ast.Catalog {
		p.unexpected("SET", "RESET", "COMMENT")
	}
	p.unexpected("SET", "RESET", "RENAME TO")
	return nil
}

func (p *parser) alterMaterialized(start int) ast.AlterAction {
	switch {
	case p.kw("SUSPEND"):
		return &ast.Suspend{Pos: p.from(start)}
	case p.kw("RESUME"):
		o := p.with()
		return &ast.Resume{Pos: p.from(start), Options: o}
	case p.kw("REFRESH"):
		r := &ast.Refresh{}
		if p.is("PARTITION") {
			r.Partition = p.partition(false)
		}
		r.Pos = p.from(start)
		return r
	case p.is("AS"):
		return p.setQuery(start)
	}
	return p.alterTable(start)
}

func (p *parser) alterTable(start int) ast.AlterAction {
	switch {
	case p.kw("ADD"):
		return p.alterAdd(start)
	case p.kw("MODIFY"):
		if p.is("DISTRIBUTION") {
			d := p.distributed("DISTRIBUTION")
			return &ast.SetDistribution{Pos: p.from(start), Modify: true, Distribution: d}
		}
		s := p.alterSchema()
		return &ast.ModifySchema{Pos: p.from(start), Schema: s}
	case p.kw("DROP"):
		return p.alterDrop(start)
	case p.is("RENAME", "TO") && p.peek(2).word != "TO":
		return p.renameTo(start)
	case p.kw("RENAME"):
		r := &ast.RenameColumn{From: p.name()}
		p.need("TO")
		r.To = p.ident()
		r.Pos = p.from(start)
		return r
	case p.is("SET"):
		return p.setOptions(start)
	case p.is("RESET"):
		return p.resetOptions(start)
	}
	p.unexpected("ADD", "MODIFY", "DROP", "RENAME", "SET", "RESET")
	return nil
}

func (p *parser) alterAdd(start int) ast.AlterAction {
	if p.is("DISTRIBUTION") {
		d := p.distributed("DISTRIBUTION")
		return &ast.SetDistribution{Pos: p.from(start), Distribution: d}
	}
	if !p.is("PARTITION") && !p.is("IF", "NOT", "EXISTS") {
		s := p.alterSchema()
		return &ast.AddSchema{Pos: p.from(start), Schema: s}
	}
	a := &ast.AddPartitions{IfNotExists: p.ifNotExists()}
	for {
		at := p.tok.start
		n := ast.NewPartition{Partition: p.partition(false), Options: p.with()}
		n.Pos = p.from(at)
		a.Partitions = append(a.Partitions, n)
		if !p.is("PARTITION") {
			a.Pos = p.from(start)
			return a
		}
	}
}

// alterSchema parses one column, key or watermark, or several in parentheses.
func (p *parser) alterSchema() *ast.Schema {
	if p.isOp("(") {
		return p.schema(true)
	}
	start := p.tok.start
	s := &ast.Schema{}
	p.schemaItem(s, true)
	s.Pos = p.from(start)
	return s
}

func (p *parser) alterDrop(start int) ast.AlterAction {
	switch {
	case p.kw("PRIMARY"):
		p.need("KEY")
		return &ast.DropPrimaryKey{Pos: p.from(start)}
	case p.kw("CONSTRAINT"):
		id := p.ident()
		return &ast.DropConstraint{Pos: p.from(start), Name: id}
	case p.kw("WATERMARK"):
		return &ast.DropWatermark{Pos: p.from(start)}
	case p.kw("DISTRIBUTION"):
		return &ast.DropDistribution{Pos: p.from(start)}
	case p.is("PARTITION"), p.is("IF", "EXISTS"):
		d := &ast.DropPartitions{IfExists: p.ifExists()}
		p.list(func() { d.Partitions = append(d.Partitions, p.partition(false)) })
		d.Pos = p.from(start)
		return d
	}
	d := &ast.DropColumns{}
	if p.op("(") {
		p.list(func() { d.Columns = append(d.Columns, p.name()) })
		p.needOp(")")
	} else {
		d.Columns = []*ast.Name{p.name()}
	}
	d.Pos = p.from(start)
	return d
}

// drop parses DROP statements.
func (p *parser) drop() ast.Stmt {
	start := p.tok.start
	p.next()
	d := &ast.Drop{Temporary: p.kw("TEMPORARY")}
	d.System = d.Temporary && p.kw("SYSTEM")
	kinds := []string{"TABLE", "VIEW", "FUNCTION", "MODEL", "CONNECTION"}
	if d.System {
		kinds = []string{"FUNCTION", "CONNECTION"}
	} else if !d.Temporary {
		kinds = append(kinds, "CATALOG", "DATABASE", "MATERIALIZED TABLE")
	}
	d.Kind = p.objectKind(kinds...)
	d.IfExists = p.ifExists()
	d.Name = p.name()
	if d.Kind == ast.Database {
		if d.Restrict = p.kw("RESTRICT"); !d.Restrict {
			d.Cascade = p.kw("CASCADE")
		}
	}
	d.Pos = p.from(start)
	return d
}
