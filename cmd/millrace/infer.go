package main

import (
	"bytes"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/infer"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/sync/tables"
	"github.com/millrace/millrace/types"
)

// inferVerb prints tables for what is there.
func inferVerb(f *flags) *cobra.Command {
	var name, pattern string
	var follow bool
	rows := 1000
	c := &cobra.Command{
		Use: "infer PLACE", Short: "Print a CREATE TABLE for a database's tables, a Kafka topic or a file", Args: cobra.ExactArgs(1),
		Long: "infer prints CREATE TABLE statements to begin with. PLACE is mysql://user:password@host:port/database, mariadb://... or postgres://..., whose\n" +
			"tables are described by the server; kafka://host:port/topic or a file or folder, of which some lines are read: JSON objects, or CSV.\n" +
			"A sample shows what is there, not what may come: look the types over.",
		Example: "  millrace infer 'mysql://root@db/shop' --tables 'orders,item.*' --follow\n  millrace infer kafka://localhost:9092/clicks\n  millrace infer events.json.gz",
		RunE: func(cmd *cobra.Command, args []string) error {
			place := args[0]
			scheme, rest, isURL := strings.Cut(place, "://")
			switch {
			case isURL && (scheme == "mysql" || scheme == "mariadb" || strings.HasPrefix(scheme, "postgres")):
				t, err := tables.Open(cmd.Context(), tables.Request{From: place, To: ".", Tables: pattern, Follow: follow})
				if err != nil {
					return err
				}
				fmt.Fprint(cmd.OutOrStdout(), t.Sources())
				return nil
			case isURL && scheme == "kafka":
				brokers, topic, _ := strings.Cut(rest, "/")
				if brokers == "" || topic == "" {
					return fmt.Errorf("%q names no topic: write kafka://host:9092/topic", place)
				}
				options := []string{"connector", "kafka", "properties.bootstrap.servers", brokers, "topic", topic, "scan.startup.mode", "earliest-offset"}
				return f.guess(cmd, name, topic, options, []string{"scan.bounded.mode", "latest-offset"}, rows)
			case isURL && !strings.HasPrefix(scheme, "s3") && scheme != "file":
				return fmt.Errorf("not supported yet: %s://; mysql, mariadb, postgres, kafka, files and s3 are", scheme)
			}
			path := place
			if u, err := url.Parse(place); err == nil && u.Scheme == "file" {
				path = u.Path
			}
			for _, kind := range []string{"parquet", "avro"} {
				if strings.HasSuffix(path, "."+kind) {
					return fmt.Errorf("not supported yet: a table from a file of %s; lines of json and csv are", kind)
				}
			}
			return f.guess(cmd, name, filepath.Base(path), []string{"connector", "filesystem", "path", path}, nil, rows)
		},
	}
	c.Flags().StringVar(&name, "name", "", "the table's name (default: that of the file or topic)")
	c.Flags().StringVar(&pattern, "tables", "", "of a database: names or regular expressions of whole names, separated by commas (default: all)")
	c.Flags().BoolVar(&follow, "follow", false, "of a database: as a change stream")
	c.Flags().IntVar(&rows, "rows", rows, "how many lines or messages are read")
	return c
}

var unnamed = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// guess reads lines by a table of format raw and prints what they look like.
func (f *flags) guess(cmd *cobra.Command, name, from string, options, bounds []string, rows int) error {
	if rows < 1 {
		return fmt.Errorf("--rows %d: at least one is needed", rows)
	}
	config, err := f.config(nil)
	if err != nil {
		return err
	}
	s := &sampled{}
	script := fmt.Sprintf("CREATE TABLE sample (line STRING) WITH (%s);\nSELECT line FROM sample LIMIT %d;", tables.Options(append(append(append([]string(nil), options...), bounds...), "format", "raw")), rows)
	if err := engine.New(config).Run(cmd.Context(), &sqlerr.Source{Name: "infer", Text: script}, s); err != nil {
		return err
	}
	t, err := infer.Lines(s.lines)
	if err != nil {
		return err
	}
	if name == "" {
		base, _, _ := strings.Cut(from, ".")
		name = strings.Trim(unnamed.ReplaceAllString(base, "_"), "_")
	}
	var columns []string
	for _, c := range t.Fields {
		columns = append(columns, fmt.Sprintf("  %s %s", types.Ident(c.Name), c.Type))
	}
	out := cmd.OutOrStdout()
	if t.Header {
		fmt.Fprintln(out, "-- the first line looks like the columns' names: csv has no option to pass over it, so take it out, or let it be a bad row:")
		fmt.Fprintf(out, "-- SET 'millrace.on-error.%s' = 'skip';\n", name)
	}
	fmt.Fprintf(out, "CREATE TABLE %s (\n%s\n) WITH (%s);\n", types.Ident(name), strings.Join(columns, ",\n"), tables.Options(append(append(options, "format", t.Format), t.Options...)))
	return nil
}

// sampled keeps the lines that a query gives.
type sampled struct{ lines [][]byte }

func (s *sampled) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(b *batch.Batch) error {
		if b == nil {
			return nil
		}
		for r := range b.Rows() {
			i := r
			if b.Sel != nil {
				i = int(b.Sel[r])
			}
			s.lines = append(s.lines, bytes.Clone(b.Cols[0].Bytes(i)))
		}
		return nil
	}, nil
}
func (s *sampled) Note(string)           {}
func (s *sampled) Progress(job.Progress) {}
