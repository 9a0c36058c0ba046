// Package filesystem reads and writes files: one, those a pattern names, or a
// directory's, plain or compressed, of messages (csv, json, ...) or of blocks
// (parquet, avro), in partition directories k=v or not.
//
// Reading: a split is a file (list.go); its position is the offset of the next
// message, or the row number in a file of blocks. lines.go cuts messages out of a
// buffer whose bytes the columns may view, blocks.go hands on what the format
// reads; reader.go adds partition and metadata columns.
//
// Writing: a writer appends to hidden files, one open per partition (writer.go);
// Prepare makes them durable and Commit publishes them (commit.go), so that nobody
// sees half a file and a crash leaves no row twice. partition.go is the path
// form of partition values; compact.go merges small files. Where files lie, and how one is published there, is
// package files' business.
package filesystem

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files/place"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Connector is filesystem.
var Connector = &connectors.Connector{
	Name: "filesystem", Doc: "Files of a local directory or of an S3 bucket.", Narrows: true,
	Options: []formats.Option{
		{Name: "path", Required: true, Doc: "A file, a directory, or a pattern (* ? [..]) to read; a directory to write. file:// may stand before it; s3://bucket/path is a bucket of an S3 service (settings s3.*)."},
		{Name: "partition.default-name", Default: "__DEFAULT_PARTITION__", Doc: "The directory value of NULL and empty partition columns."},
		{Name: "source.monitor-interval", Type: formats.DurationOption, Doc: "Look for new files at this interval; the table then has no end."},
		{Name: "source.path.regex-pattern", Doc: "Only files whose absolute path matches."},
		{Name: "lookup.full-cache.periodic-reload.interval", Own: true, Instead: ", which can't look up a filesystem table", Type: formats.DurationOption, Doc: "As a look-up table: how long the rows read are good for; without it they are read once."},
		{Name: "source.report-statistics", Type: formats.EnumOption, Default: "ALL", Enum: []string{"ALL", "NONE"}, Doc: "Statistics for batch plans."},
		{Name: "sink.rolling-policy.file-size", Type: formats.MemoryOption, Default: "128MB", Doc: "A file this large is finished."},
		{Name: "sink.rolling-policy.rollover-interval", Type: formats.DurationOption, Default: "30 min", Doc: "A file open this long is finished."},
		{Name: "sink.rolling-policy.inactivity-interval", Type: formats.DurationOption, Default: "30 min", Doc: "A file not written for this long is finished."},
		{Name: "sink.rolling-policy.check-interval", Type: formats.DurationOption, Default: "1 min", Doc: "How often the two are looked at; here at each checkpoint."},
		{Name: "auto-compaction", Type: formats.BoolOption, Default: "false", Doc: "In streaming mode: the files of one checkpoint stay hidden until it is there, and those of a partition are then merged."},
		{Name: "compaction.file-size", Type: formats.MemoryOption, Doc: "How large a merged file becomes at most; default: sink.rolling-policy.file-size."},
		{Name: "compaction.parallelism", Type: formats.IntOption, Doc: "How many files are merged side by side; default: as many as write."},
		{Name: "sink.shuffle-by-partition.enable", Type: formats.BoolOption, Default: "false", Doc: "Accepted."},
		{Name: "sink.parallelism", Type: formats.IntOption, Doc: "Parallelism of the sink."},
		{Name: "sink.partition-commit.trigger", Type: formats.EnumOption, Default: "process-time", Enum: []string{"process-time", "partition-time"}, Doc: "What makes a partition due."},
		{Name: "sink.partition-commit.delay", Type: formats.DurationOption, Default: "0 s", Doc: "How long after that it is committed."},
		{Name: "sink.partition-commit.watermark-time-zone", Default: "UTC", Doc: "Zone of the partition's time."},
		{Name: "partition.time-extractor.kind", Default: "default", Doc: "default; custom, a Java class, is refused."},
		{Name: "partition.time-extractor.class", Doc: "Not supported: a Java class."},
		{Name: "partition.time-extractor.timestamp-pattern", Doc: "The partition's time from its columns: $dt $hour:00:00."},
		{Name: "partition.time-extractor.timestamp-formatter", Doc: "Its form, in Java's pattern letters; default yyyy-MM-dd HH:mm:ss or yyyy-MM-dd."},
		{Name: "sink.partition-commit.policy.kind", Doc: "What committing a partition does: success-file. metastore is for Hive's tables, custom for Java classes: both are refused."},
		{Name: "sink.partition-commit.policy.class", Doc: "Not supported: a Java class."},
		{Name: "sink.partition-commit.policy.class.parameters", Doc: "Not supported: of a Java class."},
		{Name: "sink.partition-commit.success-file.name", Default: "_SUCCESS", Doc: "The file that success-file writes."},
	},
	Source: newSource,
	Sink:   newSink,
}

func newSource(t connectors.Table) (connectors.Source, error) {
	f := t.Format.Format
	if f == nil || f.Decoder == nil && f.OpenFile == nil {
		return nil, fmt.Errorf("table %s needs a 'format' that can be read", t.Path)
	}
	if !f.InFiles() {
		return nil, inMessages(t.Path, f.Name)
	}
	fs, root, err := place.Find(t.Options.String("path"), t.Session.Option)
	if err != nil {
		return nil, fmt.Errorf("table %s: option 'path': %w", t.Path, err)
	}
	s := &source{t: t, fs: fs, root: root, spec: t.Format.Spec, every: t.Options.Duration("source.monitor-interval")}
	if p := t.Options.String("source.path.regex-pattern"); p != "" {
		re, err := regexp.Compile("^(?:" + p + ")$")
		if err != nil {
			return nil, fmt.Errorf("table %s: option 'source.path.regex-pattern': %w", t.Path, err)
		}
		s.match = re
	}
	if s.cols, s.spec.Schema, err = layout(t); err != nil {
		return nil, err
	}
	s.spec.Full = without(t.Full, t.Parts)
	s.spec.Meta, s.spec.Key = nil, nil
	return s, nil
}

func inMessages(table, format string) error {
	return fmt.Errorf("table %s: format %q has no form in files, where nothing would tell one message from the next; it is for connectors with messages, such as kafka", table, format)
}

// column says where a column of the table comes from.
type column struct {
	decoded int    // column of the format's batch, or -1
	part    string // partition column
	meta    string // metadata key
	t       types.Type
}

// layout tells the columns of the files from those of path and metadata.
func layout(t connectors.Table) (cols []column, file *types.Schema, err error) {
	file = &types.Schema{}
	physical := t.Schema.Len() - len(t.Meta)
	for i, f := range t.Schema.Fields {
		c := column{decoded: -1, t: f.Type}
		switch {
		case i >= physical:
			c.meta = t.Meta[i-physical].Key
			if _, ok := metadata[c.meta]; !ok {
				return nil, nil, fmt.Errorf("table %s: no metadata column '%s'; there are file.path, file.name, file.size, file.modification-time", t.Path, c.meta)
			}
		case contains(t.Parts, f.Name):
			c.part = f.Name
		default:
			c.decoded = file.Len()
			file.Fields = append(file.Fields, f)
		}
		cols = append(cols, c)
	}
	return cols, file, nil
}

func without(s *types.Schema, names []string) *types.Schema {
	out := &types.Schema{}
	for _, f := range s.Fields {
		if !contains(names, f.Name) {
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func newSink(t connectors.Table) (connectors.Sink, error) {
	f := t.Format.Format
	if f == nil || f.Encoder == nil && f.CreateFile == nil {
		return nil, fmt.Errorf("table %s needs a 'format' that can be written", t.Path)
	}
	if !f.InFiles() {
		return nil, inMessages(t.Path, f.Name)
	}
	fs, root, err := place.Find(t.Options.String("path"), t.Session.Option)
	if err != nil {
		return nil, fmt.Errorf("table %s: option 'path': %w", t.Path, err)
	}
	s := &sink{t: t, fs: fs, root: root, spec: t.Format.Spec, live: map[string]io.Closer{}, mu: new(sync.Mutex)}
	s.spec.Schema, s.spec.Full, s.spec.Key = without(t.Schema, t.Parts), without(t.Full, t.Parts), nil
	if s.spec.Schema.Len() == 0 {
		return nil, fmt.Errorf("table %s has no column beside its partition columns", t.Path)
	}
	for _, p := range t.Parts {
		c := t.Schema.Index(p)
		if c < 0 {
			return nil, fmt.Errorf("table %s has no partition column %q", t.Path, p)
		}
		switch t.Schema.Fields[c].Type.Layout() {
		case types.LayoutList, types.LayoutStruct:
			return nil, fmt.Errorf("table %s: partition column %q is %s, which has no form in a path", t.Path, p, t.Schema.Fields[c].Type)
		}
		s.parts = append(s.parts, c)
	}
	for i, f := range t.Schema.Fields {
		if !contains(t.Parts, f.Name) {
			s.data = append(s.data, i)
		}
	}
	// as in Flink, the option is one of streaming: in batch mode each writer has one file per partition, and all appear at the end
	s.compacting = t.Options.Bool("auto-compaction") && (t.Session == nil || !strings.EqualFold(t.Session.Option("execution.runtime-mode", "streaming"), "batch"))
	s.form = form(f.Name, s.spec)
	if s.compacting && f.CreateFile != nil && f.OpenFile == nil {
		return nil, fmt.Errorf("table %s: 'auto-compaction': files of format %q can't be read, so they can't be merged", t.Path, f.Name)
	}
	s.done, err = newPartitionCommit(t)
	return s, err
}

func changes(t connectors.Table) batch.Changes {
	if f := t.Format.Format.Changes; f != nil {
		return f(t.Format.Spec.Options)
	}
	return batch.Changes{Kinds: batch.InsertOnly}
}
