package engine

import (
	"sort"
	"strings"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/functions/builtin"
	"github.com/millrace/millrace/functions/text"
)

// registry finds functions by name: the built-in ones and the session's own.
type registry struct {
	scalars    map[string]*functions.Scalar
	aggregates map[string]*functions.Aggregate
	tables     map[string]*functions.Table
}

func newRegistry() *registry {
	r := &registry{scalars: map[string]*functions.Scalar{}, aggregates: map[string]*functions.Aggregate{}, tables: map[string]*functions.Table{}}
	for _, f := range builtin.Scalars() {
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			r.scalars[n] = f
		}
	}
	for _, f := range agg.All {
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			r.aggregates[n] = f
		}
	}
	for _, f := range builtin.Tables() {
		r.tables[f.Name] = f
	}
	return r
}

// Scalar is the scalar function of that name in any case, or nil.
func (r *registry) Scalar(name string) *functions.Scalar { return r.scalars[strings.ToUpper(name)] }

// Aggregate is the aggregate function of that name, or nil.
func (r *registry) Aggregate(name string) *functions.Aggregate {
	return r.aggregates[strings.ToUpper(name)]
}

// Table is the table function of that name, or nil.
func (r *registry) Table(name string) *functions.Table { return r.tables[strings.ToUpper(name)] }

// classes are the Java classes that CREATE FUNCTION ... AS 'class' may name.
var classes = map[string]*functions.Scalar{
	"com.github.nexmark.flink.udf.CountChar": text.CountChar,
}

// names lists every function name, sorted.
func (r *registry) names() []string {
	var out []string
	for n := range r.scalars {
		if n[0] >= 'A' && n[0] <= 'Z' && !strings.Contains(n, " ") {
			out = append(out, strings.ToLower(n))
		}
	}
	for n := range r.aggregates {
		out = append(out, strings.ToLower(n))
	}
	sort.Strings(out)
	return out
}
