package main

import (
	"bytes"
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
	for _, c := range [][2]string{
		{"http://x", "not supported yet: http://"}, {"kafka://k1", "names no topic"}, {"a.parquet", "not supported yet: a table from a file of parquet"},
		{filepath.Join(dir, "none.json"), "no such file"},
	} {
		if _, err := said(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("infer %s: %v; want %s", c[0], err, c[1])
		}
	}
}
