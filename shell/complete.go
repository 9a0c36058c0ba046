package shell

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/shell/lineedit"
	"github.com/millrace/millrace/types"
)

// complete answers what may stand for the word before the cursor: it looks at the
// tokens of the statement so far and decides what is wanted there, a table, a
// column in scope, an option, a setting, a function or a keyword.
func (s *Shell) complete(before, after string) []lineedit.Suggestion {
	text := before
	if s.pending != "" {
		text = s.pending + "\n" + before
	}
	_, text = parser.Split(text)
	c := &completion{shell: s, text: text, after: after, toks: parser.Tokens(text)}
	c.cut()
	if c.comment {
		return nil
	}
	return c.suggest()
}

// completion is one question.
type completion struct {
	shell   *Shell
	text    string
	after   string         // what stands behind the cursor
	toks    []parser.Token // before the word
	word    string         // what is typed of it
	quoted  bool           // inside a string
	comment bool
	out     []lineedit.Suggestion
}

// cut takes the word off the end.
func (c *completion) cut() {
	n := len(c.toks)
	if n == 0 {
		return
	}
	switch last := c.toks[n-1]; {
	case last.Kind == parser.Comment && last.End == len(c.text) && !strings.HasSuffix(last.Text, "*/"):
		c.comment = true
	case last.Kind == parser.Illegal && strings.HasPrefix(last.Text, "'"):
		c.quoted = true
		c.word = last.Text[1:]
		c.toks = c.toks[:n-1]
	case last.Kind == parser.Illegal && strings.HasPrefix(last.Text, "`"):
		c.word = last.Text[1:]
		c.toks = c.toks[:n-1]
	case last.Kind == parser.Word && last.End == len(c.text):
		c.word = last.Text
		c.toks = c.toks[:n-1]
	}
}

// at is the nth token from the end, in upper case for words; "" beyond.
func (c *completion) at(n int) string {
	if i := len(c.toks) - n; i >= 0 {
		if t := c.toks[i]; t.Kind == parser.Word {
			return t.Upper
		} else {
			return t.Text
		}
	}
	return ""
}

func (c *completion) suggest() []lineedit.Suggestion {
	switch {
	case c.quoted:
		c.literal()
	case len(c.toks) == 0:
		if c.word != "" {
			c.words(starts...)
		}
	case c.at(1) == ".":
		c.member()
	case c.wantsTable():
		c.tables()
	case c.at(1) == "USE":
		c.names(c.shell.Session.Databases(), "database")
		c.words("CATALOG")
	case c.at(2) == "USE" && c.at(1) == "CATALOG":
		c.names(c.shell.Session.Catalogs(), "catalog")
	case slices.Contains([]string{"SHOW", "CREATE", "DROP", "DESCRIBE", "DESC", "EXPLAIN", "STOP", "ALTER"}, c.at(1)) && len(c.toks) == 1:
		c.words(follows[c.at(1)]...)
		if c.at(1) == "DESCRIBE" || c.at(1) == "DESC" {
			c.tables()
		}
	case c.word != "":
		c.columns()
		c.functions()
		c.words(parser.Keywords()...)
	}
	return c.ordered()
}

// starts begin a statement.
var starts = []string{"SELECT", "INSERT INTO", "CREATE TABLE", "CREATE VIEW", "CREATE TEMPORARY TABLE", "CREATE FUNCTION", "DESCRIBE", "DROP TABLE", "DROP VIEW", "EXECUTE STATEMENT SET BEGIN",
	"EXPLAIN", "SET", "RESET", "SHOW TABLES", "SHOW JOBS", "SHOW VIEWS", "SHOW FUNCTIONS", "SHOW CREATE TABLE", "SHOW CATALOGS", "SHOW DATABASES", "STOP JOB", "USE", "WITH", "VALUES", "HELP", "QUIT", "CLEAR"}

var follows = map[string][]string{
	"SHOW":     {"TABLES", "VIEWS", "JOBS", "FUNCTIONS", "CATALOGS", "DATABASES", "CREATE TABLE", "CREATE VIEW", "CURRENT CATALOG", "CURRENT DATABASE", "JARS", "SPLITS"},
	"CREATE":   {"TABLE", "TEMPORARY TABLE", "VIEW", "TEMPORARY VIEW", "FUNCTION", "TEMPORARY FUNCTION", "DATABASE", "CATALOG"},
	"DROP":     {"TABLE", "VIEW", "FUNCTION", "DATABASE"},
	"ALTER":    {"TABLE", "VIEW", "DATABASE", "FUNCTION"},
	"DESCRIBE": {"FUNCTION", "JOB"},
	"DESC":     {"FUNCTION", "JOB"},
	"EXPLAIN":  {"SELECT", "INSERT INTO", "CHANGELOG_MODE", "ANALYZE"},
	"STOP":     {"JOB"},
}

// wantsTable says that a table's name comes next.
func (c *completion) wantsTable() bool {
	switch c.at(1) {
	case "FROM":
		return c.at(2) != "DISTINCT" && !c.inCall("EXTRACT", "TRIM", "SUBSTRING", "OVERLAY")
	case "JOIN", "INTO", "OVERWRITE":
		return true
	case "TABLE", "VIEW":
		switch c.at(2) {
		case "DROP", "ALTER", "TRUNCATE", "ANALYZE", "(", "CREATE":
			return c.at(2) != "CREATE" || c.at(3) == "SHOW"
		}
	case ",":
		return c.clause() == "FROM" && c.depth() == 0
	}
	return false
}

// depth counts the parentheses that are open.
func (c *completion) depth() (n int) {
	for _, t := range c.toks {
		if t.Kind == parser.Op && t.Text == "(" {
			n++
		} else if t.Kind == parser.Op && t.Text == ")" {
			n--
		}
	}
	return n
}

// open is the token before the innermost open parenthesis and where it stands, -1
// for none.
func (c *completion) open() (word string, at int) {
	depth := 0
	for i := len(c.toks) - 1; i >= 0; i-- {
		t := c.toks[i]
		if t.Kind != parser.Op {
			continue
		}
		switch t.Text {
		case ")":
			depth++
		case "(":
			if depth--; depth < 0 {
				if i > 0 {
					return c.toks[i-1].Upper, i
				}
				return "", i
			}
		}
	}
	return "", -1
}

func (c *completion) inCall(names ...string) bool {
	w, at := c.open()
	return at >= 0 && slices.Contains(names, w)
}

// clause is the last word that begins a clause.
func (c *completion) clause() string {
	for i := len(c.toks) - 1; i >= 0; i-- {
		switch w := c.toks[i].Upper; w {
		case "SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "ON", "VALUES", "WITH", "SET":
			return w
		}
	}
	return ""
}

// literal completes inside a string: options and their values, settings.
func (c *completion) literal() {
	word, at := c.open()
	switch {
	case at >= 0 && (word == "WITH" || word == "OPTIONS"):
		set := c.options(at)
		if word == "OPTIONS" { // a hint: the table stands before it
			set = c.hinted(at, set)
		}
		if c.at(1) == "=" {
			c.optionValue(c.at(2), set)
		} else if c.at(1) == "(" || c.at(1) == "," {
			c.optionNames(set)
		}
	case c.at(1) == "SET" || c.at(1) == "RESET":
		for _, x := range engine.KnownSettings {
			c.add(x.Key, x.Doc)
		}
	case c.at(1) == "=" && c.at(3) == "SET":
		c.settingValue(c.at(2))
	case c.at(1) == "JOB":
		for _, j := range c.shell.Session.Jobs().Running() {
			c.add(j.ID, j.Name)
		}
	}
}

// options are the keys and values given so far behind the parenthesis at i.
func (c *completion) options(i int) map[string]string {
	set := map[string]string{}
	for k := i; k+2 < len(c.toks); k++ {
		if c.toks[k].Kind == parser.String && c.toks[k+1].Text == "=" && c.toks[k+2].Kind == parser.String {
			set[c.toks[k].Text] = c.toks[k+2].Text
		}
	}
	return set
}

// hinted adds what the hinted table's definition says.
func (c *completion) hinted(at int, set map[string]string) map[string]string {
	i := at - 3 // name /*+ OPTIONS (
	if i < 0 || c.toks[i+1].Text != "/*+" {
		return set
	}
	var path []string
	for ; i >= 0; i -= 2 {
		path = append([]string{c.toks[i].Text}, path...)
		if i < 1 || c.toks[i-1].Text != "." {
			break
		}
	}
	for _, key := range []string{"connector", "format", "key.format", "value.format"} {
		if v := c.shell.Session.TableOption(key, path...); v != "" && set[key] == "" {
			set[key] = v
		}
	}
	return set
}

func (c *completion) optionNames(set map[string]string) {
	add := func(prefix string, list []formats.Option) {
		for _, o := range list {
			if _, given := set[prefix+o.Name]; !given {
				c.add(prefix+o.Name, optionDoc(o))
			}
		}
	}
	if set["connector"] == "" {
		c.add("connector", "what the table is")
	}
	for _, k := range engine.Connectors() {
		if k.Name == set["connector"] {
			add("", k.Options)
		}
	}
	for _, f := range engine.Formats() {
		for _, key := range []string{"format", "value.format", "key.format"} {
			if f.Name == set[key] {
				add(strings.TrimSuffix(key, "format")+f.Name+".", f.Options)
			}
		}
	}
}

func optionDoc(o formats.Option) string {
	doc := o.Doc
	if o.Default != "" {
		doc += " (" + o.Default + ")"
	}
	if o.Required {
		doc = "required: " + doc
	}
	return doc
}

func (c *completion) optionValue(key string, set map[string]string) {
	if key == "connector" {
		for _, k := range engine.Connectors() {
			c.add(k.Name, k.Doc)
		}
		return
	}
	if key == "format" || strings.HasSuffix(key, ".format") {
		for _, f := range engine.Formats() {
			c.add(f.Name, f.Doc)
		}
		return
	}
	value := func(prefix string, list []formats.Option) {
		for _, o := range list {
			if prefix+o.Name != key {
				continue
			}
			switch o.Type {
			case formats.BoolOption:
				c.add("true", "")
				c.add("false", "")
			case formats.EnumOption:
				for _, e := range o.Enum {
					c.add(e, "")
				}
			}
		}
	}
	for _, k := range engine.Connectors() {
		if k.Name == set["connector"] {
			value("", k.Options)
		}
	}
	for _, f := range engine.Formats() {
		value(f.Name+".", f.Options)
	}
}

// settingValues are those of settings that take few.
var settingValues = map[string][]string{
	modeKey:                                {"table", "changelog", "tableau"},
	"execution.runtime-mode":               {"streaming", "batch"},
	"table.dml-sync":                       {"true", "false"},
	"millrace.detached":                    {"true", "false"},
	"millrace.why":                         {"true", "false"},
	"millrace.state":                       {"arena", "plain"},
	"table.exec.mini-batch.enabled":        {"true", "false"},
	"table.exec.sink.upsert-materialize":   {"auto", "none", "force"},
	"table.exec.sink.not-null-enforcer":    {"error", "drop"},
	"parallelism.default":                  {"auto"},
	"table.exec.emit.early-fire.enabled":   {"true", "false"},
	"table.exec.sink.type-length-enforcer": {"ignore", "trim-pad", "error"},
}

func (c *completion) settingValue(key string) {
	for _, v := range settingValues[key] {
		c.add(v, "")
	}
}

// member completes behind a dot: a table's columns, or a database's tables.
func (c *completion) member() {
	if len(c.toks) < 2 {
		return
	}
	owner := c.toks[len(c.toks)-2].Text
	for _, t := range c.scope() {
		if t.alias == owner {
			c.fields(t.fields())
			return
		}
	}
	c.names(c.shell.Session.Tables(owner), "table")
}

// scoped is a table of the statement.
type scoped struct {
	c     *completion
	path  []string
	alias string
}

func (t scoped) fields() []types.Field { return t.c.shell.Session.Columns(t.path...) }

// scope finds the tables that the statement names, before and behind the cursor as
// far as it was typed.
func (c *completion) scope() (out []scoped) {
	toks := parser.Tokens(c.text + " " + c.after)
	whole := *c
	whole.toks = toks
	c = &whole
	name := func(i int) (path []string, next int) {
		for i < len(toks) && (toks[i].Kind == parser.Word && !parser.Reserved(toks[i].Upper) || toks[i].Kind == parser.Quoted) {
			path = append(path, toks[i].Text)
			if i++; i >= len(toks) || toks[i].Text != "." {
				break
			}
			i++
		}
		return path, i
	}
	for i := 0; i < len(toks); i++ {
		switch toks[i].Upper {
		case "FROM", "JOIN", "INTO", "TABLE":
		default:
			if !(toks[i].Text == "," && c.clauseAt(i) == "FROM") {
				continue
			}
		}
		path, next := name(i + 1)
		if len(path) == 0 {
			continue
		}
		t := scoped{c: c, path: path, alias: path[len(path)-1]}
		if next < len(toks) && toks[next].Upper == "AS" {
			next++
		}
		if next < len(toks) && toks[next].Kind == parser.Word && !parser.Reserved(toks[next].Upper) {
			t.alias = toks[next].Text
		}
		out = append(out, t)
	}
	return out
}

func (c *completion) clauseAt(i int) string {
	d := *c
	d.toks = c.toks[:i]
	return d.clause()
}

// columns are those of the tables in scope; while none is named yet, of all tables.
func (c *completion) columns() {
	scope := c.scope()
	for _, t := range scope {
		c.fields(t.fields())
		c.add(t.alias, "table")
	}
	if len(scope) == 0 && c.clause() == "SELECT" {
		for _, t := range c.shell.Session.Tables("") {
			for _, f := range c.shell.Session.Columns(t) {
				c.add(quoteName(f.Name), f.Type.String()+" of "+t)
			}
		}
	}
}

func (c *completion) fields(list []types.Field) {
	for _, f := range list {
		c.add(quoteName(f.Name), f.Type.String())
	}
}

func (c *completion) tables() {
	c.names(c.shell.Session.Tables(""), "table")
	if c.at(1) == "FROM" || c.at(1) == "JOIN" {
		c.words("TABLE(TUMBLE(TABLE", "LATERAL TABLE(", "UNNEST(")
	}
}

func (c *completion) functions() {
	for _, f := range c.shell.Session.Functions() {
		doc := f.Doc.Usage
		if doc == "" {
			doc, _, _ = strings.Cut(f.Doc.Text, ".")
		}
		c.add(strings.ToUpper(f.Name)+"(", doc)
	}
}

func (c *completion) names(list []string, doc string) {
	for _, n := range list {
		c.add(quoteName(n), doc)
	}
}

func (c *completion) words(list ...string) {
	for _, w := range list {
		c.add(w, "")
	}
}

// quoteName puts back-ticks around a name that needs them.
func quoteName(n string) string {
	if q := types.Ident(n); strings.ContainsAny(n, " -.`") || parser.Reserved(strings.ToUpper(n)) {
		if !strings.HasPrefix(q, "`") {
			return "`" + n + "`"
		}
		return q
	}
	return n
}

// add takes a suggestion that begins with the word. go-prompt replaces only what
// stands behind the last separator of the word, so only that part is answered.
func (c *completion) add(text, doc string) {
	if len(text) < len(c.word) || !strings.EqualFold(text[:len(c.word)], c.word) || text == c.word {
		return
	}
	at := strings.LastIndexAny(c.word, lineedit.Separators)
	c.out = append(c.out, lineedit.Suggestion{Text: text[at+1:], Doc: doc})
}

// ordered drops repeats; what was added first comes first.
func (c *completion) ordered() []lineedit.Suggestion {
	seen := map[string]bool{}
	out := c.out[:0]
	for _, s := range c.out {
		if !seen[s.Text] {
			seen[s.Text] = true
			out = append(out, s)
		}
	}
	return out
}
