package jdbc

import (
	"bytes"
	"hash/maphash"
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors/sqldb"
)

// group is rows waiting to be written: as SQL tuples, the last change of each key.
type group struct {
	rows []change
	text []byte
	at   map[uint64]int32 // hash of a key -> its row
}

// change is a row: its tuple (of the key alone for a delete) and its canonical key
// in text.
type change struct {
	from, to       int
	keyFrom, keyTo int
	del            bool
}

var seed = maphash.MakeSeed()

func (g *group) reset() {
	g.rows, g.text = g.rows[:0], g.text[:0]
	clear(g.at)
}

// shape says how rows become tuples.
type shape struct {
	enc *sqldb.Encoder
	key []int
}

// add appends row i of b. full is true, and nothing added, when its key can't be
// told from another's by hash: the group has to be written first.
func (g *group) add(s *shape, b *batch.Batch, i int) (full bool, err error) {
	start := len(g.text)
	c := change{keyFrom: start}
	for _, k := range s.key {
		g.text = batch.AppendKey(g.text, s.enc.Cols[k].Type, &b.Cols[k], i)
	}
	c.keyTo = len(g.text)
	c.del = b.Kind(i).Sign() < 0
	if len(s.key) > 0 {
		h := maphash.Bytes(seed, g.text[c.keyFrom:c.keyTo])
		if old, ok := g.at[h]; ok {
			o := &g.rows[old]
			if !bytes.Equal(g.text[o.keyFrom:o.keyTo], g.text[c.keyFrom:c.keyTo]) {
				g.text = g.text[:start]
				return true, nil
			}
			o.from = -1 // superseded
		}
		g.at[h] = int32(len(g.rows))
	}
	c.from = len(g.text)
	g.text = append(g.text, '(')
	n := 0
	put := func(k int) {
		if err != nil {
			return
		}
		if n++; n > 1 {
			g.text = append(g.text, ',')
		}
		g.text, err = s.enc.Append(g.text, k, &b.Cols[k], i)
	}
	if c.del {
		for _, k := range s.key {
			put(k)
		}
	} else {
		for k := range s.enc.Cols {
			put(k)
		}
	}
	g.text = append(g.text, ')')
	c.to = len(g.text)
	g.rows = append(g.rows, c)
	return false, err
}

// statements calls run with the SQL that writes the group: deletes first, so that a
// unique value may move from one row to another.
func (g *group) statements(s *sql, run func(stmt string, tuples [][]byte) error) error {
	for _, del := range []bool{true, false} {
		var tuples [][]byte
		size := 0
		flush := func() error {
			if len(tuples) == 0 {
				return nil
			}
			err := run(s.statement(del, tuples), tuples)
			tuples, size = tuples[:0], 0
			return err
		}
		for _, r := range g.rows {
			if r.from < 0 || r.del != del {
				continue
			}
			if size += r.to - r.from; len(tuples) >= maxTuples || size > maxStatement && len(tuples) > 0 {
				if err := flush(); err != nil {
					return err
				}
				size = r.to - r.from
			}
			tuples = append(tuples, g.text[r.from:r.to])
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}

const (
	maxTuples    = 2000
	maxStatement = 1 << 20 // bytes; MySQL's max_allowed_packet is 4 MB at the least
)

// sql is the fixed parts of the statements.
type sql struct {
	insert, suffix string // INSERT INTO t (...) VALUES ; ON ...
	remove, end    string // DELETE FROM t WHERE (k) IN ( ; )
}

func newSQL(d sqldb.Dialect, table string, cols []sqldb.Target, key []int) *sql {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name
	}
	s := &sql{insert: "INSERT INTO " + d.Table(table) + " (" + sqldb.List(d, names) + ") VALUES "}
	if len(key) > 0 {
		keys := make([]string, len(key))
		for i, k := range key {
			keys[i] = names[k]
		}
		s.suffix = d.Upsert(names, keys)
		s.remove, s.end = "DELETE FROM "+d.Table(table)+" WHERE ("+sqldb.List(d, keys)+") IN (", ")"
	}
	return s
}

func (s *sql) statement(del bool, tuples [][]byte) string {
	var b strings.Builder
	if del {
		b.WriteString(s.remove)
	} else {
		b.WriteString(s.insert)
	}
	for i, t := range tuples {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(t)
	}
	if del {
		b.WriteString(s.end)
	} else {
		b.WriteString(s.suffix)
	}
	return b.String()
}

var atRow = regexp.MustCompile(`at row (\d+)`)

// culprit is the row that a server's message speaks of, "" when it doesn't say.
func culprit(err error, tuples [][]byte) string {
	n := 0
	if m := atRow.FindStringSubmatch(err.Error()); m != nil {
		n, _ = strconv.Atoi(m[1])
	}
	if len(tuples) == 1 {
		n = 1
	}
	if n < 1 || n > len(tuples) {
		return ""
	}
	t := tuples[n-1]
	if len(t) > 300 {
		return " in row " + string(t[:300]) + "..."
	}
	return " in row " + string(t)
}
