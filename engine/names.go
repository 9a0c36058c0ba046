package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/connectors"
	connectorlist "github.com/millrace/millrace/connectors/all"
	"github.com/millrace/millrace/formats"
	formatlist "github.com/millrace/millrace/formats/all"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// What follows is for completion and other tools: what names there are. Faults give
// nothing.

// Catalogs are the catalogs' names.
func (s *Session) Catalogs() []string { return s.names.Catalogs() }

// Databases are those of the current catalog.
func (s *Session) Databases() []string {
	list, _ := s.names.Databases(context.Background(), nil)
	return list
}

// Tables are the tables and views of a database, "" for the current one.
func (s *Session) Tables(database string) []string {
	var in *ast.Name
	if database != "" {
		in = &ast.Name{Parts: []ast.Ident{{Name: database}}}
	}
	list, _ := s.names.Tables(context.Background(), in)
	return list
}

// Columns are those of a table or view, with the types known without planning.
func (s *Session) Columns(path ...string) []types.Field {
	name := &ast.Name{}
	for _, p := range path {
		name.Parts = append(name.Parts, ast.Ident{Name: p})
	}
	q, err := s.query()
	if err != nil {
		return nil
	}
	schema, _, err := s.binder(q).Describe(name)
	if err != nil {
		return nil
	}
	return schema.Fields
}

// TableOption is the value of an option of a table.
func (s *Session) TableOption(key string, path ...string) string {
	name := &ast.Name{}
	for _, p := range path {
		name.Parts = append(name.Parts, ast.Ident{Name: p})
	}
	_, t, err := s.names.Resolve(name)
	if err != nil {
		return ""
	}
	v, _ := t.Option(key)
	return v
}

// FunctionDoc is a function's name and what it says of itself.
type FunctionDoc struct {
	Name string
	Doc  functions.Doc
}

// Functions are all functions, by name.
func (s *Session) Functions() []FunctionDoc {
	var out []FunctionDoc
	for _, n := range s.funcs.names() {
		f := FunctionDoc{Name: n}
		if x := s.funcs.Scalar(n); x != nil {
			f.Doc = x.Doc
		} else if x := s.funcs.Aggregate(n); x != nil {
			f.Doc = x.Doc
		} else if x := s.funcs.Table(n); x != nil {
			f.Doc = x.Doc
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b FunctionDoc) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// Connectors and Formats are those that tables may name.
func Connectors() []*connectors.Connector { return connectorlist.Connectors() }

// Formats are those that tables may name.
func Formats() []*formats.Format { return formatlist.Formats() }

// Setting is a key of SET.
type Setting struct{ Key, Doc string }

// KnownSettings are the keys that change something here, for completion; others are
// kept and do nothing.
var KnownSettings = []Setting{
	{"execution.buffer-timeout", "older name of execution.buffer-timeout.interval"},
	{"execution.buffer-timeout.interval", "how long a row may wait in an open batch between subtasks"},
	{"execution.checkpointing.checkpoints-after-tasks-finish", "true; anything else is refused"},
	{"execution.checkpointing.checkpoints-after-tasks-finish.enabled", "true; anything else is refused"},
	{"execution.checkpointing.dir", "where INSERT jobs keep their checkpoints"},
	{"execution.checkpointing.interval", "time between checkpoints (10 s)"},
	{"execution.checkpointing.max-concurrent-checkpoints", "1; anything else is refused"},
	{"execution.checkpointing.min-pause", "least time between checkpoints"},
	{"execution.checkpointing.mode", "EXACTLY_ONCE; anything else is refused"},
	{"execution.checkpointing.num-retained", "checkpoints that are kept (2)"},
	{"execution.checkpointing.savepoint-dir", "where savepoints go that name no place"},
	{"execution.checkpointing.timeout", "how long a checkpoint may take (10 min)"},
	{"execution.checkpointing.tolerable-failed-checkpoints", "failed checkpoints in a row that don't end the job"},
	{"execution.checkpointing.unaligned", "false; anything else is refused"},
	{"execution.checkpointing.unaligned.enabled", "false; anything else is refused"},
	{"execution.runtime-mode", "streaming or batch"},
	{"execution.savepoint.path", "the checkpoint or savepoint that a job goes on from"},
	{"execution.state-recovery.path", "newer name of execution.savepoint.path"},
	{"io.tmp.dirs", "where state goes that memory has no room for; the first of them is used (the state directory, else the system's)"},
	{"millrace.analyze-for", "how long EXPLAIN ANALYZE runs a statement (10 s)"},
	{"millrace.checkpoint-mb-per-second", "how fast checkpoints are written at most, in MB (200; 0: as fast as it goes)"},
	{"millrace.detached", "true: INSERT jobs go on when the shell ends"},
	{"millrace.late-rows", "how many rows that came too late an operator keeps for sys.late (100)"},
	{"millrace.pager", "the shell's pager for long results, or off"},
	{"millrace.seed", "makes RAND and UUID repeatable"},
	{"millrace.state", "arena or plain"},
	{"millrace.why", "false: the shell doesn't explain a silent screen"},
	{"parallelism.default", "subtasks per operator, or auto"},
	{"pipeline.name", "the name of the next jobs"},
	{"restart-strategy", "older name of restart-strategy.type"},
	{"restart-strategy.exponential-delay.attempts-before-reset-backoff", "restarts in a row before the job stays down (infinite)"},
	{"restart-strategy.exponential-delay.backoff-multiplier", "how much longer each wait is (1.5)"},
	{"restart-strategy.exponential-delay.initial-backoff", "the first wait (1 s)"},
	{"restart-strategy.exponential-delay.jitter-factor", "how much of a wait is random (0.1)"},
	{"restart-strategy.exponential-delay.max-backoff", "the longest wait (1 min)"},
	{"restart-strategy.exponential-delay.reset-backoff-threshold", "running so long, a job begins with the first wait again (1 h)"},
	{"restart-strategy.failure-rate.delay", "wait before each restart (1 s)"},
	{"restart-strategy.failure-rate.failure-rate-interval", "time in which failures are counted (1 min)"},
	{"restart-strategy.failure-rate.max-failures-per-interval", "failures in it before the job stays down (1)"},
	{"restart-strategy.fixed-delay.attempts", "restarts before the job stays down (1)"},
	{"restart-strategy.fixed-delay.delay", "wait before each restart (1 s)"},
	{"restart-strategy.type", "none, fixed-delay, failure-rate or exponential-delay: whether a failed job begins again from its last checkpoint"},
	{"s3.access-key", "key of the S3 service; without it AWS_ACCESS_KEY_ID, ~/.aws/credentials or the machine's role"},
	{"s3.endpoint", "the S3 service: http(s)://host:port; without it AWS_ENDPOINT_URL, or Amazon's"},
	{"s3.path.style.access", "true: the bucket stands in the path, not in the host's name"},
	{"s3.region", "its region; without it AWS_REGION"},
	{"s3.secret-key", "secret of the S3 service"},
	{"s3.session-token", "of temporary keys"},
	{"sql-client.execution.max-table-result.rows", "rows that a live table keeps (1000000)"},
	{"sql-client.execution.result-mode", "table, changelog or tableau"},
	{"state.checkpoints.dir", "older name of execution.checkpointing.dir"},
	{"state.checkpoints.num-retained", "checkpoints that are kept (2)"},
	{"state.savepoints.dir", "older name of execution.checkpointing.savepoint-dir"},
	{"table.dml-sync", "true: INSERT waits for its job"},
	{"table.exec.async-lookup.buffer-capacity", "questions of an asynchronous look-up join that may be out at a time (8)"},
	{"table.exec.async-lookup.output-mode", "ordered, or allow_unordered: rows needn't wait for those before them"},
	{"table.exec.async-lookup.timeout", "how long one of them may take (3 min)"},
	{"table.exec.emit.allow-lateness", "how long windows take late rows"},
	{"table.exec.emit.early-fire.delay", "how often windows send before their end"},
	{"table.exec.emit.early-fire.enabled", "true: windows send before their end"},
	{"table.exec.emit.late-fire.delay", "how often windows send late rows after their end"},
	{"table.exec.emit.late-fire.enabled", "true: windows gather late rows and send now and then, not with each of them"},
	{"table.exec.legacy-cast-behaviour", "ENABLED: a CAST that fails is NULL"},
	{"table.exec.mini-batch.allow-latency", "how long changes are held back"},
	{"table.exec.mini-batch.enabled", "true: one change per key and bundle"},
	{"table.exec.mini-batch.size", "rows per bundle"},
	{"table.exec.resource.default-parallelism", "subtasks per operator, before parallelism.default; -1: not set"},
	{"table.optimizer.multi-join.enabled", "true: inner joins in a row on one key are one operator, which keeps each input's rows once"},
	{"table.optimizer.reuse-source-enabled", "false: a source that two queries of a statement set read is read twice"},
	{"table.optimizer.reuse-sub-plan-enabled", "false: equal parts of a statement set's plans are computed each for itself"},
	{"table.exec.sink.nested-constraint-enforcer", "ignore, rows, or rows_and_collections: the enforcers look into nested values"},
	{"table.exec.sink.not-null-enforcer", "error or drop"},
	{"table.exec.sink.require-on-conflict", "false: an INSERT whose key differs from the sink's needs no ON CONFLICT"},
	{"table.exec.sink.rowtime-inserter", "disabled: several rowtime columns may go into one sink"},
	{"table.exec.sink.type-length-enforcer", "ignore, trim-pad or error"},
	{"table.exec.sink.upsert-materialize", "none, auto or force"},
	{"table.exec.source.cdc-events-duplicate", "true: a source of changes may repeat them, so they are brought in order by key"},
	{"table.exec.source.idle-timeout", "after this time without a row a split no longer holds the watermark back"},
	{"table.local-time-zone", "zone of the session: a TZDB name or GMT+03:00"},
	{"table.sql-dialect", "default, or mysql for queries and INSERTs in MySQL's dialect"},
	{"table.exec.state.ttl", "how long state without a change is kept"},
}

// Acts says whether a key of SET changes something here; near is a key that does and
// is spelt much the same, "" for none.
func Acts(key string) (acts bool, near string) {
	keys := make([]string, len(KnownSettings))
	for i, s := range KnownSettings {
		if keys[i] = s.Key; s.Key == key {
			return true, ""
		}
	}
	for _, prefix := range []string{"millrace.on-error.", "s3.", "fs.s3a."} {
		if strings.HasPrefix(key, prefix) {
			return true, ""
		}
	}
	switch key { // for tests
	case "millrace.batch-rows", "millrace.edge-batches", "millrace.evict", "millrace.litter", "millrace.spill":
		return true, ""
	}
	return false, sqlerr.Nearest(key, keys)
}
