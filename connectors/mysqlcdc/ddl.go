package mysqlcdc

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// query takes a statement of the log.
func (l *logReader) query(ctx context.Context, e *replication.QueryEvent, end uint64) error {
	words := statement(string(e.Query))
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "BEGIN", "SAVEPOINT", "ROLLBACK", "RELEASE", "XA":
		return nil
	case "COMMIT":
		return l.commit(ctx, end)
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD":
		for _, name := range l.named(words[1:], string(e.Schema)) {
			return fmt.Errorf("%s: the log holds the statement instead of its rows: a session has set binlog_format; it has to be ROW: %s", name, clip(string(e.Query)))
		}
		return nil
	case "TRUNCATE", "DROP":
		if words[0] == "DROP" && (len(words) < 2 || words[1] != "TABLE") {
			break
		}
		for _, name := range l.named(words[1:], string(e.Schema)) {
			if l.truncate != "ignore" {
				return fmt.Errorf("%s was emptied by %q, and the log doesn't list the rows that went; 'scan.truncate' = 'ignore' goes on with the rows kept downstream", name, clip(string(e.Query)))
			}
		}
	case "ALTER", "RENAME", "CREATE":
		for _, name := range l.named(words[1:], string(e.Schema)) {
			if err := l.altered(ctx, name, string(e.Query)); err != nil {
				return err
			}
		}
	}
	l.ids = map[uint64]*table{}
	return l.commit(ctx, end)
}

func clip(s string) string { return strings.Join(strings.Fields(s[:min(len(s), 120)]), " ") }

// named are the captured tables among a statement's words; db is its default
// database.
func (l *logReader) named(words []string, db string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range words {
		id := db + "." + w
		if i+2 < len(words) && words[i+1] == "." {
			id = w + "." + words[i+2]
		} else if i > 0 && words[i-1] == "." {
			continue
		}
		if l.tables[id] != nil {
			out = append(out, id)
		}
	}
	return out
}

// altered compares a table with what the server has now. The statement may be older
// than that: the next row's columns tell.
func (l *logReader) altered(ctx context.Context, id, stmt string) error {
	list, err := l.look(ctx, id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.tables[id]
	l.mu.Unlock()
	if len(list) == 0 {
		if l.change == "ignore" {
			return nil
		}
		return fmt.Errorf("%s is gone after %q", id, clip(stmt))
	}
	what, safe := difference(&old.Def, &list[0])
	if what == "" {
		return nil
	}
	if l.change == "fail" || l.change == "widen" && !safe {
		return fmt.Errorf("%s changed its structure: %s (%s). 'scan.schema-change' = 'widen' or 'ignore' goes on where the declared columns allow it; else change the CREATE TABLE and start from the position kept", id, what, clip(stmt))
	}
	return l.replace(ctx, list[0])
}

// look reads a table's definition on a connection of its own: this is the log's
// goroutine.
func (l *logReader) look(ctx context.Context, id string) ([]def, error) {
	c, err := (sqldb.MySQL{}).Open(ctx, l.server)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	d := &database{config: l.config, control: c}
	return d.find(ctx, id)
}

// replace makes a new definition the table's.
func (l *logReader) replace(ctx context.Context, x def) error {
	t, err := l.database.table(x)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.tables[t.ID] = t
	defs := l.defs()
	l.mu.Unlock()
	if !l.tell(ctx, cdc.Event{Defs: defs}) {
		return ctx.Err()
	}
	return nil
}

// appeared takes up a table made since the start: its log begins with it.
func (l *logReader) appeared(ctx context.Context, id string) (*table, error) {
	list, err := l.look(ctx, id)
	if err != nil || len(list) == 0 { // dropped again
		return nil, err
	}
	if err := l.replace(ctx, list[0]); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tables[id], nil
}

// fitting is the table as a table map describes it: the definition that is known, or
// the server's when that has the columns.
func (l *logReader) fitting(ctx context.Context, t *table, m *replication.TableMapEvent) (*table, error) {
	if fits(&t.Def, m) {
		return t, nil
	}
	list, err := l.look(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || !fits(&list[0], m) {
		return nil, fmt.Errorf("%s has %d columns at this place of the log, %d are known: its structure changed, and the log doesn't hold the names; set binlog_row_metadata to FULL, or start a new job", t.ID, m.ColumnCount, len(t.Cols))
	}
	what, safe := difference(&t.Def, &list[0])
	if l.change == "fail" || l.change == "widen" && !safe {
		return nil, fmt.Errorf("%s changed its structure: %s. 'scan.schema-change' = 'widen' or 'ignore' goes on where the declared columns allow it", t.ID, what)
	}
	if err := l.replace(ctx, list[0]); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tables[t.ID], nil
}

// fits says that a definition has a table map's columns.
func fits(x *def, m *replication.TableMapEvent) bool {
	if len(x.Cols) != int(m.ColumnCount) {
		return false
	}
	for i, name := range m.ColumnName {
		if i < len(x.Cols) && x.Cols[i].Name != string(name) {
			return false
		}
	}
	return true
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
		case n.Type != c.Type:
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

// statement is the words of an SQL statement: keywords in capitals, names as they
// are, dots; comments are left out, strings end it.
func statement(s string) (words []string) {
	upper := true // until the first name
	for i := 0; i < len(s) && len(words) < 200; {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ';':
			i++
		case c == '/' && strings.HasPrefix(s[i:], "/*!"): // a versioned comment counts
			i += 3
			for i < len(s) && s[i] >= '0' && s[i] <= '9' {
				i++
			}
		case c == '*' && strings.HasPrefix(s[i:], "*/"):
			i += 2
		case c == '/' && strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				return words
			}
			i += end + 4
		case c == '#' || strings.HasPrefix(s[i:], "-- "):
			end := strings.IndexByte(s[i:], '\n')
			if end < 0 {
				return words
			}
			i += end + 1
		case c == '.':
			words = append(words, ".")
			i++
		case c == '`' || c == '"':
			j := i + 1
			var w strings.Builder
			for j < len(s) {
				if s[j] == c {
					if j+1 < len(s) && s[j+1] == c {
						j++
					} else {
						break
					}
				}
				w.WriteByte(s[j])
				j++
			}
			words = append(words, w.String())
			i = j + 1
		case c == '(' || c == '\'':
			return words
		default:
			j := i
			for j < len(s) && (s[j] == '_' || s[j] == '$' || s[j] >= '0' && s[j] <= '9' || s[j]|0x20 >= 'a' && s[j]|0x20 <= 'z' || s[j] >= 0x80) {
				j++
			}
			if j == i {
				j++
			}
			w := s[i:j]
			if u := strings.ToUpper(w); upper && len(words) < 6 && keyword(u) {
				w = u
			}
			words = append(words, w)
			i = j
		}
	}
	return words
}

// keyword says that a word is one that stands before a table's name.
func keyword(w string) bool {
	switch w {
	case "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "XA", "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "TRUNCATE", "DROP", "ALTER", "RENAME", "CREATE",
		"TABLE", "TABLES", "IF", "EXISTS", "NOT", "ONLINE", "IGNORE", "INTO", "FROM", "TEMPORARY", "INDEX", "UNIQUE", "ON":
		return true
	}
	return false
}
