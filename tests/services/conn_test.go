package services

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/connectors/mysqlcdc"
	"github.com/millrace/millrace/connectors/postgrescdc"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// TestRealChangeStreamConformance: change streams pass what every source must, the
// snapshot alone, snapshot and log, and the log alone.
func TestRealChangeStreamConformance(t *testing.T) {
	fields := []types.Field{{Name: "id", Type: types.BigIntType.NotNullable()}, {Name: "name", Type: types.StringType}}
	ts := types.NewSchema(fields...).Types()
	text := func(kind batch.Kind, id int64, name string) string {
		b := &batch.Batch{}
		b.Reset(ts)
		b.Cols[0].I64 = append(b.Cols[0].I64[:0], id)
		b.Cols[1].Str = append(b.Cols[1].Str[:0], 0)
		b.Cols[1].SetString(0, name)
		b.AppendKind(kind)
		return conntest.Text(ts, b, 0)
	}
	for _, kind := range []string{"mysql", "mariadb", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			d := connect(t, kind, "cdc_conn")
			c := d.open(t)
			defer c.Close()
			connector, mode := mysqlcdc.Connector, "specific-offset"
			set := map[string]string{"hostname": d.at.Host, "port": fmt.Sprint(d.at.Port), "username": d.at.User, "password": "", "database-name": d.name, "table-name": "t", "scan.incremental.snapshot.chunk.size": "4"}
			d.exec(t, c, "CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR(20))")
			if kind == "postgres" {
				connector, mode = postgrescdc.Connector, "committed-offset"
				set["schema-name"], set["slot.name"] = "public", "conn_log"
				d.exec(t, c, "ALTER TABLE t REPLICA IDENTITY FULL", "CREATE PUBLICATION millrace_conn_log FOR TABLE t", "SELECT pg_create_logical_replication_slot('conn_log', 'pgoutput')")
			} else {
				_ = c.Query(context.Background(), "SHOW MASTER STATUS", func(r []sqldb.Cell) error {
					set["scan.startup.specific-offset.file"], set["scan.startup.specific-offset.pos"] = r[0].String(), r[1].String()
					return nil
				})
			}
			open := func(mode string) func() connectors.Source {
				return func() connectors.Source {
					all := map[string]string{"scan.startup.mode": mode}
					for k, v := range set {
						all[k] = v
					}
					if mode == "initial" && kind == "postgres" {
						all["slot.name"] = "conn_initial"
					}
					s := types.NewSchema(fields...)
					src, err := connector.Source(connectors.Table{Path: "t", Schema: s, Full: s, Key: []int{0}, Options: formats.Values{Set: all, Declared: connector.Options}, Session: types.NewSession(time.Now)})
					if err != nil {
						t.Fatal(err)
					}
					return src
				}
			}
			var now, log []string
			for id := range int64(9) {
				d.exec(t, c, fmt.Sprintf("INSERT INTO t VALUES (%d, 'row %d')", id, id))
				log = append(log, text(batch.Insert, id, fmt.Sprint("row ", id)))
				if id > 1 {
					now = append(now, text(batch.Insert, id, fmt.Sprint("row ", id)))
				}
			}
			// A restart may be amid these, which are one transaction.
			d.exec(t, c, "BEGIN; UPDATE t SET name = 'new' WHERE id < 2; DELETE FROM t WHERE id = 1; COMMIT")
			log = append(log, text(batch.UpdateBefore, 0, "row 0"), text(batch.UpdateAfter, 0, "new"), text(batch.UpdateBefore, 1, "row 1"), text(batch.UpdateAfter, 1, "new"), text(batch.Delete, 1, "new"))
			now = append(now, text(batch.Insert, 0, "new"))
			t.Run("snapshot", func(t *testing.T) {
				conntest.Source(t, conntest.SourceHarness{Open: open("snapshot"), Types: ts, Rows: now, Now: time.Now})
			})
			t.Run("initial", func(t *testing.T) {
				conntest.Source(t, conntest.SourceHarness{Open: open("initial"), Types: ts, Rows: now, Now: time.Now})
			})
			t.Run("log", func(t *testing.T) {
				conntest.Source(t, conntest.SourceHarness{Open: open(mode), Types: ts, Rows: log, Now: time.Now})
			})
		})
	}
}
