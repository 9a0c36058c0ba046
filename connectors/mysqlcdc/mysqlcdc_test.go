package mysqlcdc

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/google/uuid"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// TestStatement: the words of a statement say what it does to which table.
func TestStatement(t *testing.T) {
	for in, want := range map[string]string{
		"ALTER TABLE `a b`.`t` ADD COLUMN x INT":               "ALTER TABLE a b . t ADD",
		"/* why */ alter /*!50000 online */ table t add x int": "ALTER ONLINE TABLE t add",
		"-- note\nDROP TABLE IF EXISTS t, `u`":                 "DROP TABLE IF EXISTS t u",
		"TRUNCATE t":                                           "TRUNCATE t",
		"# x\nRENAME TABLE a TO b":                             "RENAME TABLE a TO b",
		"BEGIN":                                                "BEGIN",
		"CREATE TABLE t (id INT)":                              "CREATE TABLE t",
		"INSERT INTO t VALUES (1)":                             "INSERT INTO t VALUES",
		"/* open":                                              "",
	} {
		got := strings.Join(statement(in), " ")
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	l := &logReader{database: &database{tables: map[string]*table{"db.t": {}, "other.u": {}}}}
	for in, want := range map[string]string{
		"ALTER TABLE t ADD x INT": "db.t", "ALTER TABLE `db`.t ADD x INT": "db.t", "ALTER TABLE other.t ADD x INT": "", "DROP TABLE t, other.u": "db.t other.u", "ALTER TABLE tt ADD x INT": "",
	} {
		if got := strings.Join(l.named(statement(in)[1:], "db", true), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDifference(t *testing.T) {
	c := func(cols ...string) *def {
		d := &def{Key: []string{"id"}}
		for _, x := range cols {
			n, typ, _ := strings.Cut(x, " ")
			d.Cols = append(d.Cols, colDef{Name: n, Type: typ})
		}
		return d
	}
	old := c("id int", "name varchar(20)")
	for _, x := range []struct {
		now  *def
		what string
		safe bool
	}{
		{c("id int", "name varchar(20)"), "", true},
		{c("id int", "name varchar(20)", "x int"), `column "x" int was added`, true},
		{c("id bigint", "name varchar(20)"), `column "id" was int and is bigint`, true},
		{c("id smallint", "name varchar(20)"), `column "id" was int and is smallint`, false},
		{c("id int", "name varchar(10)"), `column "name" was varchar(20) and is varchar(10)`, false},
		{c("id int"), `column "name" was dropped or renamed`, false},
		{c("name varchar(20)", "id int"), `column "id" has another place`, true},
	} {
		if what, safe := difference(old, x.now); what != x.what || safe != x.safe {
			t.Errorf("%q %v, want %q %v", what, safe, x.what, x.safe)
		}
	}
}

// TestCells: a value of the log is what a query shows.
func TestCells(t *testing.T) {
	for _, x := range []struct {
		typ, collation string
		in             any
		want           string
	}{
		{"int unsigned", "", int32(-1), "4294967295"},
		{"mediumint unsigned", "", int32(-1), "16777215"},
		{"bigint unsigned", "", int64(-1), "18446744073709551615"},
		{"tinyint", "", int8(-1), "-1"},
		{"enum('a','b''c','d')", "utf8mb4_general_ci", int64(2), "b'c"},
		{"set('a','b','c')", "utf8mb4_general_ci", int64(5), "a,c"},
		{"bit(9)", "", int64(257), "\x01\x01"},
		{"binary(4)", "", "ab", "ab\x00\x00"},
		{"varchar(9)", "latin1_swedish_ci", "\xe9", "é"},
		{"varchar(9)", "gbk_chinese_ci", "\xc4\xe3", "你"},
		{"varchar(9)", "utf8mb4_bin", "é", "é"},
		{"json", "", `{"bb":1,"a":[1,2],"c":"x,y"}`, `{"a": [1, 2], "c": "x,y", "bb": 1}`},
		{"longtext", "utf8mb4_bin", `{"bb":1}`, `{"bb":1}`},
		{"decimal(10,2)", "", "12.50", "12.50"},
		{"year", "", 2024, "2024"},
	} {
		col := newColumn(colDef{Type: x.typ, Collation: x.collation})
		c, err := col.cell(x.in)
		if err != nil || c.String() != x.want {
			t.Errorf("%s %s %v: %q, %v, want %q", x.typ, x.collation, x.in, c.String(), err, x.want)
		}
	}
	col := newColumn(colDef{Type: "varchar(9)", Collation: "geostd8_general_ci"})
	if _, err := col.cell("\xe9"); err == nil || !strings.Contains(err.Error(), "not supported yet: character set geostd8") {
		t.Error(err)
	}
}

func TestNormalJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: `{}`, `[]`: `[]`, `"a:b"`: `"a:b"`, `1.5e10`: `1.5e10`, `{"b":{"d":1,"c":null},"a":"\"{"}`: `{"a": "\"{", "b": {"c": null, "d": 1}}`,
		`{"a"`: `{"a"`, `[1`: `[1`, `{"a":}`: `{"a":}`, strings.Repeat("[", 5000): strings.Repeat("[", 5000),
	} {
		if got := string(normalJSON([]byte(in))); got != want {
			t.Errorf("%.40s: %.60s, want %.60s", in, got, want)
		}
	}
}

// TestOptions: what is wrong is named before anything is opened.
func TestOptions(t *testing.T) {
	open := func(more ...string) error {
		set := map[string]string{"hostname": "h", "username": "u", "password": "p", "database-name": "d", "table-name": "t"}
		for i := 0; i < len(more); i += 2 {
			set[more[i]] = more[i+1]
		}
		s := types.NewSchema(types.Field{Name: "id", Type: types.IntType})
		_, err := Connector.Source(connectors.Table{Path: "t", Schema: s, Full: s, Options: formats.Values{Set: set, Declared: Connector.Options}, Session: types.NewSession(time.Now)})
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	for _, x := range [][]string{
		{"table-name", "(", "'table-name'"}, {"server-id", "x", "write a number or a range"}, {"server-id", "9-3", "write a number or a range"}, {"server-time-zone", "Mars", "Mars"},
		{"scan.startup.mode", "specific-offset", "needs 'scan.startup.specific-offset.file'"}, {"scan.startup.mode", "timestamp", "scan.startup.timestamp-millis"},
		{"scan.incremental.snapshot.chunk.size", "0", "must be positive"},
	} {
		if err := open(x[0], x[1]); err == nil || !strings.Contains(err.Error(), x[2]) {
			t.Errorf("%s = %s: %v, want %q", x[0], x[1], err, x[2])
		}
	}
}

func TestKeys(t *testing.T) {
	d := &database{}
	tb, err := d.table(def{DB: "d", Name: "t", Cols: []colDef{{Name: "a", Type: "int"}, {Name: "b", Type: "varchar(9)", Collation: "utf8mb4_bin"}, {Name: "c", Type: "varbinary(9)"}}, Key: []string{"c", "b", "a"}})
	if err != nil || tb.GoOrder || !reflect.DeepEqual(tb.Key, []int{2, 1, 0}) {
		t.Fatalf("%v %+v", err, tb)
	}
	row := []sqldb.Cell{{Kind: sqldb.Int, I: -3}, {Kind: sqldb.Text, B: []byte("it's\\")}, {Kind: sqldb.Text, B: []byte{0, 255}}}
	if k, err := d.KeyOf(nil, tb.Table, row); err != nil || string(k) != "x'00ff'\x00'it''s\\\\'\x00-3" {
		t.Errorf("%q, %v", k, err)
	}
	row[0].Kind = sqldb.Null
	if _, err := d.KeyOf(nil, tb.Table, row); err == nil {
		t.Error("NULL in a key went through")
	}
}

// TestStructure: what statements make of a table that is known, without a server.
func TestStructure(t *testing.T) {
	for _, x := range []struct {
		stmt, cols, key, err string
	}{
		{stmt: "ALTER TABLE t ADD COLUMN c DECIMAL(10,2) AFTER id, ADD d ENUM('x','y''z')", cols: "id int, c decimal(10,2), name varchar(20) latin1_bin, d enum('x','y''z') utf8mb4_0900_ai_ci", key: "id"},
		{stmt: "/* app */ alter table `db`.`t` change id Id bigint unsigned not null first", cols: "Id bigint unsigned, name varchar(20) latin1_bin", key: "Id"},
		{stmt: "ALTER TABLE t RENAME COLUMN name TO label", cols: "id int, label varchar(20) latin1_bin", key: "id"},
		{stmt: "ALTER TABLE t DROP name", cols: "id int", key: "id"},
		{stmt: "ALTER TABLE t MODIFY name VARCHAR(30) COLLATE utf8mb4_bin FIRST", cols: "name varchar(30) utf8mb4_bin, id int", key: "id"},
		{stmt: "ALTER TABLE t ADD INDEX (name), COMMENT 'x'"},
		{stmt: "ALTER TABLE u ADD x INT"},
		{stmt: "CREATE TABLE IF NOT EXISTS t (a INT)"},
		{stmt: "CREATE TABLE new1 (a INT PRIMARY KEY, b TEXT COLLATE utf8mb4_bin, j JSON) COLLATE utf8mb4_general_ci", cols: "a int, b text utf8mb4_bin, j json", key: "a"},
		{stmt: "CREATE TABLE new1 LIKE t", cols: "id int, name varchar(20) latin1_bin", key: "id"},
		{stmt: "TRUNCATE t", err: "db.t was emptied"},
		{stmt: "DROP TABLE IF EXISTS u, t", err: "db.t was emptied"},
		{stmt: "DROP DATABASE `db`", err: "db.t was emptied"},
		{stmt: "ALTER TABLE t DROP PARTITION p0", err: "db.t was emptied"},
		{stmt: "RENAME TABLE t TO gone", err: "db.t was renamed"},
		{stmt: "ALTER TABLE t RENAME TO gone", err: "db.t was renamed"},
		{stmt: "RENAME TABLE t TO t_old, other TO t", err: "db.t was replaced by db.other"},
		{stmt: "RENAME TABLE t TO x, x TO t"},
	} {
		c := &config{database: regexp.MustCompile("^db$"), table: regexp.MustCompile("^(t|new.*)$"), change: "widen", truncate: "fail"}
		l := &logReader{database: &database{config: c, tables: map[string]*table{}, all: map[*cdc.Table]*table{}}}
		tb, err := l.table(def{DB: "db", Name: "t", Key: []string{"id"}, Collation: "utf8mb4_0900_ai_ci", Asof: &cdc.Pos{Off: 50},
			Cols: []colDef{{Name: "id", Type: "int"}, {Name: "name", Type: "varchar(20)", Collation: "latin1_bin", Null: true}}})
		if err != nil {
			t.Fatal(err)
		}
		l.know(tb)
		l.change = "ignore"
		if x.err != "" {
			l.change = "fail"
		}
		list, err := l.structure(context.Background(), statement(x.stmt), x.stmt, "db", cdc.Pos{Off: 100})
		if x.err != "" {
			if err == nil || !strings.Contains(err.Error(), x.err) {
				t.Errorf("%s: %v, want %q", x.stmt, err, x.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", x.stmt, err)
			continue
		}
		var cols []string
		key := ""
		for _, d := range list {
			for _, c := range d.Cols {
				cols = append(cols, strings.TrimSpace(c.Name+" "+c.Type+" "+c.Collation))
			}
			key = strings.Join(d.Key, ",")
		}
		if got := strings.Join(cols, ", "); got != x.cols || key != x.key {
			t.Errorf("%s: %s (%s), want %s (%s)", x.stmt, got, key, x.cols, x.key)
		}
		if list, err := l.structure(context.Background(), statement(x.stmt), x.stmt, "db", cdc.Pos{Off: 40}); err != nil || len(list) > 0 && list[0].Name == "t" {
			t.Errorf("%s, which is in the definition, is made again: %v, %v", x.stmt, list, err)
		}
	}
}

func TestShadows(t *testing.T) {
	c := &config{database: regexp.MustCompile("^db$"), table: regexp.MustCompile("^(?:.*)$")}
	d := &database{config: c}
	for name, want := range map[string]string{"_t_gho": "t", "_t_ghc": "t", "_t_del": "t", "_t_20240102030405_del": "t", "_t_new": "t", "__t_old": "t", "t_new": "", "t": "", "_t": ""} {
		if got := d.shadowOf("db", name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		for _, c.online = range []bool{false, true} {
			if got := d.captured("db", name); got != (want == "" || !c.online) {
				t.Errorf("%s captured: %v", name, got)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{"int(11)": "int", "int(11) unsigned": "int unsigned", "tinyint(1)": "tinyint(1)", "tinyint(4)": "tinyint", "year(-1)": "year", "decimal(10,2)": "decimal(10,2)",
		"enum('A','b')": "enum('A','b')", "int(5) unsigned zerofill": "int unsigned", "varchar(20)": "varchar(20)", "double(-1,-1)": "double"} {
		if got := plain(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestNames: transactions are counted by name, and the list of a file's begin is
// taken over.
func TestNames(t *testing.T) {
	l := &logReader{database: &database{gtids: true}}
	l.before("11111111-1111-1111-1111-111111111111:1-5,22222222-2222-2222-2222-222222222222:1-3")
	l.name = gtid{sid: uuid.MustParse("11111111-1111-1111-1111-111111111111"), gno: 6}
	l.finish()
	if want := "11111111-1111-1111-1111-111111111111:1-6,22222222-2222-2222-2222-222222222222:1-3"; l.done != want {
		t.Errorf("%s, want %s", l.done, want)
	}
	l.beforeMaria([]gomysql.MariadbGTID{{DomainID: 0, ServerID: 1, SequenceNumber: 4}, {DomainID: 0, ServerID: 2, SequenceNumber: 9}})
	l.name = gtid{maria: &gomysql.MariadbGTID{DomainID: 0, ServerID: 2, SequenceNumber: 10}}
	l.finish()
	if l.done != "0-2-10" {
		t.Error(l.done)
	}
}

// TestXA: the two forms of a name are one, and what commits the unknown is an error.
func TestXA(t *testing.T) {
	event := func(atOnce byte, format byte, global, branch string) []byte {
		b := []byte{atOnce, format, 0, 0, 0, byte(len(global)), 0, 0, 0, byte(len(branch)), 0, 0, 0}
		return append(append(b, global...), branch...)
	}
	out := make(chan cdc.Event, 100)
	l := &logReader{database: &database{config: &config{}}, out: out, file: "log.000001"}
	ctx := context.Background()
	for i, x := range []struct {
		prepare []byte
		end     string
		known   string // then
		fails   bool
	}{
		{prepare: event(0, 1, "a", ""), known: "1-61-"},
		{prepare: event(0, 7, "b", "x"), known: "1-61- 7-62-78"},
		{prepare: event(1, 1, "once", ""), known: "1-61- 7-62-78"},
		{end: "XA COMMIT X'62',X'78',7", known: "1-61-"},
		{end: "XA ROLLBACK X'99',X'',1", known: "1-61-"},
		{end: "XA COMMIT X'99',X'',1", known: "1-61-", fails: true},
		{end: "XA COMMIT X'62',X'78',7", known: "1-61-", fails: true},
		{end: "xa commit 'a'", known: ""},
		{end: "XA COMMIT what", fails: true},
		{prepare: []byte{0, 1}, fails: true},
		{prepare: event(0, 1, "a", "")[:13], fails: true},
	} {
		at := uint64(100 * (i + 1))
		l.begin = place(l.file, at-50)
		var err error
		if x.prepare != nil {
			err = l.prepare(ctx, x.prepare, at)
		} else {
			err = l.endXA(ctx, []byte(x.end), at)
		}
		if got := l.at(cdc.Pos{}).Prepared; (err != nil) != x.fails || got != x.known {
			t.Errorf("%q %q: %v, known are %q", x.prepare, x.end, err, got)
		}
	}
}

// TestSameID: a reader whose id was chosen by hand ends, one with a random id takes another.
func TestSameID(t *testing.T) {
	for _, my := range []*gomysql.MyError{{Code: 4052, Message: "A slave with the same server_uuid/server_id is already connected"}, {Code: 1236, Message: "A slave with the same server_uuid/server_id as this slave has connected to the master"}} {
		l := &logReader{database: &database{config: &config{}}}
		if err := l.reason(my); !lost(err) {
			t.Errorf("random: %v", err)
		}
		l.idLow, l.idHigh = 5400, 5400
		if err := l.reason(my); lost(err) || !strings.Contains(err.Error(), "server-id 5400") || !strings.Contains(err.Error(), "'server-id'") {
			t.Errorf("5400: %v", err)
		}
	}
}
