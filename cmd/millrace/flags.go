package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/control"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/shell/render"
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
	memory      string
	duplicates  bool
	accept      []string
	metrics     string

	init       []string
	envFiles   []string
	outputFile string
	timeout    time.Duration
	catalogDir string
	short      map[string]*bool // --json and the like
}

func (f *flags) register(s *pflag.FlagSet) {
	s.StringArrayVarP(&f.execute, "execute", "e", nil, "SQL to execute; may repeat")
	s.StringArrayVarP(&f.files, "file", "f", nil, "file to execute; - is standard input; may repeat")
	s.StringArrayVarP(&f.define, "define", "D", nil, "key=value: a setting that wins over SET")
	s.StringArrayVar(&f.vars, "var", nil, "NAME=value for ${NAME} in string literals")
	s.StringVar(&f.format, "format", "", "table, tableau, vertical, csv, tsv, json, jsonl, markdown, arrow or parquet (default: table on a terminal, else jsonl)")
	s.BoolVar(&f.changelog, "changelog", false, "print every change with its kind")
	s.StringVar(&f.progress, "progress", "auto", "auto, tty or none")
	s.StringVarP(&f.parallelism, "parallelism", "p", "", "subtasks per operator: a number, or auto for all cores (default 1)")
	s.StringVar(&f.stateDir, "state-dir", "", "directory for the checkpoints of INSERT jobs, each under its pipeline.name; a job goes on from there")
	s.StringSliceVar(&f.accept, "accept", nil, "what may become of an edited query's state: kept,migrated (always), rebuilt, dropped; see millrace diff")
	s.StringVar(&f.memory, "memory", "", "how much may be held of what grows with the input, such as 512mb (default: three quarters of what the machine or its cgroup has)")
	s.BoolVar(&f.duplicates, "accept-duplicates", false, "go back behind a damaged checkpoint though its rows were published")
	s.StringVar(&f.metrics, "metrics", "", "address for Prometheus' /metrics, as 127.0.0.1:9464, while INSERT jobs run")
	s.StringArrayVarP(&f.init, "init", "i", nil, "file to execute first; may repeat")
	s.StringArrayVar(&f.envFiles, "env-file", nil, "file of NAME=value lines for ${NAME}; may repeat")
	s.StringVarP(&f.outputFile, "output", "o", "", "file that results are written to instead of standard output")
	s.DurationVar(&f.timeout, "timeout", 0, "stop cleanly after this time, with exit code 124")
	s.StringVar(&f.catalogDir, "catalog", "", "directory of the default catalog: tables made in it are there the next time")
	f.short = map[string]*bool{}
	for _, name := range []string{"json", "csv", "markdown"} {
		as := map[string]string{"json": "jsonl"}[name]
		if as == "" {
			as = name
		}
		f.short[as] = s.Bool(name, false, "short for --format "+as)
	}
	s.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "no-progress" {
			name = "quiet"
		}
		return pflag.NormalizedName(name)
	})
	s.BoolVar(&f.quiet, "quiet", false, "no notes and no progress on stderr")
}

// sources are the scripts named by -e, -f and the arguments, in that order.
func (f *flags) sources(args []string) ([]*sqlerr.Source, error) {
	var out []*sqlerr.Source
	for _, name := range f.init {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, &sqlerr.Source{Name: name, Text: string(text)})
	}
	inits := len(out)
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
	if len(out) == inits {
		return nil, errors.New("no SQL given: name a file, or use -e 'SELECT ...'")
	}
	return out, nil
}

// session makes the engine's session for these flags.
func (f *flags) session() (*engine.Session, error) { return f.sessionWith(nil) }

// config is that of a session.
func (f *flags) config(swap func(*connectors.Connector) *connectors.Connector) (c engine.Config, err error) {
	options := map[string]string{}
	for _, d := range f.define {
		k, v, ok := strings.Cut(d, "=")
		if !ok {
			return c, fmt.Errorf("-D %s: expected key=value", d)
		}
		if err := engine.CheckSetting(k, v); err != nil {
			return c, fmt.Errorf("-D %s: %w", d, err)
		}
		options[k] = v
	}
	if f.parallelism != "" {
		if err := engine.CheckSetting("parallelism.default", f.parallelism); err != nil {
			return c, fmt.Errorf("-p %s: %w", f.parallelism, err)
		}
		options["parallelism.default"] = f.parallelism
	}
	if _, err := net.ResolveTCPAddr("tcp", f.metrics); f.metrics != "" && err != nil {
		return c, fmt.Errorf("--metrics %s: %w; it is host:port, as 127.0.0.1:9464", f.metrics, err)
	}
	for _, v := range f.accept {
		switch job.Verdict(v) {
		case job.Kept, job.Migrated, job.Rebuilt, job.Dropped:
		default:
			return c, fmt.Errorf("--accept %s: the verdicts are kept, migrated, rebuilt and dropped", v)
		}
	}
	vars := map[string]string{}
	for _, d := range f.vars {
		k, v, ok := strings.Cut(d, "=")
		if !ok {
			return c, fmt.Errorf("--var %s: expected NAME=value", d)
		}
		vars[k] = v
	}
	for _, name := range f.envFiles {
		if err := readEnv(name, vars); err != nil {
			return c, err
		}
	}
	for as, on := range f.short {
		if *on {
			f.format = as
		}
	}
	if f.format != "" && !slices.Contains(render.Formats, f.format) {
		return c, fmt.Errorf("--format %s: it is one of %s", f.format, strings.Join(render.Formats, ", "))
	}
	if !slices.Contains([]string{"", "auto", "tty", "none"}, f.progress) {
		return c, fmt.Errorf("--progress %s: it is auto, tty or none", f.progress)
	}
	memory, err := memoryLimit(f.memory)
	if err != nil {
		return c, err
	}
	return engine.Config{Options: options, Memory: memory, Connector: swap, StateDir: f.stateDir, Accept: f.accept, AcceptDuplicates: f.duplicates, Others: control.Others{StateDir: f.stateDir}, Lookup: func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	}}, nil
}

// sessionWith swaps connectors, unless swap is nil.
func (f *flags) sessionWith(swap func(*connectors.Connector) *connectors.Connector) (*engine.Session, error) {
	c, err := f.config(swap)
	if err != nil {
		return nil, err
	}
	s := engine.New(c)
	if f.catalogDir != "" {
		return s, s.KeepTables(f.catalogDir)
	}
	return s, nil
}

// readEnv reads a file of NAME=value lines into vars; what is there already wins.
// Blank lines and those that begin with # are left out, quotes around a value too.
func readEnv(name string, vars map[string]string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if line == "" || line[0] == '#' {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("%s:%d: expected NAME=value", name, i+1)
		}
		if v = strings.TrimSpace(v); len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
			v = v[1 : len(v)-1]
		}
		if k = strings.TrimSpace(k); vars[k] == "" {
			vars[k] = v
		}
	}
	return nil
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

// namesJob says that the argument of a verb that takes files or a job is a job: there
// is no such file, and it isn't named like one.
func (f *flags) namesJob(args []string) bool {
	if len(f.execute)+len(f.files) > 0 || len(args) > 1 {
		return false
	}
	if len(args) == 0 {
		return true
	}
	if args[0] == "-" || strings.EqualFold(filepath.Ext(args[0]), ".sql") || strings.ContainsRune(args[0], filepath.Separator) {
		return false
	}
	_, err := os.Stat(args[0])
	return err != nil
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
