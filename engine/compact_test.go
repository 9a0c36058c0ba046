package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// Rows of every type are the same when their files were merged, in formats of messages
// and of blocks, and the files are fewer.
func TestCompactedFormats(t *testing.T) {
	const columns = "id BIGINT, a BOOLEAN, b TINYINT, c SMALLINT, d INT, e FLOAT, f DOUBLE, g DECIMAL(20, 4), h STRING, i BYTES, j DATE, k TIME, l TIMESTAMP(3), m ARRAY<INT>, n ROW<x INT, y STRING>, o MAP<STRING, INT>"
	const nulls = "CAST(NULL AS %s)"
	row := "id, id > 3, CAST(id AS TINYINT), CAST(id AS SMALLINT), CAST(id AS INT), CAST(id AS FLOAT) / 4, id / 8e0, CAST(id AS DECIMAL(20, 4)) / 10, CAST(id AS STRING) || ',\"x\"', x'0001ff', " +
		"DATE '2024-02-29', TIME '10:11:12', TIMESTAMP '2024-02-29 10:11:12.345', ARRAY[1, CAST(id AS INT)], ROW(CAST(id AS INT), 'y'), MAP['k', CAST(id AS INT)]"
	empty := "id"
	for _, c := range strings.Split(strings.NewReplacer("DECIMAL(20, 4)", "DECIMAL(20;4)", "x INT, y", "x INT; y", "STRING, INT>", "STRING; INT>").Replace(columns), ", ")[1:] {
		_, typ, _ := strings.Cut(c, " ")
		empty += ", " + fmt.Sprintf(nulls, strings.ReplaceAll(typ, ";", ","))
	}
	for _, format := range []string{"json", "csv", "changelog-json", "avro", "parquet"} {
		columns, row, empty := columns, row, empty
		more := ""
		if format == "csv" { // has no maps
			more = ", 'csv.null-literal' = '~'"
			columns, row, empty = columns[:strings.Index(columns, ", o ")], row[:strings.Index(row, ", MAP")], empty[:strings.LastIndex(empty, ", CAST(NULL AS MAP")]
		}
		dir := t.TempDir()
		script := "CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '400', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '400');"
		read := func(name string) string {
			out := &lines{}
			if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "read", Text: fmt.Sprintf("CREATE TABLE r (%s) WITH ('connector' = 'filesystem', 'path' = '%s/%s', 'format' = '%s'%s); SELECT * FROM r;", columns, dir, name, format, more)}, out); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			sort.Strings(out.rows)
			return strings.Join(out.rows, "\n")
		}
		count := map[string]int{}
		for name, options := range map[string]string{"plain": "", "merged": ", 'auto-compaction' = 'true', 'compaction.file-size' = '100mb'"} {
			// each batch makes a file
			text := script + fmt.Sprintf("CREATE TABLE w (%s) WITH ('connector' = 'filesystem', 'path' = '%s/%s', 'format' = '%s', 'sink.rolling-policy.file-size' = '1b'%s); INSERT INTO w SELECT %s FROM (SELECT MOD(id, 100) AS id FROM n) WHERE id > 5 UNION ALL SELECT %s FROM n WHERE id <= 5;",
				columns, dir, name, format, options+more, row, empty)
			s := engine.New(engine.Config{Options: map[string]string{"parallelism.default": "2"}})
			if err := s.Run(context.Background(), &sqlerr.Source{Name: "write", Text: text}, &lines{}); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			files, err := os.ReadDir(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if want := map[string]string{"plain": "part-", "merged": "compacted-part-"}[name]; !strings.HasPrefix(f.Name(), want) {
					t.Errorf("%s, %s: a file %s", format, name, f.Name())
				}
			}
			count[name] = len(files)
		}
		if count["plain"] < 4 || count["merged"] >= count["plain"] {
			t.Errorf("%s: %v files", format, count)
		}
		if plain := read("plain"); plain != read("merged") || strings.Count(plain, "\n") < 370 {
			t.Errorf("%s: the rows differ", format)
		}
	}
}
