package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
)

// diffVerb says what an edited script keeps of the state of the one before.
func diffVerb(f *flags) *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "diff [OLD.sql] NEW.sql", Short: "Show what a changed query keeps of its state: kept, migrated, rebuilt or dropped", Args: cobra.RangeArgs(1, 2),
		Long: "diff compares the state in a directory (--state, or a savepoint's) with what NEW.sql needs; without one, what OLD.sql would have kept. Nothing is run.\n" +
			"kept, migrated: results are those of a run that had the new query from the start. rebuilt: the operator begins empty. dropped: its state is forgotten.",
		RunE: func(cmd *cobra.Command, args []string) error {
			srcs, s, err := f.open(args)
			if err != nil {
				return err
			}
			if dir == "" {
				dir = f.stateDir
			}
			var list []*job.Upgrade
			now := srcs[len(srcs)-1]
			switch {
			case dir != "":
				list, err = s.Upgrades(cmd.Context(), now, dir)
			case len(srcs) == 2:
				old, serr := f.session()
				if serr != nil {
					return serr
				}
				list, err = s.Imagined(cmd.Context(), now, old, srcs[0])
			default:
				return fmt.Errorf("name the state directory with --state, or the query before the change")
			}
			if err != nil {
				fmt.Fprint(os.Stderr, sqlerr.Render(err))
				return exit{codeOf(err)}
			}
			if asJSON {
				return json.NewEncoder(os.Stdout).Encode(map[string]any{"schema": "millrace.diff/1", "jobs": list})
			}
			for _, u := range list {
				if u.N > 0 {
					fmt.Printf("job %s, checkpoint %d\n", u.Job, u.N)
				} else {
					fmt.Printf("job %s\n", u.Job)
				}
				fmt.Print(u)
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "state", "", "the state directory, or a savepoint")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}
