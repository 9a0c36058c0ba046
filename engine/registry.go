package engine

import (
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/functions/builtin"
	"github.com/millrace/millrace/functions/text"
	"github.com/millrace/millrace/planner/bind"
)

// registry finds functions by name: the built-in ones and the session's own.
type registry struct {
	scalars    map[string]*functions.Scalar
	aggregates map[string]*functions.Aggregate
	tables     map[string]*functions.Table

	off bool // the built-in ones aren't used: USE MODULES without core

	// The session's own functions, which hide built-in ones of their name.
	own  map[string]*functions.Scalar // of a command, or a class of Java that is built in
	rows map[string]*functions.Table  // of a command
	sql  map[string]*bind.SQLFunction
}

func newRegistry() *registry {
	r := &registry{scalars: map[string]*functions.Scalar{}, aggregates: map[string]*functions.Aggregate{}, tables: map[string]*functions.Table{},
		own: map[string]*functions.Scalar{}, rows: map[string]*functions.Table{}, sql: map[string]*bind.SQLFunction{}}
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
func (r *registry) Scalar(name string) *functions.Scalar {
	name = strings.ToUpper(name)
	if f := r.own[name]; f != nil {
		return f
	}
	if r.off {
		return nil
	}
	return r.scalars[name]
}

// SQL is the function in SQL of that name, or nil.
func (r *registry) SQL(name string) *bind.SQLFunction { return r.sql[strings.ToUpper(name)] }

// user says whether the session has a function of its own of that name.
func (r *registry) user(name string) bool {
	return r.own[name] != nil || r.rows[name] != nil || r.sql[name] != nil
}

// forget takes the session's function of that name away.
func (r *registry) forget(name string) {
	delete(r.own, name)
	delete(r.rows, name)
	delete(r.sql, name)
}

// Aggregate is the aggregate function of that name, or nil.
func (r *registry) Aggregate(name string) *functions.Aggregate {
	if r.off {
		return nil
	}
	return r.aggregates[strings.ToUpper(name)]
}

// Table is the table function of that name, or nil.
func (r *registry) Table(name string) *functions.Table {
	name = strings.ToUpper(name)
	if f := r.rows[name]; f != nil {
		return f
	}
	if r.off {
		return nil
	}
	return r.tables[name]
}

// classes are the Java classes that CREATE FUNCTION ... AS 'class' may name.
var classes = map[string]*functions.Scalar{
	"com.github.nexmark.flink.udf.CountChar": text.CountChar,
}

// names lists every function name, sorted, in lower case.
func (r *registry) names() []string {
	out := r.userNames()
	if !r.off {
		for n := range r.scalars {
			if n[0] >= 'A' && n[0] <= 'Z' && !strings.Contains(n, " ") {
				out = append(out, strings.ToLower(n))
			}
		}
		for n := range r.aggregates {
			out = append(out, strings.ToLower(n))
		}
		for n := range r.tables {
			out = append(out, strings.ToLower(n))
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// userNames lists the session's own functions, sorted, in lower case.
func (r *registry) userNames() []string {
	var out []string
	for n := range r.own {
		out = append(out, strings.ToLower(n))
	}
	for n := range r.rows {
		out = append(out, strings.ToLower(n))
	}
	for n := range r.sql {
		out = append(out, strings.ToLower(n))
	}
	sort.Strings(out)
	return out
}

// Names lists every function name, for messages.
func (r *registry) Names() []string { return r.names() }
