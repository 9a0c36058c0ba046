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
	case "BEGIN", "SAVEPOINT", "RELEASE":
		return nil
	case "ROLLBACK":
		if len(words) > 1 { // to a savepoint
			return nil
		}
		return l.commit(ctx, end)
	case "XA":
		l.xa = len(words) > 1 && (strings.EqualFold(words[1], "START") || strings.EqualFold(words[1], "BEGIN"))
		if len(words) > 1 && (strings.EqualFold(words[1], "COMMIT") || strings.EqualFold(words[1], "ROLLBACK")) {
			return l.endXA(ctx, e.Query, end)
		}
		return nil
	case "COMMIT":
		return l.commit(ctx, end)
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD":
		for _, name := range l.named(words[1:], string(e.Schema), true) {
			return fmt.Errorf("%s: the log holds the statement instead of its rows: a session has set binlog_format; it has to be ROW: %s", name, clip(string(e.Query)))
		}
		return nil
	case "TRUNCATE", "DROP", "ALTER", "RENAME", "CREATE":
		changed, err := l.structure(ctx, words, string(e.Query), string(e.Schema), place(l.file, end))
		if err != nil {
			return err
		}
		l.ids = map[uint64]*table{}
		l.open, l.skip = false, 0
		l.finish()
		if at := place(l.file, end); !at.Before(l.mark.Pos) {
			l.mark = l.at(at)
		}
		for _, x := range changed { // the state takes them with the place behind the statement
			if err := l.replace(ctx, x); err != nil {
				return err
			}
		}
		return l.settled(ctx, l.mark.Pos)
	}
	l.ids = map[uint64]*table{}
	return l.commit(ctx, end)
}

func clip(s string) string { return strings.Join(strings.Fields(s[:min(len(s), 120)]), " ") }

// named are the tables among a statement's words that are known, or that would be
// captured; db is its default database.
func (l *logReader) named(words []string, db string, known bool) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range words {
		schema, name := db, w
		if i+2 < len(words) && words[i+1] == "." {
			schema, name = w, words[i+2]
		} else if i > 0 && words[i-1] == "." {
			continue
		}
		if l.tables[schema+"."+name] != nil || !known && (l.captured(schema, name) || l.shadowOf(schema, name) != "") {
			out = append(out, schema+"."+name)
		}
	}
	return out
}

// look reads a table's definition on a connection of its own: this is the log's
// goroutine.
func (l *logReader) look(ctx context.Context, id string) ([]def, error) {
	c, err := (sqldb.MySQL{}).Open(ctx, l.server)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	d := &database{config: l.config, control: c, maria: l.maria}
	return d.read(ctx, id)
}

// replace makes a new definition the table's, from the mark on.
func (l *logReader) replace(ctx context.Context, x def) error {
	t, err := l.database.table(x)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.know(t)
	defs := l.defs()
	l.mu.Unlock()
	if !l.tell(ctx, cdc.Event{Defs: defs, From: l.mark, Table: t.Table}) {
		return ctx.Err()
	}
	return nil
}

// appeared takes up a table that was made since the start and whose CREATE TABLE the
// log didn't show.
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
	if since := t.Def.Since; since != nil && l.begin.Before(*since) {
		return nil, nil // its rows are read later
	}
	list, err := l.look(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || !fits(&list[0], m) {
		return nil, fmt.Errorf("%s has %d columns at this place of the log, %d are known: its structure changed, and the log doesn't hold the names; set binlog_row_metadata to FULL, or start a new job", t.ID, m.ColumnCount, len(t.Cols))
	}
	what, safe := difference(&t.Def, &list[0])
	if what != "" && (l.change == "fail" || l.change == "widen" && !safe) {
		return nil, l.refused(t.ID, what, "")
	}
	list[0].Since = t.Def.Since
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
