package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// flinkVersion is the Flink whose SQL is followed.
const flinkVersion = "2.3"

func versionVerb(*flags) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version (--json: as an object)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if on, _ := cmd.Flags().GetBool("json"); on {
				return json.NewEncoder(os.Stdout).Encode(map[string]string{"schema": "millrace.version/1", "version": version, "flink": flinkVersion,
					"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			fmt.Println("millrace " + version)
			return nil
		},
	}
}
