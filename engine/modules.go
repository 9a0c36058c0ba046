package engine

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// modules are the sets of functions that are loaded and used. There is one, core:
// what isn't used can't be called.
type modules struct {
	loaded, used []string
	funcs        *registry
}

func newModules(funcs *registry) *modules {
	return &modules{loaded: []string{"core"}, used: []string{"core"}, funcs: funcs}
}

func (m *modules) apply(used []string) {
	m.used = used
	m.funcs.off = !slices.Contains(used, "core")
}

func (m *modules) load(stmt *ast.LoadModule) error {
	name := stmt.Name.Name
	if slices.Contains(m.loaded, name) {
		return sqlerr.New(sqlerr.Exists, stmt.Name.Span(), "A module with name '%s' already exists", name)
	}
	if name != "core" {
		if slices.Contains([]string{"hive", "state", "openai"}, name) {
			return sqlerr.Unsupported(stmt.Name.Span(), "module "+name)
		}
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "there is no module %q", name).WithHint("modules are: core")
	}
	if len(stmt.Options) > 0 {
		return sqlerr.New(sqlerr.Option, stmt.Options[0].Span(), "module %q has no options", name)
	}
	m.loaded = append(m.loaded, name)
	m.apply(append(m.used, name))
	return nil
}

func (m *modules) missing(at sqlerr.Span, name string) error {
	return sqlerr.New(sqlerr.NotFound, at, "No module with name '%s' exists%s", name, sqlerr.DidYouMean(name, m.loaded))
}

func (m *modules) unload(stmt *ast.UnloadModule) error {
	name := stmt.Name.Name
	i := slices.Index(m.loaded, name)
	if i < 0 {
		return m.missing(stmt.Name.Span(), name)
	}
	m.loaded = slices.Delete(m.loaded, i, i+1)
	m.apply(slices.DeleteFunc(m.used, func(x string) bool { return x == name }))
	return nil
}

func (m *modules) use(stmt *ast.UseModules) error {
	var used []string
	for _, n := range stmt.Names {
		if slices.Contains(used, n.Name) {
			return sqlerr.New(sqlerr.Invalid, n.Span(), "Module '%s' appears more than once", n.Name)
		}
		if !slices.Contains(m.loaded, n.Name) {
			return m.missing(n.Span(), n.Name)
		}
		used = append(used, n.Name)
	}
	m.apply(used)
	return nil
}

// fullModules answers SHOW FULL MODULES: those used in their order, then the rest.
func (s *Session) fullModules(out Output) error {
	schema := types.NewSchema(types.Field{Name: "module name", Type: types.StringType}, types.Field{Name: "used", Type: types.BooleanType})
	var rows [][]any
	for _, n := range s.modules.used {
		rows = append(rows, []any{n, true})
	}
	for _, n := range s.modules.loaded {
		if !slices.Contains(s.modules.used, n) {
			rows = append(rows, []any{n, false})
		}
	}
	return answerRows(out, schema, rows)
}

// alterFunction is ALTER FUNCTION.
func (s *Session) alterFunction(stmt *ast.AlterFunction) error {
	name := strings.ToUpper(stmt.Name.Last().Name)
	if stmt.System {
		return sqlerr.New(sqlerr.Invalid, stmt.Span(), "Alter temporary system function is not supported")
	}
	if !s.funcs.user(name) {
		if stmt.IfExists {
			return nil
		}
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "Function %s does not exist%s", stmt.Name, sqlerr.DidYouMean(strings.ToLower(name), s.funcs.userNames()))
	}
	f, ok := classes[stmt.As.Value]
	if !ok {
		return sqlerr.New(sqlerr.NotSupported, stmt.As.Span(), "class %q isn't built in, and Millrace runs no Java", stmt.As.Value)
	}
	s.funcs.forget(name)
	s.funcs.own[name] = f
	return nil
}
