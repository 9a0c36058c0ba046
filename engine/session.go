// Package engine executes statements: text in, results out. It is the only
// package that knows all the others.
//
// A Session holds what SET, USE and CREATE change. Run reads a script and
// executes its statements in order; a query is bound (planner/bind), rewritten
// (planner/rewrite), turned into a graph (planner/physical) and run (job). Rows go
// to the Output. Start with Session and Run in run.go.
package engine

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	catalogs "github.com/millrace/millrace/catalog/all"
	"github.com/millrace/millrace/catalog/memory"
	"github.com/millrace/millrace/connectors"
	connectorlist "github.com/millrace/millrace/connectors/all"
	"github.com/millrace/millrace/formats"
	formatlist "github.com/millrace/millrace/formats/all"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/bind"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/types"
)

// Output takes what statements answer.
type Output interface {
	// Rows begins a result of the given columns; changes says that rows carry
	// kinds. The function takes its batches, and nil at the end. operators.Done ends
	// the query quietly.
	Rows(schema *types.Schema, changes batch.Changes, bounded bool) (func(*batch.Batch) error, error)
	// Note is a remark for the user, not a result.
	Note(text string)
	// Progress is called while a job runs.
	Progress(p job.Progress)
}

// Config is what a process decides about its sessions.
type Config struct {
	Options map[string]string // -D key=value: they win over SET
	Memory  int64             // bytes for what grows with the input; 0: no limit
	Stdout  io.Writer         // where print tables write
	Stderr  io.Writer         // where the commands of functions complain; nil: the process's
	Now     func() time.Time
	Lookup  func(name string) (string, bool) // ${VAR}
	Cores   int                              // what parallelism "auto" means; 0: those of the machine
	// Connector, when it isn't nil, makes what tables of a connector use in its place.
	Connector func(*connectors.Connector) *connectors.Connector
	Driver    func() job.Driver // who decides which task runs; nil: goroutines

	// FS is where state directories lie, Plant a fault: for simulations.
	FS    checkpoint.FS
	Plant job.Plant

	Others Others // what other processes run; nil: nobody else is asked

	StateDir         string   // where INSERT jobs keep their checkpoints; wins over execution.checkpointing.dir
	Accept           []string // verdicts about an edited query that are agreed to: kept, migrated, rebuilt, dropped
	AcceptDuplicates bool     // fall back behind a checkpoint whose sinks have published
}

// Session is one user's catalog names and settings. It belongs to one goroutine.
type Session struct {
	cfg     Config
	names   *catalog.Names
	set     map[string]string
	funcs   *registry
	modules *modules

	memory     *operators.Budget // of all jobs
	jobs       map[string]int    // names given to jobs
	list       *JobList
	explaining bool                       // the plan at hand is to be shown
	snapshots  map[string]*checkpoint.Dir // of running jobs, by path: what the statement at hand reads
	hinted     bool                       // a job was given the hint that there are more cores
}

// New makes a session with an empty in-memory default catalog.
func New(cfg Config) *Session {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Stderr == nil {
		cfg.Stderr = os.Stderr
	}
	if cfg.Stdout == nil {
		cfg.Stdout = os.Stdout
	}
	s := &Session{cfg: cfg, memory: &operators.Budget{Limit: cfg.Memory}, set: map[string]string{}, jobs: map[string]int{}, snapshots: map[string]*checkpoint.Dir{}, list: &JobList{}, funcs: newRegistry()}
	s.modules = newModules(s.funcs)
	s.names = catalog.NewNames("default_catalog", memory.New("default_database"), "default_database")
	s.names.Kinds, s.names.Config = catalogs.Kinds, s.catalogConfig
	s.names.System, s.names.State = systemTable, s.stateTable
	return s
}

// Option is the value of a setting: -D, then SET, then def.
func (s *Session) Option(key, def string) string {
	if v, ok := s.cfg.Options[key]; ok {
		return v
	}
	if v, ok := s.set[key]; ok {
		return v
	}
	return def
}

// Settings are all settings that were made, sorted by key.
func (s *Session) Settings() [][2]string {
	all := map[string]string{}
	for k, v := range s.set {
		all[k] = v
	}
	for k, v := range s.cfg.Options {
		all[k] = v
	}
	keys := make([]string, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([][2]string, len(keys))
	for i, k := range keys {
		out[i] = [2]string{k, all[k]}
	}
	return out
}

// query is the settings a query runs under, read once.
func (s *Session) query() (*types.Session, error) {
	q := types.NewSession(s.cfg.Now)
	for _, kv := range s.Settings() {
		q.Options[kv[0]] = kv[1]
	}
	for _, x := range [][2]string{{runtimeModeKey, "streaming"}, {seedKey, ""}, {zoneKey, "default"}} {
		if err := apply(q, x[0], s.Option(x[0], x[1])); err != nil {
			return nil, sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%v", err)
		}
	}
	return q, nil
}

// Settings that every query runs under.
const (
	runtimeModeKey = "execution.runtime-mode"
	seedKey        = "millrace.seed"
	zoneKey        = "table.local-time-zone"
	parallelismKey = "parallelism.default"
)

// CheckSetting says why a setting can't have a value, and what it may have; nil: it can,
// or only the statements that need it can tell.
func CheckSetting(key, value string) error {
	if key == parallelismKey {
		_, err := subtasks(value, 1)
		return err
	}
	return apply(&types.Session{}, key, value)
}

// apply sets what a value of one of those settings means; other settings change
// nothing. A value that means nothing is an error, which says what does.
func apply(q *types.Session, key, value string) (err error) {
	switch key {
	case runtimeModeKey:
		switch strings.ToLower(value) {
		case "batch":
			q.Batch = true
		case "streaming":
			q.Batch = false
		default:
			return fmt.Errorf("%s is %q; it can be streaming or batch", key, value)
		}
	case seedKey:
		if value == "" {
			return nil
		}
		if q.Seed, err = strconv.ParseInt(value, 10, 64); err != nil {
			return fmt.Errorf("%s is %q, not a number", key, value)
		}
	case zoneKey:
		if q.Zone, err = loadZone(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// loadZone reads a zone as Flink does: a TZDB name, or GMT+hh:mm.
func loadZone(name string) (*time.Location, error) {
	if name == "default" {
		return time.Local, nil
	}
	if rest, ok := strings.CutPrefix(name, "GMT"); ok && len(rest) > 1 {
		sign := 1
		if rest[0] == '-' {
			sign = -1
		}
		h, m, _ := strings.Cut(rest[1:], ":")
		hours, err1 := strconv.Atoi(h)
		minutes, err2 := 0, error(nil)
		if m != "" {
			minutes, err2 = strconv.Atoi(m)
		}
		if err1 == nil && err2 == nil && (rest[0] == '+' || rest[0] == '-') && hours <= 18 && minutes < 60 {
			return time.FixedZone(name, sign*(hours*3600+minutes*60)), nil
		}
	}
	if strings.Contains(name, "/") || name == "UTC" || name == "GMT" {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	return nil, fmt.Errorf("invalid time zone %q: use a time zone database name such as 'America/Los_Angeles', or a fixed offset such as 'GMT+03:00'", name)
}

// binder makes a binder for one statement.
func (s *Session) binder(q *types.Session) *bind.Binder {
	return &bind.Binder{
		Names: s.names, Functions: s.funcs, Session: q, Streaming: !q.Batch,
		Connector: func(name string) *connectors.Connector {
			if name == systemConnector {
				return s.system()
			}
			if name == stateConnector {
				return s.stateTables()
			}
			c := connectorlist.Lookup(name)
			if c != nil && s.cfg.Connector != nil {
				return s.cfg.Connector(c)
			}
			return c
		},
		Format: func(name string) *formats.Format { return formatlist.Lookup(name) },
	}
}

// jobConfig reads the settings of a job.
func (s *Session) jobConfig(q *types.Session) (job.Config, error) {
	c := job.Config{Session: q, BatchRows: batch.MaxRows}
	var err error
	number := func(key string, def int) int {
		n, e := strconv.Atoi(s.Option(key, strconv.Itoa(def)))
		if e != nil && err == nil {
			err = sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s is %q, not a number", key, s.Option(key, ""))
		}
		return n
	}
	duration := func(key, def string) time.Duration {
		d, e := formats.ParseDuration(s.Option(key, def))
		if e != nil && err == nil {
			err = sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s: %v", key, e)
		}
		return d
	}
	c.LateRows = max(number("millrace.late-rows", 100), 0)
	c.BatchRows = min(max(number("millrace.batch-rows", batch.MaxRows), 1), batch.MaxRows)
	c.MiniBatch.Enabled = strings.EqualFold(s.Option("table.exec.mini-batch.enabled", "false"), "true") && !q.Batch
	c.MiniBatch.Latency = duration("table.exec.mini-batch.allow-latency", "0 ms")
	c.MiniBatch.Size = number("table.exec.mini-batch.size", -1)
	if c.MiniBatch.Enabled && (c.MiniBatch.Latency <= 0 || c.MiniBatch.Size <= 0) && err == nil {
		err = sqlerr.New(sqlerr.Option, sqlerr.Span{}, "table.exec.mini-batch.enabled needs table.exec.mini-batch.allow-latency and table.exec.mini-batch.size, both above 0")
	}
	c.Spill = job.Spill{Dir: s.spillDir(), Always: s.Option("millrace.spill", "") == "always"} // always: a test mode
	c.Evict = s.Option("millrace.evict", "false") == "true"                                    // a test mode
	c.EdgeBatches = max(number("millrace.edge-batches", 0), 0)                                 // likewise
	s.checkpointing(&c, number, duration)
	if e := s.refused(); e != nil && err == nil {
		err = e
	}
	if e := s.restart(&c, number, duration); e != nil && err == nil {
		err = e
	}
	c.BufferTimeout = duration("execution.buffer-timeout.interval", s.Option("execution.buffer-timeout", "100 ms"))
	c.Memory = s.memory
	return c, err
}
