package tests

import (
	"fmt"
	"math/rand"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/catalog/memory"
	connectorlist "github.com/millrace/millrace/connectors/all"
	"github.com/millrace/millrace/expr"
	formatlist "github.com/millrace/millrace/formats/all"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/builtin"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/bind"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
	"golang.org/x/sys/unix"
)

// kernels are the functions most used in jobs, as calls over the columns of
// kernelRows. budget is in ns per row, 0 where none is set; views and values of
// fixed width must not allocate.
var kernels = []struct {
	expr   string
	budget float64
}{
	{"i + 1", 0},
	{"i * j", 0},
	{"MOD(i, 1000)", 1.8},
	{"i / 7", 0},
	{"d * 0.908", 3.6},
	{"p + q", 3.6},
	{"p * q", 4.8},
	{"ROUND(p, 1)", 0},
	{"i > 500 AND j < 100", 4},
	{"ABS(j)", 0},
	{"CASE WHEN i > 500 THEN 'high' WHEN i > 100 THEN 'mid' ELSE 'low' END", 0},
	{"COALESCE(n, 0)", 0},
	{"IF(i > 500, i, j)", 0},
	{"GREATEST(i, j)", 0},
	{"i BETWEEN 100 AND 500", 0},
	{"i IN (1, 5, 10, 20, 50)", 0},
	{"n IS NULL", 0},
	{"s = 'channel-5'", 0},
	{"s LIKE 'chan%'", 46},
	{"u LIKE '%item%'", 46},
	{"u LIKE '%item%php%'", 164},
	{"UPPER(s)", 0},
	{"LOWER(s)", 0},
	{"SUBSTRING(u FROM 9 FOR 10)", 7.4},
	{"SPLIT_INDEX(u, '/', 3)", 20},
	{"CHAR_LENGTH(u)", 0},
	{"CONCAT(s, '-', u)", 0},
	{"s || u", 0},
	{"TRIM(s)", 0},
	{"REPLACE(u, 'item', 'thing')", 0},
	{"LPAD(s, 12, '0')", 0},
	{"REGEXP_EXTRACT(u, 'channel_id=([^&]*)', 1)", 72},
	{"u SIMILAR TO '%item[0-9]+%'", 0},
	{"REGEXP_REPLACE(u, '[0-9]+', '#')", 0},
	{"MD5(s)", 0},
	{"JSON_VALUE(k, '$.b.c')", 0},
	{"JSON_QUERY(k, '$.b')", 0},
	{"CAST(i AS STRING)", 0},
	{"CAST(t AS STRING)", 92},
	{"CAST(z AS BIGINT)", 0},
	{"CAST(y AS TIMESTAMP(3))", 11.6},
	{"CAST(p AS DOUBLE)", 0},
	{"TO_TIMESTAMP(y)", 11.6},
	{"TO_TIMESTAMP_LTZ(i, 3)", 0},
	{"DATE_FORMAT(t, 'yyyy-MM-dd')", 3.2},
	{"DATE_FORMAT(t, 'HH:mm')", 0},
	{"EXTRACT(HOUR FROM t)", 0},
	{"HOUR(t)", 0},
	{"FLOOR(t TO HOUR)", 0},
	{"t + INTERVAL '1' DAY", 0},
	{"TIMESTAMPDIFF(MINUTE, t, t2)", 0},
	{"UNIX_TIMESTAMP(y)", 0},
	{"FROM_UNIXTIME(i)", 0},
	{"CAST(t AS DATE)", 0},
}

// kernelColumns are the columns the calls read.
const kernelColumns = `i BIGINT, j BIGINT, n BIGINT, d DOUBLE, p DECIMAL(12, 2), q DECIMAL(10, 3), s STRING, u STRING, k STRING, y STRING, z STRING,
	t TIMESTAMP(3), t2 TIMESTAMP(3)`

// fillKernels writes a batch of values as Nexmark has them, an event a millisecond.
func fillKernels(schema *types.Schema) *batch.Batch {
	const n = batch.MaxRows
	rows := &batch.Batch{Len: n, Cols: make([]batch.Vector, schema.Len())}
	rnd := rand.New(rand.NewSource(1))
	letters := func(n int) string {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte('a' + rnd.Intn(26))
		}
		return string(out)
	}
	start := time.Date(2024, 3, 10, 11, 59, 59, 500e6, time.UTC)
	for c, f := range schema.Fields {
		col := &rows.Cols[c]
		col.Prepare(f.Type, n)
		for i := range n {
			at := start.Add(time.Duration(i) * time.Millisecond)
			switch f.Name {
			case "i", "n":
				col.I64[i] = rnd.Int63n(1000)
			case "j":
				col.I64[i] = rnd.Int63n(1000) - 500
			case "p":
				col.I64[i] = rnd.Int63n(100_000_000)
			case "q":
				col.I64[i] = rnd.Int63n(1_000_000)
			case "d":
				col.F64[i] = rnd.Float64() * 1000
			case "s":
				col.SetBytes(i, []byte("channel-"+letters(1)))
			case "u":
				col.SetBytes(i, fmt.Appendf(nil, "https://www.nexmark.com/%s/%s/item.htm?query=1&channel_id=%d", letters(5), letters(5), rnd.Int31()))
			case "k":
				col.SetBytes(i, fmt.Appendf(nil, `{"a": 12, "b": {"c": "%s", "d": [1, 2]}, "e": true}`, letters(6)))
			case "y":
				col.SetBytes(i, []byte(at.Format("2006-01-02 15:04:05.000")))
			case "z":
				col.SetBytes(i, strconv.AppendInt(nil, rnd.Int63n(1_000_000), 10))
			case "t":
				col.I64[i] = at.UnixMicro()
			case "t2":
				col.I64[i] = at.UnixMicro() + rnd.Int63n(1e10)
			}
			if f.Name == "n" && i%10 == 0 {
				col.SetNull(i)
			}
		}
	}
	return rows
}

// bindKernel compiles a call over the columns, and gives the columns it reads.
func bindKernel(text string) (*expr.Program, *types.Schema, error) {
	session := types.NewSession(time.Now)
	session.Zone = time.UTC
	b := &bind.Binder{
		Names: catalog.NewNames("c", memory.New("d"), "d"), Functions: builtins{}, Session: session,
		Connector: connectorlist.Lookup, Format: formatlist.Lookup,
	}
	stmts, err := parser.Parse(&sqlerr.Source{Name: "kernel", Text: "CREATE TABLE r (" + kernelColumns + ") WITH ('connector' = 'datagen'); SELECT " + text + " FROM r"})
	if err != nil {
		return nil, nil, err
	}
	path, table, err := b.CreateTable(stmts[0].(*ast.CreateTable))
	if err != nil {
		return nil, nil, err
	}
	if err := b.Names.Put(path, table, false, false, false); err != nil {
		return nil, nil, err
	}
	n, err := b.Query(stmts[1].(*ast.QueryStmt).Query)
	if err != nil {
		return nil, nil, err
	}
	project := n.(*logical.Project)
	program, err := expr.Compile(project.Exprs, session)
	return program, project.Input.Schema(), err
}

// builtins are the functions of a session without any of its own.
type builtins struct{}

func (builtins) Scalar(name string) *functions.Scalar  { return builtin.Lookup(name) }
func (builtins) Aggregate(string) *functions.Aggregate { return nil }
func (builtins) Table(string) *functions.Table         { return nil }

// BenchmarkKernels is ns per row of the functions most used, over whole batches,
// beside the budget where there is one.
func BenchmarkKernels(b *testing.B) {
	for _, k := range kernels {
		b.Run(k.expr, func(b *testing.B) {
			program, schema, err := bindKernel(k.expr)
			if err != nil {
				b.Fatal(err)
			}
			rows, out := fillKernels(schema), make([]batch.Vector, 1)
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			began := threadCPU()
			for b.Loop() {
				if err := program.Eval(rows, nil, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(threadCPU()-began)/float64(b.N)/float64(rows.Len), "cpu-ns/row")
			if k.budget > 0 {
				b.ReportMetric(k.budget, "budget")
			}
		})
	}
}

// threadCPU is the CPU time of the calling thread: other work on the machine
// disturbs it less than the wall clock.
func threadCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestKernelAllocations checks that no call allocates per row.
func TestKernelAllocations(t *testing.T) {
	for _, k := range kernels {
		program, schema, err := bindKernel(k.expr)
		if err != nil {
			t.Errorf("%s: %v", k.expr, err)
			continue
		}
		rows, out := fillKernels(schema), make([]batch.Vector, 1)
		run := func() {
			if err := program.Eval(rows, nil, out); err != nil {
				t.Errorf("%s: %v", k.expr, err)
			}
		}
		run()
		if n := testing.AllocsPerRun(20, run); n > 8 {
			t.Errorf("%s allocates %.0f times for a batch of %d rows", k.expr, n, rows.Len)
		}
	}
}
