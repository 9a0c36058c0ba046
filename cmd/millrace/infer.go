package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/files/place"
	"github.com/millrace/millrace/formats"
	formatlist "github.com/millrace/millrace/formats/all"
	"github.com/millrace/millrace/formats/confluent"
	"github.com/millrace/millrace/infer"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/sync/tables"
	"github.com/millrace/millrace/types"
)

// inferVerb prints tables for what is there.
func inferVerb(f *flags) *cobra.Command {
	var name, pattern, registry string
	var follow bool
	rows := 1000
	c := &cobra.Command{
		Use: "infer PLACE", Short: "Print a CREATE TABLE for a database's tables, a Kafka topic or a file", Args: cobra.ExactArgs(1),
		Long: "infer prints CREATE TABLE statements to begin with. PLACE is mysql://user:password@host:port/database, mariadb://... or postgres://..., whose\n" +
			"tables are described by the server; files of Parquet and Avro, or a folder of them, which describe themselves; kafka://host:port/topic, which a schema registry\n" +
			"describes with --registry; else some lines are read: JSON objects, or CSV. A sample shows what is there, not what may come: look the types over.",
		Example: "  millrace infer 'mysql://root@db/shop' --tables 'orders,item.*' --follow\n  millrace infer kafka://localhost:9092/clicks\n  millrace infer kafka://localhost:9092/clicks --registry http://localhost:8081\n  millrace infer events.json.gz\n  millrace infer s3://lake/orders",
		RunE: func(cmd *cobra.Command, args []string) error {
			place := args[0]
			scheme, rest, isURL := strings.Cut(place, "://")
			switch {
			case isURL && (scheme == "mysql" || scheme == "mariadb" || strings.HasPrefix(scheme, "postgres")):
				t, err := tables.Open(cmd.Context(), tables.Request{From: place, To: ".", Tables: pattern, Follow: follow})
				if err != nil {
					return ofServer(err)
				}
				fmt.Fprint(cmd.OutOrStdout(), t.Sources())
				return nil
			case isURL && scheme == "kafka":
				brokers, topic, _ := strings.Cut(rest, "/")
				if brokers == "" || topic == "" {
					return fmt.Errorf("%q names no topic: write kafka://host:9092/topic", place)
				}
				if registry != "" {
					return fromRegistry(cmd, name, brokers, topic, registry)
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
			if described, err := f.described(cmd, name, path); described || err != nil {
				return err
			}
			return f.guess(cmd, name, filepath.Base(path), []string{"connector", "filesystem", "path", path}, nil, rows)
		},
	}
	c.Flags().StringVar(&name, "name", "", "the table's name (default: that of the file or topic)")
	c.Flags().StringVar(&pattern, "tables", "", "of a database: names or regular expressions of whole names, separated by commas (default: all)")
	c.Flags().BoolVar(&follow, "follow", false, "of a database: as a change stream")
	c.Flags().StringVar(&registry, "registry", "", "of a topic of avro-confluent: the schema registry's URL, whose newest schema of TOPIC-value describes the table")
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
		return outside{plainly(err)}
	}
	t, err := infer.Lines(s.lines)
	if err != nil {
		return outside{err}
	}
	if t.Header {
		fmt.Fprintln(cmd.OutOrStdout(), "-- the first line looks like the columns' names: csv has no option to pass over it, so take it out, or let it be a bad row:")
		fmt.Fprintf(cmd.OutOrStdout(), "-- SET 'millrace.on-error.%s' = 'skip';\n", nameOf(name, from))
	}
	printTable(cmd, nameOf(name, from), t.Fields, append(append(options, "format", t.Format), t.Options...))
	return nil
}

// nameOf is a table's name: the one that was given, or that of a file or topic.
func nameOf(given, from string) string {
	if given != "" {
		return given
	}
	base, _, _ := strings.Cut(from, ".")
	return strings.Trim(unnamed.ReplaceAllString(base, "_"), "_")
}

func printTable(cmd *cobra.Command, name string, fields []types.Field, options []string) {
	var columns []string
	for _, c := range fields {
		columns = append(columns, fmt.Sprintf("  %s %s", types.Ident(c.Name), c.Type))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "CREATE TABLE %s (\n%s\n) WITH (%s);\n", types.Ident(name), strings.Join(columns, ",\n"), tables.Options(options))
}

// plainly is an error without its place in a script and a table that nobody has written.
func plainly(err error) error {
	text := sqlerr.All(err)[0].Msg
	for _, own := range []string{"table default_catalog.default_database.sample: ", "table sample: "} {
		text = strings.ReplaceAll(text, own, "")
	}
	return errors.New(text)
}

// magics are what files of formats that describe themselves begin with.
var magics = map[string]string{"PAR1": "parquet", "Obj\x01": "avro"}

// described prints the table of a file that describes itself, or of a folder or pattern
// whose first file does; false: it doesn't.
func (f *flags) described(cmd *cobra.Command, name, path string) (_ bool, err error) {
	config, err := f.config(nil)
	if err != nil {
		return false, err
	}
	fs, root, err := place.Find(path, func(key, def string) string {
		if v, ok := config.Options[key]; ok {
			return v
		}
		return def
	})
	if err != nil {
		return false, err
	}
	defer func() { // from here on it is about what lies there
		if err != nil {
			err = outside{err}
		}
	}()
	ctx := cmd.Context()
	roots := []string{root}
	if strings.ContainsAny(root, "*?[") {
		if roots, err = fs.Glob(ctx, root); err != nil {
			return false, err
		}
	}
	found, first := errors.New("found"), ""
	for _, r := range roots {
		err := fs.Walk(ctx, r, func(name string) bool { return strings.IndexAny(name, "._") == 0 }, func(i files.Info) error { first = i.Path; return found })
		if errors.Is(err, found) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	if first == "" {
		return false, fmt.Errorf("there is no file in %s", path)
	}
	in, err := fs.Open(ctx, first)
	if err != nil {
		return false, err
	}
	defer in.Close()
	var head [4]byte
	if _, err := in.ReadAt(head[:], 0); err != nil || magics[string(head[:])] == "" {
		return false, nil // lines, perhaps few: their reader says what is wrong with them
	}
	format := formatlist.Lookup(magics[string(head[:])])
	d, err := format.Describe(in, in.Info().Size)
	if err != nil {
		return false, fmt.Errorf("%s: %w", fs.URL(first), err)
	}
	return true, printDescribed(cmd, nameOf(name, filepath.Base(path)), d, format.Name, format.Name, []string{"connector", "filesystem", "path", path})
}

// printDescribed prints a table; prefix stands before the format's options.
func printDescribed(cmd *cobra.Command, name string, d *formats.Described, format, prefix string, options []string) error {
	if len(d.Fields) == 0 {
		return outside{fmt.Errorf("no column can be made of it: %s", strings.Join(d.Left, "; "))}
	}
	for _, l := range d.Left {
		fmt.Fprintf(cmd.OutOrStdout(), "-- left out: %s\n", l)
	}
	options = append(options, "format", format)
	for i := 0; i < len(d.Options); i += 2 {
		options = append(options, prefix+"."+d.Options[i], d.Options[i+1])
	}
	printTable(cmd, name, d.Fields, options)
	return nil
}

// fromRegistry prints the table of a topic by the schema of its values.
func fromRegistry(cmd *cobra.Command, name, brokers, topic, registry string) error {
	format, d, err := confluent.Describe(registry, topic+"-value")
	if err != nil {
		return outside{err}
	}
	return printDescribed(cmd, nameOf(name, topic), d, format, format, []string{"connector", "kafka", "properties.bootstrap.servers", brokers, "topic", topic, "scan.startup.mode", "earliest-offset", format + ".url", registry})
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
