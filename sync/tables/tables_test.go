package tables

import (
	"context"
	"strings"
	"testing"

	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

func request(t *testing.T, to string, follow bool) *Copy {
	c := &Copy{Request: Request{To: to, Follow: follow}}
	var err error
	if c.from, err = parse("postgres://ann:s3cret@h/shop"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(to, "://") && !strings.HasPrefix(to, "kafka") {
		if c.to, err = parse(to); err != nil {
			t.Fatal(err)
		}
	}
	c.tables = []*table{{name: "sales.Orders", key: []string{"id"}, cols: []sqldb.Column{{Name: "id", Declared: "bigint", Type: types.BigIntType.NotNullable()}, {Name: "it's", Declared: "text", Type: types.StringType}}}}
	return c
}

// TestScript: the script has no passwords, names what it reads, and a table's name
// may be anything.
func TestScript(t *testing.T) {
	c := request(t, "mysql://root:other@m:3307/dw", true)
	s := c.Script()
	for _, want := range []string{"'connector' = 'postgres-cdc'", "'schema-name' = 'sales'", "'table-name' = 'Orders'", "'changelog-mode' = 'upsert'", "'database-name' = 'shop'", "'${SOURCE_PASSWORD}'", "'${TARGET_PASSWORD}'",
		"PRIMARY KEY (`id`) NOT ENFORCED", "`it's` STRING", "'url' = 'jdbc:mysql://m:3307/dw'", "INSERT INTO `to sales.Orders` SELECT * FROM `from sales.Orders`;"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %s in\n%s", want, s)
		}
	}
	if strings.Contains(s, "s3cret") || strings.Contains(s, "'other'") {
		t.Errorf("a password is in\n%s", s)
	}
	if v := c.Vars(); v["SOURCE_PASSWORD"] != "s3cret" || v["TARGET_PASSWORD"] != "other" {
		t.Error(v)
	}
	ddl, err := c.TargetTables()
	if want := "CREATE TABLE IF NOT EXISTS `sales`.`Orders` (`id` BIGINT NOT NULL, `it's` LONGTEXT NULL, PRIMARY KEY (`id`))"; err != nil || len(ddl) != 1 || ddl[0] != want {
		t.Errorf("%q, %v, want %q", ddl, err, want)
	}
	if a, b := c.job(), request(t, "mysql://root:other@m:3307/dw", false).job(); a == b || a != request(t, "mysql://root:other@m:3307/dw", true).job() {
		t.Errorf("jobs are called %s and %s", a, b)
	}
}

func TestRequests(t *testing.T) {
	for _, x := range []struct {
		r    Request
		want string
	}{
		{Request{From: "oracle://h/db"}, `not supported yet: "oracle"`},
		{Request{From: "mysql://h"}, "names no database"},
		{Request{From: "mysql://h/db"}, "where to?"},
		{Request{From: "mysql://u:pw@h/db", To: "mysql://u:pw@h/db"}, "source and target are one database"},
		{Request{From: "mysql://h/db", To: "mysql://i/db", As: "json"}, "a format is for files and Kafka"},
		{Request{From: "mysql://u:pw@h :3/db"}, "isn't a URL"},
	} {
		if _, err := Open(context.Background(), x.r); err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%+v: %v, want %q", x.r, err, x.want)
		}
	}
}
