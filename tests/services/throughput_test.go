package services

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/connectors/sqldb"
)

// TestRealThroughput prints what a table's copy by a job takes beside a bare loop
// that reads and writes the same rows with the same statements and decodes nothing.
// The two alternate; of each the best counts. THROUGHPUT_ROWS sets the size.
func TestRealThroughput(t *testing.T) {
	rows := number(t, "THROUGHPUT_ROWS", 0)
	if rows == 0 {
		t.Skip("a measurement: set THROUGHPUT_ROWS")
	}
	for _, kind := range []string{"mysql", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			d := connect(t, kind, "throughput")
			c := d.open(t)
			defer c.Close()
			const columns = "(id BIGINT PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2), n INT)"
			d.exec(t, c, "CREATE TABLE src "+columns, "CREATE TABLE dst "+columns)
			for n := 0; n < rows; {
				var b strings.Builder
				b.WriteString("INSERT INTO src VALUES ")
				for k := 0; k < 1000 && n < rows; k, n = k+1, n+1 {
					if k > 0 {
						b.WriteByte(',')
					}
					fmt.Fprintf(&b, "(%d, 'the name of row %d', %d.25, %d)", n, n, n%1000, n*7%1000)
				}
				d.exec(t, c, b.String())
			}
			declared := "id BIGINT, name STRING, price DECIMAL(12,2), n INT, PRIMARY KEY (id) NOT ENFORCED"
			table := func(name, at string) string {
				return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'jdbc', 'url' = 'jdbc:%s://%s:%d/%s', 'table-name' = '%s', 'username' = '%s', 'password' = '');\n", name, declared, d.Name(), d.at.Host, d.at.Port, d.name, at, d.at.User)
			}
			stream := strings.Replace(d.source(kind, "src", declared, "'scan.startup.mode' = 'snapshot'"), "TABLE s (", "TABLE feed (", 1)
			bare := func() time.Duration {
				from, to := d.open(t), d.open(t)
				defer from.Close()
				defer to.Close()
				began := time.Now()
				var b []byte
				n := 0
				flush := func() {
					if n > 0 {
						d.exec(t, to, string(b)+d.Upsert([]string{"id", "name", "price", "n"}, []string{"id"}))
						b, n = b[:0], 0
					}
				}
				err := from.Query(context.Background(), "SELECT id, name, price, n FROM src", func(r []sqldb.Cell) error {
					if n == 0 {
						b = append(b, "INSERT INTO dst (id, name, price, n) VALUES "...)
					} else {
						b = append(b, ',')
					}
					b = append(append(append(append(append(append(append(append(append(b, '('), r[0].String()...), ",'"...), r[1].String()...), "',"...), r[2].String()...), ','), r[3].String()...), ')')
					if n++; n == 2000 {
						flush()
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				flush()
				return time.Since(began)
			}
			job := func(script string) (wall, cpu time.Duration) {
				began := time.Now()
				s := run(t, script)
				if err := <-s.done; err != nil {
					t.Fatalf("%v\n%s", err, s.out.String())
				}
				return time.Since(began), s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime()
			}
			best := map[string]time.Duration{}
			keep := func(what string, x time.Duration) {
				if old, ok := best[what]; !ok || x < old {
					best[what] = x
				}
			}
			for range 3 {
				d.exec(t, c, "TRUNCATE TABLE dst")
				before := cpu(syscall.RUSAGE_SELF)
				keep("loop", bare())
				keep("loop, CPU", cpu(syscall.RUSAGE_SELF)-before)
				for what, script := range map[string]string{
					"jdbc to jdbc":   table("s", "src") + table("d", "dst") + "INSERT INTO d SELECT * FROM s;\n",
					"stream to jdbc": stream + table("d", "dst") + "INSERT INTO d SELECT * FROM feed;\n",
					"jdbc read":      table("s", "src") + "CREATE TABLE d (" + strings.Replace(declared, ", PRIMARY KEY (id) NOT ENFORCED", "", 1) + ") WITH ('connector' = 'blackhole');\nINSERT INTO d SELECT * FROM s;\n",
				} {
					d.exec(t, c, "TRUNCATE TABLE dst")
					wall, cpu := job(script)
					keep(what, wall)
					keep(what+", CPU", cpu)
				}
			}
			for _, what := range []string{"loop", "loop, CPU", "jdbc to jdbc", "jdbc to jdbc, CPU", "stream to jdbc", "stream to jdbc, CPU", "jdbc read", "jdbc read, CPU"} {
				fmt.Fprintf(os.Stderr, "%s: %d rows, %s: %v, %.0f rows/s\n", kind, rows, what, best[what].Round(time.Millisecond), float64(rows)/best[what].Seconds())
			}
		})
	}
}
