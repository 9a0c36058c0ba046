package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sync/tables"
)

// copyVerb copies tables by SQL that it writes.
func copyVerb(f *flags) *cobra.Command {
	var r tables.Request
	var show bool
	c := &cobra.Command{
		Use: "copy SOURCE --to TARGET", Short: "Copy a database's tables to another one, to files or to Kafka, once or for ever", Args: cobra.ExactArgs(1),
		Long: "copy writes the SQL that copies tables, and runs it. SOURCE is mysql://user:password@host:port/database, mariadb://... or postgres://...\n" +
			"TARGET is the same, kafka://host:port[/prefix], or a folder. Tables that the target database lacks are made. With --follow the tables are read as\n" +
			"change streams, which go on; with --state-dir a run that was stopped or killed goes on where it was.\n" +
			"--sql prints the statements instead: they name ${SOURCE_PASSWORD} and ${TARGET_PASSWORD}, which `run` takes from --var, --env-file or the environment.",
		Example: "  millrace copy mysql://root@db/shop --to postgres://postgres@dw/shop --tables 'orders,item.*' --follow --state-dir state\n" +
			"  millrace copy postgres://postgres@db/shop --to ./shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.From = args[0]
			ctx := cmd.Context()
			t, err := tables.Open(ctx, r)
			if err != nil {
				return ofServer(err)
			}
			ddl, err := t.TargetTables()
			if err != nil {
				return err
			}
			if show {
				for _, s := range ddl {
					fmt.Println("-- at the target: " + s + ";")
				}
				fmt.Print(t.Script())
				return nil
			}
			if err := t.Prepare(ctx); err != nil {
				return ofServer(err)
			}
			for k, v := range t.Vars() {
				f.vars = append(f.vars, k+"="+v)
			}
			f.execute = append(f.execute, t.Script())
			if err := runScripts(ctx, f, nil); err != nil || r.Follow {
				return err
			}
			counts, err := t.Counts(ctx)
			if err != nil {
				return err
			}
			differ := 0
			for _, x := range counts {
				switch {
				case x.Target < 0:
					fmt.Fprintf(os.Stderr, "%s: the source has %d rows now\n", x.Table, x.Source)
				case x.Target == x.Source:
					fmt.Fprintf(os.Stderr, "%s: %d rows\n", x.Table, x.Target)
				default:
					differ++
					fmt.Fprintf(os.Stderr, "%s: %d rows, the source has %d now\n", x.Table, x.Target, x.Source)
				}
			}
			if differ > 0 {
				fmt.Fprintf(os.Stderr, "note: rows that the target had before, or that changed in the source meanwhile, make the counts of %d tables differ\n", differ)
			}
			return nil
		},
	}
	c.Flags().StringVar(&r.To, "to", "", "the target")
	c.Flags().StringVar(&r.Tables, "tables", "", "names of tables or regular expressions of whole names, separated by commas (default: all)")
	c.Flags().BoolVar(&r.Follow, "follow", false, "go on with the tables' changes")
	c.Flags().StringVar(&r.As, "as", "", "format of files (default: parquet, with --follow changelog-json) or messages (default: json)")
	c.Flags().BoolVar(&show, "sql", false, "print the SQL and run nothing")
	c.Flags().BoolVar(&show, "dry-run", false, "the same as --sql")
	return c
}
