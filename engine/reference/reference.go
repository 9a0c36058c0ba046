// Package reference makes the pages of docs/reference from what the code declares:
// functions, connectors, formats, sorts of catalog and settings. A page can't say
// what the code doesn't know, and a test fails when the files are stale. Start with
// Pages.
package reference

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	catalogs "github.com/millrace/millrace/catalog/all"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/functions/builtin"
)

// Function is a built-in function as its page shows it.
type Function struct {
	Name    string
	Kind    string // scalar, aggregate or table
	Aliases []string
	Doc     functions.Doc
	Sigs    []functions.Sig
	Class   functions.Class // of a scalar function
}

// named says whether a function is called by a name that can be written.
func named(name string) bool {
	for i, c := range name {
		if c != '_' && (c < 'A' || c > 'Z') && (i == 0 || c != '$' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// Functions are the built-in functions that say what they do, by name.
func Functions() []Function {
	var out []Function
	for _, f := range builtin.Scalars() {
		out = append(out, Function{Name: f.Name, Kind: "scalar", Aliases: f.Aliases, Doc: f.Doc, Sigs: f.Sigs, Class: f.Class})
	}
	for _, f := range agg.All {
		out = append(out, Function{Name: f.Name, Kind: "aggregate", Aliases: f.Aliases, Doc: f.Doc, Sigs: f.Sigs})
	}
	for _, f := range builtin.Tables() {
		out = append(out, Function{Name: f.Name, Kind: "table", Doc: f.Doc})
	}
	out = slices.DeleteFunc(out, func(f Function) bool { return !named(f.Name) || f.Doc.Text == "" })
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return slices.CompactFunc(out, func(a, b Function) bool { return a.Name == b.Name })
}

// FindFunction is the function of that name in any case, or its alias.
func FindFunction(name string) (Function, bool) {
	name = strings.ToUpper(name)
	for _, f := range Functions() {
		if f.Name == name || slices.Contains(f.Aliases, name) {
			return f, true
		}
	}
	return Function{}, false
}

// Page is the function's page as Markdown.
func (f Function) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", f.Name)
	if f.Doc.Usage != "" {
		fmt.Fprintf(&b, "    %s\n\n", f.Doc.Usage)
	}
	b.WriteString(f.Doc.Text + "\n")
	if len(f.Doc.Example) > 0 {
		b.WriteString("\n```\n" + strings.Join(f.Doc.Example, "\n") + "\n```\n")
	}
	b.WriteString("\n")
	kind := f.Kind
	if f.Kind == "scalar" && f.Class != functions.Deterministic {
		kind += ", not deterministic"
	}
	group := f.Doc.Group
	if group != "" {
		group = " (" + group + ")"
	}
	fmt.Fprintf(&b, "A %s function%s.", kind, group)
	if len(f.Aliases) > 0 {
		fmt.Fprintf(&b, " Also: %s.", strings.Join(f.Aliases, ", "))
	}
	b.WriteString("\n")
	var forms []string
	for _, s := range f.Sigs {
		if s.Infer == nil || len(s.Params) > 0 {
			forms = append(forms, "- `"+s.Describe(f.Name)+"`")
		}
	}
	if len(forms) > 0 {
		b.WriteString("\nArguments:\n\n" + strings.Join(forms, "\n") + "\n")
	}
	return b.String()
}

// options is a table of options.
func options(b *strings.Builder, prefix string, list []formats.Option) {
	if len(list) == 0 {
		b.WriteString("No options of its own.\n")
		return
	}
	b.WriteString("| option | values | default | |\n| --- | --- | --- | --- |\n")
	for _, o := range list {
		name := prefix + o.Name
		if o.Prefix {
			name += "*"
		}
		def := o.Default
		if o.Required {
			def = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, cell(values(o)), cell(def), cell(o.Doc))
	}
}

func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}

// values is what an option may be.
func values(o formats.Option) string {
	switch o.Type {
	case formats.IntOption:
		return "integer"
	case formats.FloatOption:
		return "number"
	case formats.BoolOption:
		return "true, false"
	case formats.DurationOption:
		return "duration (`10 s`)"
	case formats.MemoryOption:
		return "size (`128 mb`)"
	case formats.EnumOption:
		return strings.Join(o.Enum, ", ")
	case formats.MapOption:
		return "`k1:v1,k2:v2`"
	case formats.ListOption:
		return "list (`a;b`)"
	}
	return "text"
}

// Pages are the files of docs/reference, by their path in it.
func Pages() map[string]string {
	out := map[string]string{}
	groups := map[string][]Function{}
	for _, f := range Functions() {
		out["functions/"+strings.ToLower(f.Name)+".md"] = f.Page()
		groups[f.Doc.Group] = append(groups[f.Doc.Group], f)
	}
	out["functions/README.md"] = functionIndex(groups)
	var index strings.Builder
	index.WriteString("# Reference\n\nMade from what the code declares: `make docs` writes these pages.\n\n- [Functions](functions/README.md)\n- [Settings](settings.md)\n- [Catalogs](catalogs.md)\n\nConnectors:\n\n")
	for _, c := range engine.Connectors() {
		var can []string
		for _, x := range []struct {
			on   bool
			word string
		}{{c.Source != nil, "source"}, {c.Sink != nil, "sink"}, {c.Lookup != nil, "look-up table"}} {
			if x.on {
				can = append(can, x.word)
			}
		}
		var b strings.Builder
		fmt.Fprintf(&b, "# Connector %s\n\n%s\n\nUse as: %s.\n\n", c.Name, c.Doc, strings.Join(can, ", "))
		options(&b, "", c.Options)
		out["connectors/"+c.Name+".md"] = b.String()
		fmt.Fprintf(&index, "- [%s](connectors/%s.md): %s\n", c.Name, c.Name, c.Doc)
	}
	index.WriteString("\nFormats:\n\n")
	for _, f := range engine.Formats() {
		var b strings.Builder
		fmt.Fprintf(&b, "# Format %s\n\n%s\n\nReads: %s. Writes: %s.\n\n", f.Name, f.Doc, yes(f.Decoder != nil || f.OpenFile != nil), yes(f.Encoder != nil || f.CreateFile != nil))
		options(&b, f.Name+".", f.Options)
		out["formats/"+f.Name+".md"] = b.String()
		fmt.Fprintf(&index, "- [%s](formats/%s.md): %s\n", f.Name, f.Name, f.Doc)
	}
	out["README.md"] = index.String()
	out["catalogs.md"] = catalogPage()
	out["settings.md"] = settingsPage()
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func functionIndex(groups map[string][]Function) string {
	var names []string
	for g := range groups {
		names = append(names, g)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("# Functions\n")
	for _, g := range names {
		title := g
		if title == "" {
			title = "other"
		}
		fmt.Fprintf(&b, "\n## %s\n\n", title)
		for _, f := range groups[g] {
			fmt.Fprintf(&b, "- [%s](%s.md): %s\n", f.Name, strings.ToLower(f.Name), first(f.Doc.Text))
		}
	}
	return b.String()
}

// first is a text's first sentence.
func first(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

func catalogPage() string {
	var b strings.Builder
	b.WriteString("# Catalogs\n\n`CREATE CATALOG name WITH ('type' = '...', ...)`. The default catalog lives as long as the session; `--catalog DIR` keeps it on disk.\n")
	for _, k := range catalogs.Kinds {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| option | default | |\n| --- | --- | --- |\n", k.Type, k.Doc)
		for _, o := range k.Options {
			def := o.Default
			if o.Required {
				def = "required"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, cell(def), cell(o.Doc))
		}
	}
	return b.String()
}

func settingsPage() string {
	var b strings.Builder
	b.WriteString("# Settings\n\n`SET 'key' = 'value'`; `-D key=value` wins over it. Keys that aren't listed are kept and do nothing; `millrace run` says so of each.\n\n| key | |\n| --- | --- |\n")
	list := append([]engine.Setting(nil), engine.KnownSettings...)
	sort.Slice(list, func(i, j int) bool { return list[i].Key < list[j].Key })
	for _, s := range list {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.Key, cell(s.Doc))
	}
	return b.String()
}
