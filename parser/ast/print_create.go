package ast

// create writes s and is true if s is a CREATE statement.
func (p *printer) create(s Stmt) bool {
	switch s := s.(type) {
	case *CreateTable:
		p.createTable(s)
	case *CreateMaterializedTable:
		p.w("CREATE ")
		p.opt(s.OrAlter, "OR ALTER ")
		p.w("MATERIALIZED TABLE ")
		p.named(s.IfNotExists, s.Name)
		p.schema(s.Schema, " ")
		p.comment(s.Comment)
		p.distribution(" DISTRIBUTED", s.Distributed)
		p.partitioned(s.PartitionBy)
		p.with(s.Options)
		if s.Freshness != nil {
			p.w(" FRESHNESS = ")
			p.expr(s.Freshness, 0)
		}
		p.opt(s.RefreshMode != "", " REFRESH_MODE = "+s.RefreshMode)
		p.as(s.Query)
	case *CreateView:
		p.w("CREATE ")
		p.opt(s.OrReplace, "OR REPLACE ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.w("VIEW ")
		p.named(s.IfNotExists, s.Name)
		if len(s.Columns) > 0 {
			p.w(" (")
			p.each(len(s.Columns), func(i int) {
				p.w(p.ident(s.Columns[i].Name.Name))
				p.comment(s.Columns[i].Comment)
			})
			p.w(")")
		}
		p.comment(s.Comment)
		p.as(s.Query)
	case *CreateCatalog:
		p.w("CREATE CATALOG ")
		p.opt(s.IfNotExists, "IF NOT EXISTS ")
		p.w(p.ident(s.Name.Name))
		p.comment(s.Comment)
		p.with(s.Options)
	case *CreateDatabase:
		p.w("CREATE DATABASE ")
		p.named(s.IfNotExists, s.Name)
		p.comment(s.Comment)
		p.with(s.Options)
	case *CreateFunction:
		p.createFunction(s)
	case *CreateModel:
		p.w("CREATE ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.w("MODEL ")
		p.named(s.IfNotExists, s.Name)
		p.schema(s.Input, " INPUT ")
		p.schema(s.Output, " OUTPUT ")
		p.comment(s.Comment)
		p.with(s.Options)
		p.as(s.Query)
	case *CreateConnection:
		p.w("CREATE ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.opt(s.System, "SYSTEM ")
		p.w("CONNECTION ")
		p.named(s.IfNotExists, s.Name)
		p.comment(s.Comment)
		p.with(s.Options)
	default:
		return false
	}
	return true
}

func (p *printer) named(ifNotExists bool, n *Name) {
	p.opt(ifNotExists, "IF NOT EXISTS ")
	p.w(p.path(n))
}

func (p *printer) as(q Query) {
	if q != nil {
		p.w(" AS ")
		p.query(q)
	}
}

func (p *printer) createTable(s *CreateTable) {
	switch {
	case !s.Create:
		p.w("REPLACE TABLE ")
	case s.Replace:
		p.w("CREATE OR REPLACE ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.w("TABLE ")
	default:
		p.w("CREATE ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.w("TABLE ")
	}
	p.named(s.IfNotExists, s.Name)
	p.schema(s.Schema, " ")
	p.comment(s.Comment)
	p.distribution(" DISTRIBUTED", s.Distributed)
	p.partitioned(s.PartitionBy)
	p.with(s.Options)
	if l := s.Like; l != nil {
		p.w(" LIKE ", p.path(l.Table))
		if len(l.Options) > 0 {
			p.w(" (")
			for i, o := range l.Options {
				p.opt(i > 0, " ")
				p.w(o.Strategy, " ", o.Feature)
			}
			p.w(")")
		}
	}
	p.as(s.Query)
}

func (p *printer) createFunction(s *CreateFunction) {
	p.w("CREATE ")
	p.opt(s.OrReplace, "OR REPLACE ")
	p.opt(s.Temporary, "TEMPORARY ")
	p.opt(s.System, "SYSTEM ")
	p.w("FUNCTION ")
	p.named(s.IfNotExists, s.Name)
	if s.HasParams {
		p.w("(")
		p.each(len(s.Params), func(i int) { p.field(s.Params[i]) })
		p.w(")")
	}
	if s.Returns != nil {
		p.w(" RETURNS ")
		p.typeName(s.Returns)
	}
	if s.Rows != nil {
		p.w(" RETURNS TABLE (")
		p.each(len(s.Rows), func(i int) { p.field(s.Rows[i]) })
		p.w(")")
	}
	p.opt(s.HasParams && s.Language != "", " LANGUAGE "+s.Language)
	p.w(" AS ", quote(s.As.Value))
	p.opt(!s.HasParams && s.Language != "", " LANGUAGE "+s.Language)
	if len(s.Using) > 0 {
		p.w(" USING ")
		p.each(len(s.Using), func(i int) { p.w(s.Using[i].Kind, " ", quote(s.Using[i].Path.Value)) })
	}
	p.with(s.Options)
}

func (p *printer) partitioned(by []Ident) {
	if len(by) > 0 {
		p.w(" PARTITIONED BY (", p.idents(by), ")")
	}
}

func (p *printer) distribution(word string, d *Distribution) {
	if d == nil {
		return
	}
	p.w(word)
	if len(d.Columns) > 0 {
		p.w(" BY ")
		p.opt(d.Kind != "", d.Kind+" ")
		p.w("(", p.idents(d.Columns), ")")
	}
	if d.Buckets != nil {
		p.w(" INTO ", d.Buckets.Text, " BUCKETS")
	}
}

// schema writes before and the list in parentheses unless s is nil.
func (p *printer) schema(s *Schema, before string) {
	if s == nil {
		return
	}
	p.w(before, "(")
	sep := ""
	for _, c := range s.Columns {
		p.w(sep)
		p.column(c)
		sep = ", "
	}
	for _, w := range s.Watermarks {
		p.w(sep, "WATERMARK FOR ", p.path(w.Column), " AS ")
		p.expr(w.Expr, 0)
		sep = ", "
	}
	for _, c := range s.Constraints {
		p.w(sep)
		if c.Name != nil {
			p.w("CONSTRAINT ", p.ident(c.Name.Name), " ")
		}
		p.w(c.Kind, " (", p.idents(c.Columns), ")")
		p.opt(c.Enforced != "", " "+c.Enforced)
		sep = ", "
	}
	p.w(")")
}

func (p *printer) column(c *Column) {
	p.w(p.ident(c.Name.Name))
	switch c.Kind {
	case ComputedColumn:
		p.w(" AS ")
		p.expr(c.Expr, 0)
	case PhysicalColumn, MetadataColumn:
		p.w(" ")
		p.typeName(c.Type)
	}
	if c.Kind == MetadataColumn {
		p.w(" METADATA")
		if c.Key != nil {
			p.w(" FROM ", quote(c.Key.Value))
		}
		p.opt(c.Virtual, " VIRTUAL")
	}
	p.comment(c.Comment)
	if c.Position != nil {
		if c.Position.After == nil {
			p.w(" FIRST")
		} else {
			p.w(" AFTER ", p.ident(c.Position.After.Name))
		}
	}
}

func (p *printer) action(a AlterAction) {
	switch a := a.(type) {
	case *AddSchema:
		p.schema(a.Schema, "ADD ")
	case *ModifySchema:
		p.schema(a.Schema, "MODIFY ")
	case *AddPartitions:
		p.w("ADD")
		p.opt(a.IfNotExists, " IF NOT EXISTS")
		for _, n := range a.Partitions {
			p.partition(" ", n.Partition)
			p.with(n.Options)
		}
	case *SetDistribution:
		p.distribution(map[bool]string{true: "MODIFY", false: "ADD"}[a.Modify]+" DISTRIBUTION", a.Distribution)
	case *DropColumns:
		p.w("DROP (")
		p.each(len(a.Columns), func(i int) { p.w(p.path(a.Columns[i])) })
		p.w(")")
	case *DropPrimaryKey:
		p.w("DROP PRIMARY KEY")
	case *DropConstraint:
		p.w("DROP CONSTRAINT ", p.ident(a.Name.Name))
	case *DropWatermark:
		p.w("DROP WATERMARK")
	case *DropDistribution:
		p.w("DROP DISTRIBUTION")
	case *DropPartitions:
		p.w("DROP")
		p.opt(a.IfExists, " IF EXISTS")
		p.each(len(a.Partitions), func(i int) { p.partition(" ", a.Partitions[i]) })
	case *RenameColumn:
		p.w("RENAME ", p.path(a.From), " TO ", p.ident(a.To.Name))
	case *RenameTo:
		p.w("RENAME TO ", p.path(a.Name))
	case *SetOptions:
		p.w("SET ")
		p.options(a.Options)
	case *ResetOptions:
		p.w("RESET (")
		p.each(len(a.Keys), func(i int) { p.w(quote(a.Keys[i].Value)) })
		p.w(")")
	case *SetComment:
		p.w("COMMENT ", quote(a.Comment.Value))
	case *SetQuery:
		p.w("AS ")
		p.query(a.Query)
	case *Suspend:
		p.w("SUSPEND")
	case *Resume:
		p.w("RESUME")
		p.with(a.Options)
	case *Refresh:
		p.w("REFRESH")
		p.partition(" ", a.Partition)
	}
}
