package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/sqltest"
)

// testVerb runs the test files beside job files.
func testVerb(f *flags) *cobra.Command {
	var t struct {
		filter, junit string
		json, update  bool
	}
	c := &cobra.Command{
		Use:   "test [FILE|DIR...]",
		Short: "Run the unit tests of SQL job files, without what they connect to",
		Long: "Run the cases of test files (orders.test beside orders.sql): the job runs unchanged, its sources deliver the\n" +
			"case's rows, its sinks are compared with what the case expects. Nothing outside is touched. Exit code 4: a case failed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			paths, err := testFiles(args)
			if err != nil {
				return err
			}
			filter, err := regexp.Compile(t.filter)
			if err != nil {
				return fmt.Errorf("--filter: %w", err)
			}
			began := time.Now()
			var all []*sqltest.Result
			for _, path := range paths {
				results, err := testFile(cmd, path, filter)
				if err != nil {
					return err
				}
				if t.update && len(results) > 0 {
					n, err := sqltest.Update(results[0].File, results)
					if err != nil {
						return err
					}
					if n > 0 {
						fmt.Printf("%s: %d expectations written\n", path, n)
						if results, err = testFile(cmd, path, filter); err != nil {
							return err
						}
					}
				}
				all = append(all, results...)
			}
			if len(all) == 0 {
				return errors.New("no test case found: orders.test beside orders.sql holds the cases of that job")
			}
			if t.junit != "" {
				w, err := os.Create(t.junit)
				if err != nil {
					return err
				}
				err = sqltest.JUnit(w, all)
				if cerr := w.Close(); err == nil {
					err = cerr
				}
				if err != nil {
					return err
				}
			}
			if t.json {
				if err := sqltest.JSON(os.Stdout, all); err != nil {
					return err
				}
			}
			failed := 0
			for _, r := range all {
				if !r.Passed() {
					failed++
				}
				if !t.json && (!r.Passed() || !f.quiet) {
					printResult(r)
				}
			}
			if !t.json {
				fmt.Printf("%d cases, %d passed, %d failed, in %.2f s\n", len(all), len(all)-failed, failed, time.Since(began).Seconds())
			}
			if failed > 0 {
				return exit{exitTest}
			}
			return nil
		},
	}
	c.Flags().StringVar(&t.filter, "filter", "", "run only the cases whose name matches this regular expression")
	c.Flags().StringVar(&t.junit, "junit", "", "write a JUnit report to this file")
	c.Flags().BoolVar(&t.json, "json", false, "one JSON object per case on stdout")
	c.Flags().BoolVar(&t.update, "update", false, "write what the cases give into the test files; read the difference before you commit")
	return c
}

func printResult(r *sqltest.Result) {
	if r.Passed() {
		fmt.Printf("ok    %s:%d: %s\n", r.File.Path, r.Case.Line, r.Case.Name)
		return
	}
	fmt.Printf("FAIL  %s:%d: %s\n", r.File.Path, r.Case.Line, r.Case.Name)
	for _, l := range r.Diff {
		fmt.Println("      " + strings.ReplaceAll(l, "\n", "\n      "))
	}
}

// testFiles are the test files named, and those in folders named that stand beside
// a job file.
func testFiles(args []string) (out []string, err error) {
	for _, a := range args {
		st, err := os.Stat(a)
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			if strings.HasSuffix(a, ".sql") {
				a = strings.TrimSuffix(a, ".sql") + ".test"
			}
			out = append(out, a)
			continue
		}
		err = filepath.WalkDir(a, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".test") {
				if _, e := os.Stat(strings.TrimSuffix(path, ".test") + ".sql"); e == nil {
					out = append(out, path)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func testFile(cmd *cobra.Command, path string, filter *regexp.Regexp) ([]*sqltest.Result, error) {
	file, err := sqltest.Read(path)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file.Job)
	if err != nil {
		return nil, fmt.Errorf("%s: the job file it tests: %w", path, err)
	}
	src := &sqlerr.Source{Name: file.Job, Text: string(text)}
	var out []*sqltest.Result
	for _, c := range file.Cases {
		if filter.MatchString(c.Name) {
			out = append(out, sqltest.Run(cmd.Context(), c, src, time.Now))
		}
	}
	return out, nil
}
