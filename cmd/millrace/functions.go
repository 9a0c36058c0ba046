package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/engine/reference"
	"github.com/millrace/millrace/sqlerr"
)

// functionsVerb lists the functions, or shows the page of one.
func functionsVerb(*flags) *cobra.Command {
	return &cobra.Command{
		Use:   "functions [NAME | WORD...]",
		Short: "List the functions, those a word finds, or the page of one",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				if f, ok := reference.FindFunction(args[0]); ok {
					fmt.Print(f.Page())
					return nil
				}
			}
			return listFunctions(args)
		},
	}
}

func listFunctions(words []string) error {
	var names []string
	n := 0
	for _, f := range reference.Functions() {
		names = append(names, f.Name)
		text := strings.ToLower(f.Name + " " + f.Doc.Group + " " + f.Doc.Text)
		found := true
		for _, w := range words {
			found = found && strings.Contains(text, strings.ToLower(w))
		}
		if found {
			n++
			usage := f.Doc.Usage
			if usage == "" {
				usage = f.Name
			}
			fmt.Printf("%-50s %s\n", usage, strings.SplitN(f.Doc.Text, ". ", 2)[0])
		}
	}
	if n == 0 {
		fmt.Fprintf(os.Stderr, "error: no function is called or about %q%s\n", strings.Join(words, " "), sqlerr.DidYouMean(strings.ToUpper(words[0]), names))
		return exit{exitUsage}
	}
	return nil
}
