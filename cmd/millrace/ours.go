package main

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// ours lists what of a script only Millrace knows: functions in languages of its own,
// connectors, formats, catalogs and their options, settings and statements.
func ours(src *sqlerr.Source) (found []error) {
	stmts, err := parser.Parse(src)
	if err != nil {
		return []error{err}
	}
	own := func(at sqlerr.Span, format string, args ...any) {
		found = append(found, sqlerr.New(sqlerr.NotSupported, at, format, args...))
	}
	for _, stmt := range stmts {
		switch s := stmt.(type) {
		case *ast.CreateFunction:
			if s.Language == "SQL" || s.Language == "EXEC" {
				own(s.Span(), "CREATE FUNCTION ... LANGUAGE %s is Millrace's own: a Flink cluster doesn't know it", s.Language)
			}
		case *ast.CreateTable:
			tableOptions(s.Options, own)
		case *ast.CreateCatalog:
			for _, o := range s.Options {
				if o.Key.Value == "type" && o.Value.Value == "file" {
					own(o.Value.Span(), "a catalog of type file is Millrace's own: a Flink cluster doesn't know it, and keeps tables in a Hive catalog or a catalog store")
				}
			}
		case *ast.Set:
			if s.Key == nil {
				continue
			}
			switch key := s.Key.Value; {
			case strings.HasPrefix(key, "millrace."):
				own(s.Key.Span(), "setting '%s' is Millrace's own: a Flink cluster takes no notice of it", key)
			case strings.HasPrefix(key, "s3."):
				own(s.Key.Span(), "setting '%s': a Flink cluster reads it from its configuration when it starts, not from SET", key)
			}
		case *ast.Show:
			if s.What == "SPLITS" {
				own(s.Span(), "SHOW SPLITS is Millrace's own: a Flink cluster doesn't know it")
			}
		case *ast.Explain:
			for _, d := range s.Details {
				if slices.Contains([]string{"AST", "BOUND", "JSON", "ANALYZE"}, d) {
					own(s.Span(), "EXPLAIN %s is Millrace's own: a Flink cluster doesn't know it", d)
				}
			}
		}
	}
	return found
}

// tableOptions looks through a table's options.
func tableOptions(list []ast.Option, own func(at sqlerr.Span, format string, args ...any)) {
	var connector *connectors.Connector
	for _, o := range list {
		if o.Key.Value != "connector" {
			continue
		}
		for _, c := range engine.Connectors() {
			if c.Name == o.Value.Value {
				connector = c
			}
		}
		if connector != nil && connector.Own {
			own(o.Value.Span(), "connector %s is Millrace's own: a Flink cluster doesn't know it%s", connector.Name, connector.Instead)
			connector = nil // nor its options
		}
	}
	for _, o := range list {
		key := o.Key.Value
		if key == "format" || key == "key.format" || key == "value.format" {
			for _, f := range engine.Formats() {
				if f.Own && f.Name == o.Value.Value {
					own(o.Value.Span(), "format %s is Millrace's own: a Flink cluster doesn't know it%s", f.Name, f.Instead)
				}
			}
			continue
		}
		declared := ownOption(key)
		if connector != nil && declared == nil {
			for i, x := range connector.Options {
				if x.Own && x.Name == key {
					declared = &connector.Options[i]
				}
			}
		}
		if declared != nil {
			own(o.Key.Span(), "option %q is Millrace's own: a Flink cluster refuses it%s", key, declared.Instead)
		}
	}
}

// ownOption is the option of a format that Flink has, which it doesn't have itself.
func ownOption(key string) *formats.Option {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "key."), "value.")
	for _, f := range engine.Formats() {
		for i, o := range f.Options {
			if o.Own && !f.Own && key == f.Name+"."+o.Name {
				return &f.Options[i]
			}
		}
	}
	return nil
}
