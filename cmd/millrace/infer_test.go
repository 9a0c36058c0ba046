package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestInfer: what infer prints for a file is a table that reads the file.
func TestInfer(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "page-views.json")
	if err := os.WriteFile(path, []byte("{\"id\": 1, \"at\": \"2024-01-31T10:00:00Z\"}\n{\"id\": 2, \"tags\": [\"x\"]}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	said := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := inferVerb(&flags{})
		c.SetArgs(args)
		c.SetOut(&out)
		c.SilenceErrors, c.SilenceUsage = true, true
		err := c.Execute()
		return out.String(), err
	}
	got, err := said(path)
	want := "CREATE TABLE `page_views` (\n  `id` BIGINT,\n  `at` TIMESTAMP_LTZ(0),\n  `tags` ARRAY<STRING>\n" +
		") WITH ('connector' = 'filesystem', 'path' = '" + path + "', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');\n"
	if err != nil || got != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, got, want)
	}
	config, err := (&flags{}).config(nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := &sampled{}
	if err := engine.New(config).Run(t.Context(), &sqlerr.Source{Name: "t", Text: got + "SELECT CAST(id AS STRING) || COALESCE(DATE_FORMAT(`at`, 'HH'), tags[1]) FROM page_views;"}, rows); err != nil {
		t.Fatal(err)
	}
	if text := string(bytes.Join(rows.lines, []byte(" "))); !strings.HasPrefix(text, "1") || !strings.HasSuffix(text, " 2x") {
		t.Errorf("the table gives %q", text)
	}
	if got, err := said(path, "--name", "v", "--rows", "1"); err != nil || !strings.HasPrefix(got, "CREATE TABLE `v` (\n  `id` BIGINT,\n  `at` TIMESTAMP_LTZ(0)\n)") {
		t.Errorf("%v\n%s", err, got)
	}
	for name, text := range map[string]string{"damaged.json": "{\"id\": ", "damaged.parquet": "PAR1xxxxPAR1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{
		{"http://x", "not supported yet: http://"}, {"kafka://k1", "names no topic"},
		{filepath.Join(dir, "none.json"), "no such file"}, {filepath.Join(dir, "damaged.json"), "line 1 of the sample"}, {filepath.Join(dir, "damaged.parquet"), "damaged.parquet: parquet: "},
		{filepath.Join(dir, "*.none"), "there is no file in"},
	} {
		if _, err := said(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "infer:") || strings.Contains(err.Error(), "default_database") {
			t.Errorf("infer %s: %v; want %s", c[0], err, c[1])
		}
	}
}

// TestInferFiles: what infer prints for files that describe themselves is the table that
// was written, and reads what was written.
func TestInferFiles(t *testing.T) {
	for _, c := range []struct{ format, columns, values, want, options string }{
		{"parquet", "`i` INT NOT NULL, `t` TINYINT, `s` STRING, `d` DECIMAL(10, 2), `day` DATE, `at` TIMESTAMP(3), `r` ROW<`x` BIGINT, `y` ARRAY<STRING>>, `m` MAP<STRING, INT>, `b` BYTES, `f` FLOAT, `o` BOOLEAN",
			"(1, CAST(2 AS TINYINT), 'a', 1.25, DATE '2024-01-31', TIMESTAMP '2024-01-31 10:00:00.5', ROW(7, ARRAY['p', 'q']), MAP['k', 3], x'00ff', CAST(1.5 AS FLOAT), TRUE)",
			"`i` INT NOT NULL,\n  `t` TINYINT,\n  `s` STRING,\n  `d` DECIMAL(10, 2),\n  `day` DATE,\n  `at` TIMESTAMP(9),\n  `r` ROW<`x` BIGINT, `y` ARRAY<STRING>>,\n  `m` MAP<STRING, INT>,\n  `b` BYTES,\n  `f` FLOAT,\n  `o` BOOLEAN", ""},
		{"avro", "`i` INT NOT NULL, `s` STRING, `d` DECIMAL(10, 2), `day` DATE, `at` TIMESTAMP(3), `r` ROW<`x` BIGINT, `y` ARRAY<STRING>>, `m` MAP<STRING, INT>, `b` BYTES, `f` FLOAT, `o` BOOLEAN",
			"(1, 'a', 1.25, DATE '2024-01-31', TIMESTAMP '2024-01-31 10:00:00.5', ROW(7, ARRAY['p', 'q']), MAP['k', 3], x'00ff', CAST(1.5 AS FLOAT), TRUE)",
			"`i` INT NOT NULL,\n  `s` STRING,\n  `d` DECIMAL(10, 2),\n  `day` DATE,\n  `at` TIMESTAMP_LTZ(3),\n  `r` ROW<`x` BIGINT, `y` ARRAY<STRING>>,\n  `m` MAP<STRING, INT>,\n  `b` BYTES,\n  `f` FLOAT,\n  `o` BOOLEAN", ", 'avro.timestamp_mapping.legacy' = 'false'"},
	} {
		dir := filepath.Join(t.TempDir(), "things")
		config, err := (&flags{}).config(nil)
		if err != nil {
			t.Fatal(err)
		}
		config.Options = map[string]string{"table.local-time-zone": "UTC"}
		script := "CREATE TABLE w (" + c.columns + ") WITH ('connector' = 'filesystem', 'path' = '" + dir + "', 'format' = '" + c.format + "');\nINSERT INTO w VALUES " + c.values + ";"
		if err := engine.New(config).Run(t.Context(), &sqlerr.Source{Name: "t", Text: script}, &sampled{}); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		v := inferVerb(&flags{})
		v.SetArgs([]string{dir})
		v.SetOut(&out)
		if err := v.Execute(); err != nil {
			t.Fatal(err)
		}
		want := "CREATE TABLE `things` (\n  " + c.want + "\n) WITH ('connector' = 'filesystem', 'path' = '" + dir + "', 'format' = '" + c.format + "'" + c.options + ");\n"
		if out.String() != want {
			t.Errorf("%s\nwant\n%s", out.String(), want)
		}
		rows := &sampled{}
		query := "SELECT CAST(i AS STRING) || s || CAST(d AS STRING) || CAST(`day` AS STRING) || DATE_FORMAT(`at`, 'HH:mm:ss.SSS') || CAST(r.x AS STRING) || r.y[2] || CAST(m['k'] AS STRING) || CAST(f AS STRING) || CAST(o AS STRING) FROM things;"
		if err := engine.New(config).Run(t.Context(), &sqlerr.Source{Name: "t", Text: out.String() + query}, rows); err != nil {
			t.Fatal(err)
		}
		if got := string(bytes.Join(rows.lines, nil)); got != "1a1.252024-01-3110:00:00.5007q31.5TRUE" {
			t.Errorf("%s: the table gives %q", c.format, got)
		}
	}
}

// TestInferRegistry: the newest schema of a topic's values describes the table.
func TestInferRegistry(t *testing.T) {
	schemas := map[string]string{
		"orders-value": `{"type":"record","name":"o","fields":[{"name":"id","type":"long"},{"name":"note","type":["null","string"]},{"name":"any","type":["null","string","int"]}]}`,
		"cdc-value":    `{"type":"record","name":"e","fields":[{"name":"before","type":["null",{"type":"record","name":"v","fields":[{"name":"id","type":"int"}]}]},{"name":"after","type":["null","v"]},{"name":"op","type":"string"}]}`,
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		subject := strings.TrimSuffix(strings.TrimPrefix(q.URL.Path, "/subjects/"), "/versions/latest")
		if schemas[subject] == "" {
			w.WriteHeader(404)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"schema": schemas[subject], "version": 1})
	}))
	defer h.Close()
	for topic, want := range map[string]string{
		"orders": "-- left out: field \"any\": it is one of null, string, int\nCREATE TABLE `orders` (\n  `id` BIGINT NOT NULL,\n  `note` STRING\n) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = 'k:1', 'topic' = 'orders', 'scan.startup.mode' = 'earliest-offset', 'avro-confluent.url' = '" + h.URL + "', 'format' = 'avro-confluent');\n",
		"cdc":    "CREATE TABLE `cdc` (\n  `id` INT NOT NULL\n) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = 'k:1', 'topic' = 'cdc', 'scan.startup.mode' = 'earliest-offset', 'debezium-avro-confluent.url' = '" + h.URL + "', 'format' = 'debezium-avro-confluent');\n",
		"none":   `error: subject "none-value": the schema registry doesn't know it`,
	} {
		var out bytes.Buffer
		v := inferVerb(&flags{})
		v.SetArgs([]string{"kafka://k:1/" + topic, "--registry", h.URL})
		v.SetOut(&out)
		v.SilenceErrors, v.SilenceUsage = true, true
		got := ""
		if err := v.Execute(); err != nil {
			got = "error: " + err.Error()
		} else {
			got = out.String()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}
