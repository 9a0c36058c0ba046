package mysqlcdc

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/parser/mysql"
)

// shadows are the names that tools give the table that they fill beside the one they
// change, and swap with it, and that of the old one afterwards.
var shadows = []struct {
	tool string
	name *regexp.Regexp
}{
	{"gh-ost", regexp.MustCompile(`^_(.+?)(?:_[0-9]{14})?_(?:gho|ghc|del)$`)},
	{"pt-online-schema-change", regexp.MustCompile(`^_+(.+)_(?:new|old)$`)},
}

// tool is the tool whose shadow table has a name, and the table it's the shadow of.
func tool(name string) (tool, of string) {
	for _, s := range shadows {
		if m := s.name.FindStringSubmatch(name); m != nil {
			return s.tool, m[1]
		}
	}
	return "", ""
}

// shadowOf is the captured table whose shadow another one is, "" for none.
func (d *database) shadowOf(db, name string) string {
	if _, of := tool(name); of != "" && d.database.MatchString(db) && d.config.table.MatchString(of) {
		return of
	}
	return ""
}

// rewrite is what a statement makes of tables.
type rewrite struct {
	*logReader
	stmt string
	at   cdc.Pos         // behind it
	now  map[string]*def // by ID
	read map[string]bool // those that the server had to be asked for
}

// structure is the definitions that a statement changes. It is read by the parser;
// where that can't, the server is asked for what it has now, which holds from where
// its log ends then.
func (l *logReader) structure(ctx context.Context, words []string, stmt, schema string, at cdc.Pos) ([]def, error) {
	if words[0] == "DROP" && len(words) > 1 && (strings.EqualFold(words[1], "DATABASE") || strings.EqualFold(words[1], "SCHEMA")) {
		db := words[len(words)-1]
		for id, t := range l.known() {
			if t.Def.DB == db && !t.Def.empty(at) {
				if err := l.emptied(id, stmt); err != nil {
					return nil, err
				}
			}
		}
		return nil, nil
	}
	names := l.named(words[1:], schema, false)
	if len(names) == 0 {
		return nil, nil
	}
	w := &rewrite{logReader: l, stmt: stmt, at: at, now: map[string]*def{}, read: map[string]bool{}}
	text := strings.TrimSuffix(strings.TrimRight(stmt, "; \n"), "START TRANSACTION") // of CREATE TABLE ... SELECT
	changes, err := mysql.ParseDDL(text)
	if err != nil || strings.Contains(stmt, "/*M!") {
		if err := w.unread(ctx, words, names, err); err != nil {
			return nil, err
		}
	}
	var renames []mysql.Change
	for _, c := range changes {
		if c.Schema == "" {
			c.Schema = schema
		}
		if c.Kind == mysql.Rename {
			if c.NewSchema == "" {
				c.NewSchema = schema
			}
			renames = append(renames, c)
			continue
		}
		if err := w.apply(ctx, c, schema); err != nil {
			return nil, err
		}
	}
	if err := w.renamed(ctx, renames); err != nil {
		return nil, err
	}
	return w.allowed()
}

func (l *logReader) known() map[string]*table {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]*table{}
	for id, t := range l.tables {
		out[id] = t
	}
	return out
}

// empty says that no row of a table has been told that was there before a place: its
// rows are read later, or the log has only begun.
func (x *def) empty(at cdc.Pos) bool {
	return x.Since != nil && at.Before(*x.Since) || x.Start == nil && !x.Told && at.Before(x.asof())
}

func (l *logReader) emptied(id, stmt string) error {
	if l.truncate == "ignore" {
		return nil
	}
	return fmt.Errorf("%s was emptied by %q, and the log doesn't list the rows that went; 'scan.truncate' = 'ignore' goes on with the rows kept downstream", id, clip(stmt))
}

func (l *logReader) refused(id, what, stmt string) error {
	if stmt != "" {
		what += " (" + clip(stmt) + ")"
	}
	return fmt.Errorf("%s changed its structure: %s. 'scan.schema-change' = 'widen' or 'ignore' goes on where the declared columns allow it; else change the CREATE TABLE and start from the position kept", id, what)
}

// unread takes a statement that the parser can't read.
func (w *rewrite) unread(ctx context.Context, words, names []string, err error) error {
	for _, id := range names {
		if w.def(id) == nil {
			continue // its first row tells
		}
		if words[0] == "CREATE" || words[0] == "DROP" || words[0] == "TRUNCATE" {
			if err := w.emptied(id, w.stmt); err != nil {
				return err
			}
		}
		if !w.said && err != nil {
			w.said = true
			fmt.Fprintf(os.Stderr, "mysql-cdc: table %s: a statement of %s's log can't be read (%v), so its structure is taken from the server as it is now: %s\n", id, w.server, err, clip(w.stmt))
		}
		if err := w.reread(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// def is a known table's definition so far, nil for none.
func (w *rewrite) def(id string) *def {
	if x := w.now[id]; x != nil {
		return x
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tables[id]; t != nil {
		x := t.Def
		x.Cols, x.Key = slices.Clone(x.Cols), slices.Clone(x.Key)
		return &x
	}
	return nil
}

// reread takes a table's definition from the server.
func (w *rewrite) reread(ctx context.Context, id string) error {
	if w.read[id] {
		return nil
	}
	list, err := w.look(ctx, id)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		if w.change == "ignore" {
			return nil
		}
		return fmt.Errorf("%s is gone after %q", id, clip(w.stmt))
	}
	if x := w.def(id); x != nil {
		list[0].Since = x.Since
	}
	w.now[id], w.read[id] = &list[0], true
	return nil
}

// apply makes one change.
func (w *rewrite) apply(ctx context.Context, c mysql.Change, schema string) error {
	id := c.Schema + "." + c.Name
	x := w.def(id)
	if w.read[id] || x != nil && x.Since != nil && w.at.Before(*x.Since) {
		return nil // its rows are read later, with the definition of then
	}
	past := x != nil && w.at.Before(x.asof())
	switch {
	case past && c.Kind == mysql.Create && !c.IfNotExists:
		// The log is read from long ago: this is what the table was.
		y := &def{DB: x.DB, Name: x.Name, Collation: c.Table.Collation, Start: x.Asof}
		if err := w.collated(ctx, y, c.Table.Charset); err != nil {
			return err
		}
		return w.columns(ctx, y, c.Table)
	case c.Kind == mysql.Drop || c.Kind == mysql.Truncate:
		if x == nil || x.empty(w.at) {
			return nil
		}
		return w.emptied(id, w.stmt)
	case past:
		return nil // the definition was read behind it
	}
	switch c.Kind {
	case mysql.Create, mysql.CreateLike:
		if x != nil && c.IfNotExists || x == nil && (!w.captured(c.Schema, c.Name) || w.shadowOf(c.Schema, c.Name) != "") {
			return nil
		}
		if x != nil {
			if err := w.emptied(id, w.stmt); err != nil {
				return err
			}
		}
		if c.Kind == mysql.CreateLike {
			like := c.Like
			if !strings.Contains(like, ".") {
				like = schema + "." + like
			}
			from := w.def(like)
			if from == nil {
				if x == nil {
					return nil // its first row tells
				}
				return w.reread(ctx, id)
			}
			y := *from
			y.DB, y.Name = c.Schema, c.Name
			return w.set(&y)
		}
		y := &def{DB: c.Schema, Name: c.Name, Collation: c.Table.Collation}
		if err := w.collated(ctx, y, c.Table.Charset); err != nil {
			return err
		}
		return w.columns(ctx, y, c.Table)
	case mysql.Other:
		return nil
	}
	if x == nil {
		return nil
	}
	if c.Kind == mysql.Retext || (c.Kind == mysql.Rekey || c.Kind == mysql.SetKey || c.Kind == mysql.DropKey) && (x.Unique || len(x.Key) == 0) {
		return w.reread(ctx, id)
	}
	if c.Kind == mysql.Rekey {
		return nil
	}
	t := &mysql.Table{Schema: x.DB, Name: x.Name, Key: slices.Clone(x.Key)}
	for _, col := range x.Cols {
		typ, _ := sqldb.MySQLType(col.Type)
		y := mysql.Column{Name: col.Name, MySQL: col.Type, Collation: col.Collation, Type: typ.WithNull(col.Null), Comment: kept}
		t.Columns = append(t.Columns, y)
	}
	if err := t.Apply(c); err != nil { // what is known isn't what the statement was made for
		return w.reread(ctx, id)
	}
	return w.columns(ctx, x, t)
}

// kept marks a column that a statement leaves as it is known.
const kept = "\x00kept"

func (w *rewrite) set(x *def) error {
	at := w.at
	x.Asof = &at
	w.now[x.DB+"."+x.Name] = x
	return nil
}

// columns makes a table's columns x's.
func (w *rewrite) columns(ctx context.Context, x *def, t *mysql.Table) error {
	x.Cols = nil
	for _, c := range t.Columns {
		col := colDef{Name: c.Name, Type: c.MySQL, Null: !c.Type.NotNull, Collation: c.Collation}
		if c.Comment != kept {
			col.Type = plain(c.MySQL)
			base := newColumn(col).base
			switch {
			case base == "json" && w.maria:
				col.Type, col.Collation = "longtext", "utf8mb4_bin"
			case !texts[base]:
				col.Collation = ""
			case col.Collation == "" && c.Charset != "":
				var err error
				if col.Collation, err = w.standard(ctx, c.Charset); err != nil {
					return err
				}
			case col.Collation == "":
				col.Collation = x.Collation
			}
		}
		x.Cols = append(x.Cols, col)
	}
	x.Key = t.Key
	if len(x.Key) == 0 && len(t.Unique) > 0 {
		x.Unique = true
		for _, u := range t.Unique {
			if orderly(x, u) && !slices.ContainsFunc(x.Cols, func(c colDef) bool { return c.Null && slices.Contains(u, c.Name) }) {
				x.Key = u
				break
			}
		}
	}
	for i, k := range x.Key { // as the columns write it
		for _, c := range x.Cols {
			if strings.EqualFold(c.Name, k) {
				x.Key[i] = c.Name
			}
		}
	}
	return w.set(x)
}

var texts = map[string]bool{"char": true, "varchar": true, "tinytext": true, "text": true, "mediumtext": true, "longtext": true, "enum": true, "set": true}

// plain is a type as information_schema writes it: without the width of integers, but
// for TINYINT(1).
func plain(s string) string {
	s = strings.TrimSuffix(s, " zerofill")
	base, rest, ok := strings.Cut(s, "(")
	base = strings.ToLower(base)
	if !ok {
		return base
	}
	if s = base + "(" + rest; s == "tinyint(1)" {
		return s
	}
	args, tail, _ := strings.Cut(rest, ")")
	switch base {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		return base + tail
	}
	if strings.HasPrefix(args, "-1") {
		return base + tail
	}
	return s
}

// collated finds a new table's collation: its own, its character set's, or its
// database's.
func (w *rewrite) collated(ctx context.Context, x *def, charset string) (err error) {
	switch {
	case x.Collation != "":
	case charset != "":
		x.Collation, err = w.standard(ctx, charset)
	default:
		x.Collation, err = w.one(ctx, "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+text(x.DB))
	}
	return err
}

// standard is a character set's collation where none is named.
func (w *rewrite) standard(ctx context.Context, charset string) (string, error) {
	if charset == "utf8" {
		charset = "utf8mb3"
	}
	s, err := w.one(ctx, "SELECT DEFAULT_COLLATE_NAME FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME = "+text(charset))
	if s == "" {
		s = charset + "_general_ci"
	}
	return s, err
}

func text(s string) string { return (&sqldb.Encoder{Dialect: sqldb.MySQL{}}).String(s) }

// one is a query's single value, "" for none.
func (w *rewrite) one(ctx context.Context, query string) (s string, err error) {
	c, err := (sqldb.MySQL{}).Open(ctx, w.server)
	if err != nil {
		return "", err
	}
	defer c.Close()
	err = c.Query(ctx, query, func(r []sqldb.Cell) error { s = r[0].String(); return nil })
	return s, err
}

// renamed takes the renames of a statement, in their order.
func (w *rewrite) renamed(ctx context.Context, list []mysql.Change) error {
	was := map[string]string{} // what a table under a name was called before; "" for none
	before := func(id string) string {
		if x, ok := was[id]; ok {
			return x
		}
		return id
	}
	for _, c := range list {
		from, to := c.Schema+"."+c.Name, c.NewSchema+"."+c.NewName
		was[to] = before(from)
		was[from] = ""
	}
	for _, c := range list {
		id := c.Schema + "." + c.Name
		x := w.def(id)
		if x == nil || w.at.Before(x.asof()) {
			continue
		}
		switch other := was[id]; other {
		case id: // back again
		case "":
			if w.change != "ignore" {
				return fmt.Errorf("%s was renamed by %q. 'scan.schema-change' = 'ignore' goes on without it", id, clip(w.stmt))
			}
		default:
			if name, of := tool(other[strings.IndexByte(other, '.')+1:]); of != x.Name && w.change != "ignore" {
				return fmt.Errorf("%s was replaced by %s (%s), whose rows the log doesn't list; start a new job, or 'scan.schema-change' = 'ignore' goes on as if it held the same rows", id, other, clip(w.stmt))
			} else if name != "" {
				w.stmt = name + " swapped it for " + other + ": " + w.stmt
			}
			if err := w.reread(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// allowed are the definitions that changed, or why they may not.
func (w *rewrite) allowed() (out []def, err error) {
	for id, x := range w.now {
		w.mu.Lock()
		old := w.tables[id]
		w.mu.Unlock()
		if old != nil {
			what, safe := difference(&old.Def, x)
			if start := x.Start; start != nil && !start.Before(w.at) {
				what = "" // it leads to the structure that the source was made for
			}
			if what != "" && (w.change == "fail" || w.change == "widen" && !safe) {
				return nil, w.refused(id, what, w.stmt)
			}
		}
		out = append(out, *x)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].DB+"."+out[i].Name < out[j].DB+"."+out[j].Name })
	return out, nil
}

// difference says what changed first, "" for nothing that matters here. safe: only
// columns were added or took wider types.
func difference(old, now *def) (what string, safe bool) {
	find := func(x *def, name string) *colDef {
		for i := range x.Cols {
			if x.Cols[i].Name == name {
				return &x.Cols[i]
			}
		}
		return nil
	}
	safe = true
	say := func(s string) {
		if what == "" {
			what = s
		}
	}
	for _, c := range old.Cols {
		switch n := find(now, c.Name); {
		case n == nil:
			safe = false
			say(fmt.Sprintf("column %q was dropped or renamed", c.Name))
		case plain(n.Type) != plain(c.Type):
			safe = safe && wider(c.Type, n.Type)
			say(fmt.Sprintf("column %q was %s and is %s", c.Name, c.Type, n.Type))
		}
	}
	for _, c := range now.Cols {
		if find(old, c.Name) == nil {
			say(fmt.Sprintf("column %q %s was added", c.Name, c.Type))
		}
	}
	if what == "" {
		for i := range old.Cols {
			if old.Cols[i].Name != now.Cols[i].Name {
				say(fmt.Sprintf("column %q has another place", old.Cols[i].Name))
			}
		}
	}
	if strings.Join(old.Key, ",") != strings.Join(now.Key, ",") {
		safe = false
		say(fmt.Sprintf("the key was (%s) and is (%s)", strings.Join(old.Key, ", "), strings.Join(now.Key, ", ")))
	}
	return what, safe
}

// wider says that every value of a type is one of the other.
func wider(old, now string) bool {
	a, _ := sqldb.MySQLType(old)
	b, _ := sqldb.MySQLType(now)
	switch {
	case a.IsInteger() && b.IsInteger():
		return b.Kind >= a.Kind
	case a.IsString() && b.IsString(), a.IsBytes() && b.IsBytes():
		return b.Length >= a.Length
	case a.Kind == b.Kind:
		return b.Length >= a.Length && b.Scale >= a.Scale
	}
	return false
}
