package bind

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// ResolveTable finds a table, its connector and format, and checks its options,
// with those of hints on top.
func (b *Binder) ResolveTable(name *ast.Name, hints []ast.Hint) (out *logical.Table, err error) {
	defer catch(&err)
	path, def, err := b.Names.Resolve(name)
	if err != nil {
		return nil, err
	}
	at := name.Span()
	t := &logical.Table{Path: path, Def: def, Options: def.Options, Full: &types.Schema{}, Columns: &types.Schema{}}
	for _, h := range hints {
		if !strings.EqualFold(h.Name.Name, "OPTIONS") {
			continue
		}
		for _, a := range h.Args {
			t.Options = append(t.Options[:len(t.Options):len(t.Options)], catalog.Option{Key: a.Key.Value, Value: a.Value.Value, At: a.Span()})
		}
	}
	for _, c := range def.Columns {
		f := types.Field{Name: c.Name, Type: c.Type}
		t.Columns.Fields = append(t.Columns.Fields, f)
		switch {
		case c.Metadata != nil:
			key := c.Metadata.Key
			if key == "" {
				key = c.Name
			}
			t.Meta = append(t.Meta, connectors.Metadata{Key: key, Type: c.Type.Plain(), Virtual: c.Metadata.Virtual})
			t.MetaNames = append(t.MetaNames, c.Name)
		case c.Computed == nil:
			f.Type = f.Type.Plain()
			t.Full.Fields = append(t.Full.Fields, f)
		}
	}
	for _, k := range def.Key {
		t.Key = append(t.Key, t.Columns.Index(k))
	}
	b.options(t, at)
	return t, nil
}

// options finds connector and format and checks every option against what they
// declare.
func (b *Binder) options(t *logical.Table, at sqlerr.Span) {
	set, where := map[string]string{}, map[string]sqlerr.Span{}
	for _, o := range t.Options {
		set[o.Key], where[o.Key] = o.Value, o.At
	}
	name, ok := set["connector"]
	if !ok {
		failf(sqlerr.Option, at, "table %s has no option 'connector'", t.Path.Dotted())
	}
	if t.Connector = b.Connector(name); t.Connector == nil {
		failf(sqlerr.Option, where["connector"], "connector %q is not known", name)
	}
	delete(set, "connector")
	declared := t.Connector.Options
	values := map[string]string{}
	take := func(option, prefix string) (*formats.Format, formats.Values) {
		f := set[option]
		format := b.Format(f)
		if format == nil {
			failf(sqlerr.Option, where[option], "format %q is not known", f)
		}
		own := map[string]string{}
		for k, v := range set {
			if rest, ok := strings.CutPrefix(k, prefix+f+"."); ok {
				own[rest] = v
				check(rest, v, format.Options, where[k], "format "+f)
				delete(set, k)
			}
		}
		for _, o := range format.Options {
			if _, ok := own[o.Name]; o.Required && !ok {
				failf(sqlerr.Option, where[option], "table %s: format %q needs option '%s%s.%s'", t.Path.Dotted(), f, prefix, f, o.Name)
			}
		}
		return format, formats.Values{Set: own, Declared: format.Options}
	}
	keyed := declares(declared, "value.format")
	if set["format"] != "" && set["value.format"] != "" && keyed {
		failf(sqlerr.Option, where["value.format"], "options 'format' and 'value.format' can't both be set")
	}
	if _, ok := set["format"]; ok {
		t.Format.Format, t.Format.Spec.Options = take("format", "")
	} else if _, ok := set["value.format"]; ok && keyed {
		t.Format.Format, t.Format.Spec.Options = take("value.format", "value.")
	}
	if _, ok := set["key.format"]; ok && keyed {
		t.Format.KeyFormat, t.Format.KeySpec.Options = take("key.format", "key.")
	}
	for k, v := range set {
		if k == "format" || strings.HasPrefix(k, "scan.watermark.") {
			values[k] = v
			continue
		}
		check(k, v, declared, where[k], "connector "+name)
		values[k] = v
	}
	for _, o := range declared {
		if _, ok := values[o.Name]; o.Required && !ok {
			failf(sqlerr.Option, at, "table %s: connector %q needs option '%s'", t.Path.Dotted(), name, o.Name)
		}
	}
	t.Values = formats.Values{Set: values, Declared: declared}
}

func declares(options []formats.Option, name string) bool {
	return slices.ContainsFunc(options, func(o formats.Option) bool { return o.Name == name })
}

func check(key, value string, declared []formats.Option, at sqlerr.Span, who string) {
	var names []string
	for _, o := range declared {
		if o.Name == key || o.Prefix && strings.HasPrefix(key, o.Name) {
			if err := o.Check(value); err != nil {
				failf(sqlerr.Option, at, "%s", err)
			}
			return
		}
		names = append(names, o.Name)
	}
	fail(sqlerr.New(sqlerr.Option, at, "%s has no option '%s'%s", who, key, sqlerr.DidYouMean(key, names)).WithHint("its options are: %s", strings.Join(names, ", ")))
}

// assignable is Flink's implicit cast into a sink: within a family, widening or
// not by kind.
func assignable(from, to types.Type) bool {
	switch {
	case from.Kind == types.Null, from.Plain().Same(to.Plain()):
		return true
	case from.IsNumeric() && to.IsNumeric():
		return true
	case from.IsString() && to.IsString(), from.IsBytes() && to.IsBytes():
		return true
	case from.IsTimestamp() && to.IsTimestamp(), from.Kind == types.Date && to.IsTimestamp():
		return true
	case from.Kind == to.Kind && len(from.Fields) == len(to.Fields):
		for i := range from.Fields {
			if !assignable(from.Fields[i].Type, to.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return false
}
