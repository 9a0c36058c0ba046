package engine

import (
	"strings"

	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/parser/mysql"
	"github.com/millrace/millrace/sqlerr"
)

// parse reads a text in the dialect of table.sql-dialect: Flink's (default), or with
// mysql its queries and INSERTs in MySQL's. A SET in the text counts from there on.
func (s *Session) parse(src *sqlerr.Source) ([]ast.Stmt, error) {
	o := parser.Options{Lookup: s.cfg.Lookup, MySQL: mysql.Parse, MySQLEnd: mysql.Statement}
	d := s.Option(dialectKey, "default")
	if err := checkDialect(d, sqlerr.Span{}); err != nil {
		return nil, err
	}
	o.IsMySQL = strings.EqualFold(d, "mysql")
	return o.Parse(src)
}

const dialectKey = "table.sql-dialect"

// checkDialect refuses a dialect that can't be read.
func checkDialect(d string, at sqlerr.Span) error {
	switch strings.ToLower(d) {
	case "default", "mysql":
		return nil
	case "hive":
		return sqlerr.Unsupported(at, dialectKey+" hive")
	}
	return sqlerr.New(sqlerr.Option, at, "%s is %q; it can be default or mysql", dialectKey, d)
}
