package filesystem

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// lineFormat is the plainest format: a line is the text of the first column.
var lineFormat = &formats.Format{Name: "line", Lines: true,
	Decoder: func(s formats.Spec) (formats.Decoder, error) { return lineCodec{s}, nil },
	Encoder: func(s formats.Spec) (formats.Encoder, error) { return lineCodec{s}, nil },
}

type lineCodec struct{ formats.Spec }

func (c lineCodec) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for _, m := range in.Messages {
		if string(m.Value) == "bad" {
			if err := bad(m, errors.New("it says so")); err != nil {
				return err
			}
			continue
		}
		if err := (formats.Scalars{}).Append(&to.Cols[0], types.StringType, to.Len, m.Value); err != nil {
			return err
		}
		to.AppendKind(batch.Insert)
	}
	return nil
}

func (c lineCodec) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	conntest.Live(b, func(i int) { to = append(to, formats.Message{Value: bytes.Clone(b.Cols[0].Bytes(i))}) })
	return to, nil
}

var line = types.Field{Name: "line", Type: types.StringType}
var day = types.Field{Name: "day", Type: types.DateType}

func table(dir string, parts []string, options map[string]string, fields ...types.Field) connectors.Table {
	set := map[string]string{"path": dir}
	for k, v := range options {
		set[k] = v
	}
	s := types.NewSchema(fields...)
	return connectors.Table{Path: "t", Schema: s, Full: s, Parts: parts, Options: formats.Values{Set: set, Declared: Connector.Options},
		Format: formats.Table{Format: lineFormat, Spec: formats.Spec{Schema: s, Full: s}}}
}

func open(t *testing.T, tab connectors.Table) connectors.Source {
	t.Helper()
	s, err := Connector.Source(tab)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read is all rows of a table, in order of splits.
func read(t *testing.T, tab connectors.Table, bad func(connectors.BadRow) error) (out []string) {
	t.Helper()
	src := open(t, tab)
	splits, err := src.Splits(context.Background(), nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range splits {
		r, err := src.Read(context.Background(), s, nil, connectors.ReadEnv{Rows: 100, Bad: bad})
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			conntest.Live(b, func(i int) { out = append(out, conntest.Text(tab.Schema.Types(), b, i)) })
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func texts(lines ...string) (out []string) {
	for _, l := range lines {
		b := lineBatch(l, 0)
		out = append(out, conntest.Text([]types.Type{types.StringType}, b, 0))
	}
	return out
}

func lineBatch(l string, days int64) *batch.Batch {
	b := &batch.Batch{}
	b.Reset([]types.Type{types.StringType, types.DateType})
	b.Cols[0].Str = append(b.Cols[0].Str, 0)
	b.Cols[0].SetString(0, l)
	b.Cols[1].I64 = append(b.Cols[1].I64, days)
	b.AppendKind(batch.Insert)
	return b
}

func TestSource(t *testing.T) {
	dir := t.TempDir()
	var rows []string
	for f := 0; f < 3; f++ {
		var text strings.Builder
		for n := 0; n < 20*f; n++ {
			fmt.Fprintf(&text, "file %d row %d\n", f, n)
			rows = append(rows, fmt.Sprintf("file %d row %d", f, n))
		}
		write(t, filepath.Join(dir, fmt.Sprint("f", f)), []byte(text.String()))
	}
	write(t, filepath.Join(dir, "_SUCCESS"), []byte("no row"))
	write(t, filepath.Join(dir, ".hidden", "f"), []byte("no row"))
	tab := table(dir, nil, nil, line)
	conntest.Source(t, conntest.SourceHarness{Open: func() connectors.Source { return open(t, tab) }, Types: []types.Type{types.StringType}, Rows: texts(rows...)})
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

// Every compression reads like the plain file, and is taken up at an offset.
func TestCompression(t *testing.T) {
	for name, compress := range map[string]func(io.Writer) (io.WriteCloser, error){
		".gz":      func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		".deflate": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
		".zst":     func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
		".xz":      func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
	} {
		dir := t.TempDir()
		var packed bytes.Buffer
		w, err := compress(&packed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "one\ntwo\r\nthree\nfour\nfive"); err != nil {
			t.Fatal(err)
		}
		w.Close()
		write(t, filepath.Join(dir, "f"+name), packed.Bytes())
		tab := table(dir, nil, nil, line)
		conntest.Source(t, conntest.SourceHarness{Open: func() connectors.Source { return open(t, tab) }, Types: []types.Type{types.StringType}, Rows: texts("one", "two", "three", "four", "five")})
	}
}

// A message longer than the buffer is read whole.
func TestLongMessage(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 3*bufferSize)
	write(t, filepath.Join(dir, "f"), []byte("a\n"+long+"\nb\n"))
	if got, want := read(t, table(dir, nil, nil, line), nil), texts("a", long, "b"); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d rows", len(got))
	}
}

func TestBadRowsHaveTheirPlace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), []byte("a\nbad\nb\n"))
	var at []int64
	got := read(t, table(dir, nil, nil, line), func(b connectors.BadRow) error { at = append(at, b.Offset); return nil })
	if len(got) != 2 || len(at) != 1 || at[0] != 2 {
		t.Errorf("%d rows, bad ones at %v", len(got), at)
	}
}

func TestGlobAndPattern(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"a1", "a2", "b1"} {
		write(t, filepath.Join(dir, n), []byte(n+"\n"))
	}
	if got := read(t, table(filepath.Join(dir, "a*"), nil, nil, line), nil); strings.Join(got, " ") != strings.Join(texts("a1", "a2"), " ") {
		t.Errorf("glob: %q", got)
	}
	if got := read(t, table(dir, nil, map[string]string{"source.path.regex-pattern": ".*/[ab]1"}, line), nil); strings.Join(got, " ") != strings.Join(texts("a1", "b1"), " ") {
		t.Errorf("pattern: %q", got)
	}
	if _, err := open(t, table(filepath.Join(dir, "c*"), nil, nil, line)).Splits(context.Background(), nil, 1); err == nil {
		t.Error("a pattern that matches nothing is no error")
	}
}

func TestMonitoring(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), nil)
	s := open(t, table(dir, nil, map[string]string{"source.monitor-interval": "1 s"}, line))
	if s.Bounded() {
		t.Error("a monitored directory has an end")
	}
	first, err := s.Splits(context.Background(), nil, 1)
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	write(t, filepath.Join(dir, "b"), nil)
	second, err := s.Splits(context.Background(), first, 1)
	if err != nil || len(second) != 1 || filepath.Base(second[0].Name) != "b" {
		t.Fatal(second, err)
	}
}

func sinkHarness(t *testing.T, tab connectors.Table, days int64) conntest.SinkHarness {
	return conntest.SinkHarness{
		Open: func() connectors.Sink {
			s, err := Connector.Sink(tab)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Types: tab.Schema.Types(),
		Batch: func(n int) *batch.Batch {
			b := lineBatch(fmt.Sprint("row ", n), int64(n)%days)
			b.Cols = b.Cols[:tab.Schema.Len()]
			return b
		},
		Visible: func(t *testing.T) []string { return read(t, tab, nil) },
	}
}

func TestSink(t *testing.T) {
	conntest.Sink(t, sinkHarness(t, table(t.TempDir(), nil, nil, line), 1))
}

func TestSinkRollsEachFile(t *testing.T) {
	conntest.Sink(t, sinkHarness(t, table(t.TempDir(), nil, map[string]string{"sink.rolling-policy.file-size": "1b"}, line), 1))
}

func TestPartitionedSink(t *testing.T) {
	dir := t.TempDir()
	tab := table(dir, []string{"day"}, map[string]string{"sink.partition-commit.policy.kind": "success-file"}, line, day)
	conntest.Sink(t, sinkHarness(t, tab, 2))
	for _, d := range []string{"day=1970-01-01", "day=1970-01-02"} {
		if _, err := os.Stat(filepath.Join(dir, d, "_SUCCESS")); err != nil {
			t.Error(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".part*"))
	if err != nil || len(left) > 0 {
		t.Errorf("hidden files are left: %v %v", left, err)
	}
}

// A partition is committed when the watermark has passed its end.
func TestPartitionTime(t *testing.T) {
	dir := t.TempDir()
	tab := table(dir, []string{"day"}, map[string]string{"sink.partition-commit.policy.kind": "success-file", "sink.partition-commit.trigger": "partition-time",
		"sink.partition-commit.delay": "1 d", "sink.rolling-policy.file-size": "1b"}, line, day)
	s, err := Connector.Sink(tab)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "j", Of: 1, Now: func() time.Time { return time.UnixMilli(0) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(lineBatch("x", 0)); err != nil {
		t.Fatal(err)
	}
	p, err := w.Prepare(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pending := [][]byte{p}
	const dayMs = 86_400_000
	for _, x := range []struct {
		watermark int64
		want      bool
	}{{dayMs - 1, false}, {dayMs, false}, {dayMs + 1, true}} {
		if pending, err = s.Commit(context.Background(), connectors.Commit{N: 1, Watermark: x.watermark}, pending); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(filepath.Join(dir, "day=1970-01-01", "_SUCCESS"))
		if got := err == nil; got != x.want || (len(pending) == 0) != x.want {
			t.Errorf("watermark %d: success file %v, pending %q", x.watermark, got, pending)
		}
	}
}

// The time of a partition is read in the form that is given.
func TestPartitionTimeForms(t *testing.T) {
	at := func(text string) int64 {
		x, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return x.UnixMilli()
	}
	for _, x := range []struct{ pattern, form, dir, want string }{
		{"", "", "d=2024-01-02 03%3A04%3A05", "2024-01-02 03:04:05"},
		{"", "", "d=2024-01-02", "2024-01-02 00:00:00"},
		{"", "yyyyMMdd HH", "d=20240102 03", "2024-01-02 03:00:00"},
		{"$d$h", "yyyyMMddHH", "d=20240102/h=03", "2024-01-02 03:00:00"},
		{"$d", "uuuu/M/d", "d=2024%2F1%2F2", "2024-01-02 00:00:00"},
		{"$d $h", "yyyy-MM-dd HH:mm", "d=2024-01-02/h=03%3A04", "2024-01-02 03:04:00"},
	} {
		options := map[string]string{"partition.time-extractor.timestamp-formatter": x.form, "partition.time-extractor.timestamp-pattern": x.pattern}
		p, err := newPartitionCommit(table(t.TempDir(), nil, options, line))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.time(x.dir); err != nil || got != at(x.want) {
			t.Errorf("%s by %q, %q: %v, %v, want %s", x.dir, x.pattern, x.form, time.UnixMilli(got).UTC(), err, x.want)
		}
		if _, err := p.time("d=x/h=y"); err == nil || !strings.Contains(err.Error(), "timestamp-formatter") {
			t.Errorf("%q: a partition without a time: %v", x.form, err)
		}
	}
}

// What can't be had is refused by name.
func TestPartitionCommitRefusals(t *testing.T) {
	for option, values := range map[string]map[string]string{
		"sink.partition-commit.policy.kind":            {"metastore,success-file": "Hive", "custom": "not supported yet: partition commit policy custom", "nonsense": "no policy \"nonsense\""},
		"partition.time-extractor.kind":                {"custom": "not supported yet: partition time extractor custom", "nonsense": "no extractor"},
		"partition.time-extractor.timestamp-formatter": {"yyyy-bb": "unknown pattern letter: b"},
	} {
		for v, want := range values {
			_, err := Connector.Sink(table(t.TempDir(), []string{"day"}, map[string]string{option: v}, line, day))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s = %s: %v", option, v, err)
			}
		}
	}
}

// A value in a path is read back as it was written.
func TestPartitionValues(t *testing.T) {
	dir := t.TempDir()
	text := types.Field{Name: "a b=", Type: types.StringType}
	tab := table(dir, []string{"a b="}, nil, line, text)
	s, err := Connector.Sink(tab)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "j", Of: 1, Now: func() time.Time { return time.UnixMilli(0) }})
	if err != nil {
		t.Fatal(err)
	}
	values := []string{"x y", "a/b", "50%", "é=\"", "..", "%2F", "*?[", "a\nb"}
	b := &batch.Batch{}
	b.Reset(tab.Schema.Types())
	var want []string
	for i, v := range values {
		for c := range b.Cols {
			b.Cols[c].Str = append(b.Cols[c].Str, 0)
			b.Cols[c].SetString(i, []string{fmt.Sprint("row ", i), v}[c])
		}
		b.AppendKind(batch.Insert)
		want = append(want, conntest.Text(tab.Schema.Types(), b, i))
	}
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	p, err := w.Prepare(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(context.Background(), connectors.Commit{Final: true}, [][]byte{p}); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range read(t, tab, nil) {
		got[r] = true
	}
	for i, r := range want {
		if !got[r] {
			t.Errorf("%q didn't come back", values[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
}

// A run that is stopped leaves no rows hidden.
func TestStoppedRunIsPublished(t *testing.T) {
	tab := table(t.TempDir(), nil, nil, line)
	s, err := Connector.Sink(tab)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "j", Of: 1, Now: func() time.Time { return time.UnixMilli(0) }})
	if err != nil {
		t.Fatal(err)
	}
	b := lineBatch("x", 0)
	b.Cols = b.Cols[:1]
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	p, err := w.Prepare(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if keep, err := s.Commit(context.Background(), connectors.Commit{N: 1, Closing: true}, [][]byte{p}); err != nil || len(keep) > 0 {
		t.Fatal(keep, err)
	}
	if got := read(t, tab, nil); len(got) != 1 {
		t.Errorf("%d rows", len(got))
	}
}

// Another process that begins a job of the same name takes nothing of what this one has
// finished and not yet published; what a file's owner finds missing is an error, and what
// the checkpoint of a dead run names and isn't there is told.
func TestTwoWriters(t *testing.T) {
	ctx := context.Background()
	tab := table(t.TempDir(), nil, map[string]string{"sink.rolling-policy.file-size": "1b"}, line)
	open := func() (connectors.Sink, connectors.Writer) {
		s, err := Connector.Sink(tab)
		if err != nil {
			t.Fatal(err)
		}
		w, err := s.Open(ctx, connectors.WriterEnv{Job: "j", Of: 1, Now: func() time.Time { return time.UnixMilli(0) }})
		if err != nil {
			t.Fatal(err)
		}
		return s, w
	}
	prepare := func(w connectors.Writer) []byte {
		b := lineBatch("x", 0)
		b.Cols = b.Cols[:1]
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		p, err := w.Prepare(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	s, w := open()
	p := prepare(w)
	other, _ := open()
	if err := other.Abandon(ctx, "j", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Commit(ctx, connectors.Commit{N: 1}, [][]byte{p}); !errors.Is(err, connectors.ErrLost) {
		t.Errorf("a file that is held is taken: %v", err)
	}
	if _, err := s.Commit(ctx, connectors.Commit{N: 1}, [][]byte{p}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, tab, nil); len(got) != 1 {
		t.Errorf("%d rows", len(got))
	}
	p = prepare(w)
	hidden, err := filepath.Glob(filepath.Join(tab.Options.String("path"), ".*.inprogress"))
	if err != nil || len(hidden) != 1 {
		t.Fatal(hidden, err)
	}
	if err := os.Remove(hidden[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(ctx, connectors.Commit{N: 2}, [][]byte{p}); !errors.Is(err, connectors.ErrLost) {
		t.Errorf("a file that is gone is published: %v", err)
	}
	if _, err := other.Commit(ctx, connectors.Commit{N: 2}, [][]byte{p}); err != nil {
		t.Fatal(err)
	}
	if told := other.(connectors.Teller).Told(); len(told) != 1 || !strings.Contains(told[0], "isn't there") {
		t.Errorf("told %q", told)
	}
}
