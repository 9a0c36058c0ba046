package ast

import "strings"

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *QueryStmt:
		p.query(s.Query)
	case *Insert:
		p.insert(s)
	case *StatementSet:
		p.w("EXECUTE ")
		p.set(s)
	case *BeginStatementSet:
		p.w("BEGIN STATEMENT SET")
	case *EndStatementSet:
		p.w("END")
	case *Update:
		p.w("UPDATE ", p.path(s.Table))
		p.alias(s.Alias)
		p.w(" SET ")
		p.each(len(s.Set), func(i int) {
			p.w(p.path(s.Set[i].Column), " = ")
			p.expr(s.Set[i].Value, 0)
		})
		p.clause(" WHERE ", s.Where)
	case *Delete:
		p.w("DELETE FROM ", p.path(s.Table))
		p.alias(s.Alias)
		p.clause(" WHERE ", s.Where)
	case *Truncate:
		p.w("TRUNCATE TABLE ", p.path(s.Table))
	case *CallProcedure:
		p.w("CALL ")
		p.call(s.Call)
	case *Explain:
		p.w("EXPLAIN ")
		p.opt(len(s.Details) > 0, strings.Join(s.Details, ", ")+" ")
		if s.Job != nil {
			p.w("JOB ", quote(s.Job.Value))
			break
		}
		p.inner(s.Stmt)
	case *CompilePlan:
		p.w("COMPILE ")
		p.opt(s.Execute, "AND EXECUTE ")
		p.w("PLAN ")
		if s.File != nil {
			p.w(quote(s.File.Value), " ")
		}
		p.opt(s.IfNotExists, "IF NOT EXISTS ")
		p.w("FOR ")
		p.inner(s.Stmt)
	case *ExecutePlan:
		p.w("EXECUTE PLAN ", quote(s.File.Value))
	case *Drop:
		p.w("DROP ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.opt(s.System, "SYSTEM ")
		p.w(string(s.Kind), " ")
		p.opt(s.IfExists, "IF EXISTS ")
		p.w(p.path(s.Name))
		p.opt(s.Cascade, " CASCADE")
		p.opt(s.Restrict, " RESTRICT")
	case *Alter:
		p.w("ALTER ", string(s.Kind), " ")
		p.opt(s.IfExists, "IF EXISTS ")
		p.w(p.path(s.Name), " ")
		p.action(s.Action)
	case *AlterFunction:
		p.w("ALTER ")
		p.opt(s.Temporary, "TEMPORARY ")
		p.opt(s.System, "SYSTEM ")
		p.w("FUNCTION ")
		p.opt(s.IfExists, "IF EXISTS ")
		p.w(p.path(s.Name), " AS ", quote(s.As.Value))
		p.opt(s.Language != "", " LANGUAGE "+s.Language)
	default:
		if !p.create(s) {
			p.session(s)
		}
	}
}

// inner writes a statement within EXPLAIN or COMPILE PLAN.
func (p *printer) inner(s Stmt) {
	if set, ok := s.(*StatementSet); ok {
		p.set(set)
		return
	}
	p.stmt(s)
}

func (p *printer) set(s *StatementSet) {
	p.w("STATEMENT SET BEGIN ")
	for _, x := range s.Stmts {
		p.stmt(x)
		p.w("; ")
	}
	p.w("END")
}

func (p *printer) alias(a *Ident) {
	if a != nil {
		p.w(" AS ", p.ident(a.Name))
	}
}

func (p *printer) insert(s *Insert) {
	p.w("INSERT ", map[bool]string{true: "OVERWRITE ", false: "INTO "}[s.Overwrite], p.path(s.Table))
	p.hints(s.Hints)
	p.partition(" ", s.Partition)
	if len(s.Columns) > 0 {
		p.w(" (")
		p.each(len(s.Columns), func(i int) { p.w(p.path(s.Columns[i])) })
		p.w(")")
	}
	p.w(" ")
	p.query(s.Query)
	p.opt(s.OnConflict != "", " ON CONFLICT DO "+s.OnConflict)
}

func (p *printer) partition(before string, pt *Partition) {
	if pt == nil {
		return
	}
	p.w(before, "PARTITION (")
	p.each(len(pt.Items), func(i int) {
		p.w(p.ident(pt.Items[i].Column.Name))
		if v := pt.Items[i].Value; v != nil {
			p.w(" = ")
			p.expr(v, precAdd)
		}
	})
	p.w(")")
}

func (p *printer) session(s Stmt) {
	switch s := s.(type) {
	case *Show:
		p.show(s)
	case *Describe:
		p.w("DESCRIBE ")
		p.opt(s.Kind != Table, string(s.Kind)+" ")
		p.opt(s.Extended, "EXTENDED ")
		if s.ID != nil {
			p.w(quote(s.ID.Value))
			return
		}
		p.w(p.path(s.Name))
	case *Use:
		p.w("USE ")
		p.opt(s.Kind == Catalog, "CATALOG ")
		p.w(p.path(s.Name))
	case *UseModules:
		p.w("USE MODULES ", p.idents(s.Names))
	case *LoadModule:
		p.w("LOAD MODULE ", p.ident(s.Name.Name))
		p.with(s.Options)
	case *UnloadModule:
		p.w("UNLOAD MODULE ", p.ident(s.Name.Name))
	case *Set:
		p.w("SET")
		if s.Key != nil {
			p.w(" ", quote(s.Key.Value), " = ", quote(s.Value.Value))
		}
	case *Reset:
		p.w("RESET")
		if s.Key != nil {
			p.w(" ", quote(s.Key.Value))
		}
	case *Jar:
		p.w(map[bool]string{true: "REMOVE", false: "ADD"}[s.Remove], " JAR ", quote(s.Path.Value))
	case *Analyze:
		p.w("ANALYZE TABLE ", p.path(s.Table))
		p.partition(" ", s.Partition)
		p.w(" COMPUTE STATISTICS")
		p.opt(s.AllColumns, " FOR ALL COLUMNS")
		p.opt(len(s.Columns) > 0, " FOR COLUMNS "+p.idents(s.Columns))
	case *StopJob:
		p.w("STOP JOB ", quote(s.ID.Value))
		p.opt(s.Savepoint, " WITH SAVEPOINT")
		p.opt(s.Drain, " WITH DRAIN")
	case *ClientCommand:
		p.w(s.Command)
	}
}

func (p *printer) show(s *Show) {
	p.w("SHOW ", s.What)
	if s.Name != nil {
		p.w(" ", p.path(s.Name))
	}
	if s.In != nil {
		p.w(" FROM ", p.path(s.In))
	}
	p.partition(" ", s.Partition)
	if l := s.Like; l != nil {
		p.w(" ")
		p.not(l.Not)
		p.w(map[bool]string{true: "ILIKE ", false: "LIKE "}[l.ILike], quote(l.Pattern.Value))
	}
}
