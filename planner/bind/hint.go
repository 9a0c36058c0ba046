package bind

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
)

// hintNames are the query hints and whether they name tables of the query: as keys
// of key-values, or as a list.
var hintNames = map[string]string{"BROADCAST": "list", "SHUFFLE_HASH": "list", "SHUFFLE_MERGE": "list", "NEST_LOOP": "list", "MULTI_JOIN": "list",
	"STATE_TTL": "keys", "LOOKUP": "options", "JOIN": "list"}

// queryHints reads the hints of a SELECT. The first of a name wins within lists, the
// last value of a key within one hint.
func queryHints(hints []ast.Hint) []logical.Hint {
	var out []logical.Hint
	for _, h := range hints {
		name := strings.ToUpper(h.Name.Name)
		form, ok := hintNames[name]
		if !ok {
			failf(sqlerr.NotFound, h.Span(), "unknown hint %q", h.Name.Name)
		}
		x := logical.Hint{Name: name, KV: map[string]string{}, At: h.Span()}
		for _, a := range h.Args {
			if (a.Key.Value == "") != (form == "list") {
				failf(sqlerr.Invalid, a.Span(), "hint %s takes %s", name, map[bool]string{true: "names", false: "'key' = 'value'"}[form == "list"])
			}
			if form == "list" {
				x.List = append(x.List, a.Value.Value)
				continue
			}
			x.KV[a.Key.Value] = a.Value.Value
			if form == "keys" {
				if _, err := formats.ParseDuration(a.Value.Value); err != nil {
					failf(sqlerr.Invalid, a.Span(), "Invalid STATE_TTL hint value: %v", err)
				}
				x.List = append(x.List, a.Key.Value)
			}
		}
		if form == "options" {
			if x.KV["table"] == "" {
				failf(sqlerr.Invalid, h.Span(), "hint LOOKUP needs 'table'")
			}
			x.List = []string{x.KV["table"]}
		}
		out = append(out, x)
	}
	return out
}

// checkHints refuses hints about tables that FROM doesn't have.
func checkHints(hints []logical.Hint, from *scope) {
	tables := map[string]bool{}
	for _, c := range from.cols {
		tables[c.table] = true
	}
	for _, h := range hints {
		for _, name := range h.List {
			last := name[strings.LastIndex(name, ".")+1:]
			if !tables[last] {
				failf(sqlerr.NotFound, h.At, "The options of following hints cannot match the name of input tables or views: %s", fmt.Sprintf("`%s` in `%s`", name, h.Name))
			}
		}
	}
}

// lookupHints are the LOOKUP hints about a table.
func lookupHints(hints []logical.Hint, table *scope) []logical.Hint {
	var out []logical.Hint
	for _, h := range hints {
		if h.Name == "LOOKUP" && len(table.cols) > 0 && table.cols[0].table == h.KV["table"] {
			out = append(out, h)
		}
	}
	return out
}

// ttlHint is what STATE_TTL hints say about the one table of a scope, "" for
// nothing. Of several hints the first counts.
func ttlHint(hints []logical.Hint, of *scope) string {
	table := ""
	for i, c := range of.cols {
		if i > 0 && c.table != table { // a join: its tables have had their say
			return ""
		}
		table = c.table
	}
	for _, h := range hints {
		if h.Name != "STATE_TTL" {
			continue
		}
		for name, ttl := range h.KV {
			if table != "" && name[strings.LastIndex(name, ".")+1:] == table {
				return ttl
			}
		}
	}
	return ""
}
