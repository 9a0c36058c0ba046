package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/sqlerr"
)

// fmtVerb lays SQL files out anew.
func fmtVerb(f *flags) *cobra.Command {
	var check, write bool
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Format SQL files (-w: in place, --check: say which aren't formatted)",
		RunE: func(_ *cobra.Command, args []string) error {
			srcs, err := f.sources(args)
			if err != nil {
				return err
			}
			code := exitOK
			for _, src := range srcs {
				out, err := parser.Format(src)
				switch {
				case err != nil:
					fmt.Fprint(os.Stderr, sqlerr.Render(err))
					code = exitSQL
				case check:
					if out != src.Text {
						fmt.Println(src.Name)
						code = max(code, exitRuntime)
					}
				case write && src.Name != "-e" && src.Name != "<stdin>":
					if out != src.Text {
						if err := os.WriteFile(src.Name, []byte(out), 0o644); err != nil {
							return err
						}
					}
				default:
					fmt.Print(out)
				}
			}
			if code != exitOK {
				return exit{code}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "print the names of files that aren't formatted; exit code 1 if there are any")
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the files")
	return cmd
}
