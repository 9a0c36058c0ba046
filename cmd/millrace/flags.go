package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
)

// flags are those of the verbs that execute SQL.
type flags struct {
	execute     []string
	files       []string
	define      []string
	vars        []string
	format      string
	changelog   bool
	progress    string
	parallelism string
	quiet       bool
	stateDir    string
	duplicates  bool
	accept      []string
	metrics     string
}

func (f *flags) register(s *pflag.FlagSet) {
	s.StringArrayVarP(&f.execute, "execute", "e", nil, "SQL to execute; may repeat")
	s.StringArrayVarP(&f.files, "file", "f", nil, "file to execute; - is standard input; may repeat")
	s.StringArrayVarP(&f.define, "define", "D", nil, "key=value: a setting that wins over SET")
	s.StringArrayVar(&f.vars, "var", nil, "NAME=value for ${NAME} in string literals")
	s.StringVar(&f.format, "format", "", "table, tableau, vertical, csv, tsv, json, jsonl or markdown (default: table on a terminal, else jsonl)")
	s.BoolVar(&f.changelog, "changelog", false, "print every change with its kind")
	s.StringVar(&f.progress, "progress", "auto", "auto, tty or none")
	s.StringVarP(&f.parallelism, "parallelism", "p", "", "subtasks per operator: a number, or auto for all cores (default 1)")
	s.StringVar(&f.stateDir, "state-dir", "", "directory for the checkpoints of INSERT jobs, each under its pipeline.name; a job goes on from there")
	s.StringSliceVar(&f.accept, "accept", nil, "what may become of an edited query's state: kept,migrated (always), rebuilt, dropped; see millrace diff")
	s.BoolVar(&f.duplicates, "accept-duplicates", false, "go back behind a damaged checkpoint though its rows were published")
	s.StringVar(&f.metrics, "metrics", "", "address for Prometheus' /metrics, as 127.0.0.1:9464, while INSERT jobs run")
	s.BoolVar(&f.quiet, "quiet", false, "no notes and no progress on stderr")
}

// sources are the scripts named by -e, -f and the arguments, in that order.
func (f *flags) sources(args []string) ([]*sqlerr.Source, error) {
	var out []*sqlerr.Source
	for _, e := range f.execute {
		out = append(out, &sqlerr.Source{Name: "-e", Text: e})
	}
	for _, name := range append(append([]string(nil), f.files...), args...) {
		var text []byte
		var err error
		if name == "-" {
			text, err = io.ReadAll(os.Stdin)
			name = "<stdin>"
		} else {
			text, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, &sqlerr.Source{Name: name, Text: string(text)})
	}
	if len(out) == 0 {
		return nil, errors.New("no SQL given: name a file, or use -e 'SELECT ...'")
	}
	return out, nil
}

// session makes the engine's session for these flags.
func (f *flags) session() (*engine.Session, error) { return f.sessionWith(nil) }

// sessionWith swaps connectors, unless swap is nil.
func (f *flags) sessionWith(swap func(*connectors.Connector) *connectors.Connector) (*engine.Session, error) {
	options := map[string]string{}
	for _, d := range f.define {
		k, v, ok := strings.Cut(d, "=")
		if !ok {
			return nil, fmt.Errorf("-D %s: expected key=value", d)
		}
		options[k] = v
	}
	if f.parallelism != "" {
		options["parallelism.default"] = f.parallelism
	}
	for _, v := range f.accept {
		switch job.Verdict(v) {
		case job.Kept, job.Migrated, job.Rebuilt, job.Dropped:
		default:
			return nil, fmt.Errorf("--accept %s: the verdicts are kept, migrated, rebuilt and dropped", v)
		}
	}
	vars := map[string]string{}
	for _, d := range f.vars {
		k, v, ok := strings.Cut(d, "=")
		if !ok {
			return nil, fmt.Errorf("--var %s: expected NAME=value", d)
		}
		vars[k] = v
	}
	return engine.New(engine.Config{Options: options, Connector: swap, StateDir: f.stateDir, Accept: f.accept, AcceptDuplicates: f.duplicates, Lookup: func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	}}), nil
}

// open reads the scripts and makes the session they run in.
func (f *flags) open(args []string) ([]*sqlerr.Source, *engine.Session, error) {
	srcs, err := f.sources(args)
	if err != nil {
		return nil, nil, err
	}
	s, err := f.session()
	return srcs, s, err
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
