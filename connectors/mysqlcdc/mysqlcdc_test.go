package mysqlcdc

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/connectors"
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
		if got := strings.Join(l.named(statement(in)[1:], "db"), " "); got != want {
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
		{"scan.newly-added-table.enabled", "true", "not supported yet: 'scan.newly-added-table.enabled'"}, {"scan.incremental.snapshot.chunk.size", "0", "must be positive"},
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
