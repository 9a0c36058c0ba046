package exec

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/csv"
	"github.com/millrace/millrace/types"
)

var schema = types.NewSchema(types.Field{Name: "id", Type: types.IntType}, types.Field{Name: "s", Type: types.StringType})

func table(command, format string, options ...string) connectors.Table {
	set := map[string]string{"command": command}
	for i := 0; i < len(options); i += 2 {
		set[options[i]] = options[i+1]
	}
	t := connectors.Table{Path: "t", Schema: schema, Full: schema, Options: formats.Values{Set: set, Declared: Connector.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
	if format == "csv" {
		t.Format = formats.Table{Format: csv.Format, Spec: formats.Spec{Schema: schema, Full: schema, Options: formats.Values{Declared: csv.Format.Options}}}
	}
	return t
}

func rows(n int) *batch.Batch {
	b := &batch.Batch{}
	b.Reset(schema.Types())
	for i := range n {
		b.Cols[0].I64 = append(b.Cols[0].I64, int64(i))
		b.Cols[1].Str = append(b.Cols[1].Str, 0)
		b.Cols[1].SetString(i, fmt.Sprint("s", i))
		b.AppendKind(batch.Insert)
	}
	return b
}

func texts(n int) (out []string) {
	b := rows(n)
	for i := range n {
		out = append(out, conntest.Text(schema.Types(), b, i))
	}
	return out
}

func open(t *testing.T, tab connectors.Table) connectors.Source {
	s, err := Connector.Source(tab)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSource(t *testing.T) {
	const n = 1500
	dir := t.TempDir()
	var arrow, lines bytes.Buffer
	w := ipc.NewWriter(&arrow, schema, false)
	if err := w.Write(rows(n)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for i := range n {
		fmt.Fprintf(&lines, "%d,s%d\n", i, i)
	}
	for name, b := range map[string][]byte{"a.arrow": arrow.Bytes(), "l.csv": bytes.TrimSuffix(lines.Bytes(), []byte("\n"))} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tab := range []connectors.Table{table("cat "+dir+"/a.arrow", ""), table("cat "+dir+"/l.csv", "csv"), table("head -c 5000 "+dir+"/l.csv; sleep 0.1; tail -c +5001 "+dir+"/l.csv", "csv")} {
		conntest.Source(t, conntest.SourceHarness{Open: func() connectors.Source { return open(t, tab) }, Types: schema.Types(), Rows: texts(n)})
	}
}

// read reads a command to its end.
func read(t *testing.T, tab connectors.Table) (n int, err error) {
	s := open(t, tab)
	splits, _ := s.Splits(context.Background(), nil, 1)
	wake := make(chan struct{}, 100)
	r, err := s.Read(context.Background(), splits[0], nil, connectors.ReadEnv{Wake: func() { wake <- struct{}{} }, Rows: 100, Bad: func(b connectors.BadRow) error { return b.Reason }})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		b, err := r.Next()
		if err == connectors.ErrNotReady {
			<-wake
			continue
		}
		if err != nil {
			return n, err
		}
		n += b.Len
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		tab  connectors.Table
		n    int
		want string
	}{
		{table("echo 1,a; echo lost the way >&2; exit 3", "csv"), 1, "exit status 3; it wrote: lost the way"},
		{table("echo 1,a; echo x,b", "csv"), 1, "isn't a INT"},
		{table("echo this is not arrow", ""), 0, "arrow stream"},
		{table("no-such-command-there-is", "csv"), 0, "exit status 127"},
		{table("true", "csv"), 0, "EOF"},
	} {
		n, err := read(t, c.tab)
		if n > c.n || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d rows, %v", c.tab.Options.String("command"), n, err)
		}
	}
	// a command that is closed early goes away with what it has started
	s := open(t, table("yes 1,a", "csv", "bounded", "false"))
	splits, _ := s.Splits(context.Background(), nil, 1)
	r, err := s.Read(context.Background(), splits[0], nil, connectors.ReadEnv{Wake: func() {}, Rows: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, tab connectors.Table, n int) error {
	s, err := Connector.Sink(tab)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Of: 1})
	if err != nil {
		return err
	}
	b := rows(1000)
	for i := 0; i < n && err == nil; i += 1000 {
		if err = w.Write(b); err == nil {
			err = w.Flush(context.Background())
		}
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return err
}

func TestSink(t *testing.T) {
	dir := t.TempDir()
	if err := write(t, table("cat >"+dir+"/out.csv; echo done", "csv"), 2000); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/out.csv")
	if err != nil || strings.Count(string(text), "\n") != 2000 || !strings.HasPrefix(string(text), "0,s0\n1,s1\n") {
		t.Errorf("%v %.40s", err, text)
	}
	if err := write(t, table("cat >"+dir+"/out.arrow", ""), 2000); err != nil {
		t.Fatal(err)
	}
	if n, err := read(t, table("cat "+dir+"/out.arrow", "")); n != 2000 {
		t.Errorf("%d rows, %v", n, err)
	}
	for command, want := range map[string]string{"exit 4": "exit status 4", "cat >/dev/null; echo no room >&2; exit 2": "exit status 2; it wrote: no room", "head -n 1 >/dev/null": "before it had read all rows"} {
		if err := write(t, table(command, "csv"), 1_000_000); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
}
