package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// The tables of database sys show the session's jobs and those of other processes: a bounded table each, read as
// it is at that moment. Names are few: jobs, operators, splits, late, errors.

const systemConnector = "millrace-system"

// systemColumn is a column and its value for a row.
type systemColumn struct {
	name string
	t    types.Type
}

var (
	instant = types.Type{Kind: types.TimestampLTZ, Length: 3}
	words   = types.StringType
	number  = types.BigIntType
)

// systemTables are their columns.
var systemTables = map[string][]systemColumn{
	"jobs": {{"job_id", words}, {"job", words}, {"status", words}, {"started", instant}, {"ended", instant}, {"rows_in", number}, {"rows_out", number}, {"late", number},
		{"bad", number}, {"watermark_at", instant}, {"error", words}, {"sql_text", words}, {"pid", number}},
	"operators": {{"job_id", words}, {"job", words}, {"operator", number}, {"name", words}, {"subtasks", number}, {"rows_in", number}, {"rows_out", number}, {"late", number},
		{"dropped", number}, {"busy", types.DoubleType}, {"blocked", types.DoubleType}, {"watermark_at", instant}, {"state_keys", number}, {"state_bytes", number}, {"plan", words}, {"sql_text", words}},
	"splits": {{"job_id", words}, {"job", words}, {"table_name", words}, {"split", words}, {"subtask", number}, {"read_rows", number}, {"max_time", instant}, {"watermark_at", instant},
		{"last_row", instant}, {"idle", types.BooleanType}, {"done", types.BooleanType}},
	"late": {{"job_id", words}, {"job", words}, {"operator", number}, {"name", words}, {"rows_in", number}, {"late", number}, {"late_by_ms", number}, {"event_time", instant},
		{"watermark_at", instant}, {"kind", words}, {"row_text", words}, {"sql_text", words}},
	"errors": {{"job_id", words}, {"job", words}, {"table_name", words}, {"split", words}, {"at_offset", number}, {"reason", words}, {"raw_text", words}},
}

// systemTable defines one, nil when there is none of that name.
func systemTable(name string) *catalog.Table {
	cols := systemTables[name]
	if cols == nil {
		return nil
	}
	t := &catalog.Table{Options: []catalog.Option{{Key: "connector", Value: systemConnector}, {Key: "table", Value: name}}}
	for _, c := range cols {
		t.Columns = append(t.Columns, catalog.Column{Name: c.name, Type: c.t})
	}
	return t
}

// system is the connector behind them.
func (s *Session) system() *connectors.Connector {
	return &connectors.Connector{Name: systemConnector, Options: []formats.Option{{Name: "table", Required: true}},
		Source: func(t connectors.Table) (connectors.Source, error) { return &systemSource{session: s, table: t}, nil }}
}

type systemSource struct {
	session *Session
	table   connectors.Table
}

func (x *systemSource) Changes() batch.Changes { return batch.Changes{Kinds: batch.InsertOnly} }
func (x *systemSource) Bounded() bool          { return true }
func (x *systemSource) Splits(_ context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return known, nil
	}
	return []connectors.Split{{Name: "now", Bounded: true}}, nil
}

func (x *systemSource) Read(ctx context.Context, _ connectors.Split, _ []byte, _ connectors.ReadEnv) (connectors.Reader, error) {
	r := &systemReader{schema: x.table.Schema}
	name := x.table.Options.String("table")
	var err error
	if r.rows, err = x.session.allSystemRows(ctx, name, false); err != nil {
		return nil, err
	}
	all := systemTables[name]
	for _, f := range x.table.Schema.Fields {
		for i, c := range all {
			if c.name == f.Name {
				r.cols = append(r.cols, i)
			}
		}
	}
	return r, nil
}

// showsItself: a query of sys tables alone isn't listed among what it shows.
func (j *Job) showsItself() bool {
	if !j.Query {
		return false
	}
	for _, n := range j.Graph.Nodes {
		for _, a := range n.Spec.Args() {
			if a.Name == "table" && strings.Contains(a.Value, "."+catalog.SystemDatabase+".") {
				return true
			}
		}
	}
	return false
}

type systemReader struct {
	schema *types.Schema
	cols   []int
	rows   [][]any
	at     int
	b      batch.Batch
}

// Next fills a batch: nil is NULL, times are time.Time.
func (r *systemReader) Next() (*batch.Batch, error) {
	if r.at >= len(r.rows) {
		return nil, io.EOF
	}
	ts := r.schema.Types()
	r.b.Reset(ts)
	n := min(len(r.rows)-r.at, batch.MaxRows)
	for c := range r.cols {
		r.b.Cols[c].Prepare(ts[c], n)
	}
	for end := r.at + n; r.at < end; r.at++ {
		for c, from := range r.cols {
			v := &r.b.Cols[c]
			switch x := r.rows[r.at][from].(type) {
			case nil:
				v.SetNull(r.b.Len)
			case string:
				v.SetString(r.b.Len, x)
			case int64:
				v.I64[r.b.Len] = x
			case float64:
				v.F64[r.b.Len] = x
			case bool:
				v.I64[r.b.Len] = 0
				if x {
					v.I64[r.b.Len] = 1
				}
			case time.Time:
				v.I64[r.b.Len] = x.UnixMilli() * 1000
			}
		}
		r.b.AppendKind(batch.Insert)
	}
	return &r.b, nil
}
func (r *systemReader) Position() []byte { return nil }
func (r *systemReader) Close() error     { return nil }

// moment is event time, nil for none.
func moment(ms int64) any {
	if ms == operators.MinWatermark || ms == operators.MaxWatermark || ms == 0 {
		return nil
	}
	return time.UnixMilli(ms)
}

// systemRows are a job's rows of a table.
func (j *Job) systemRows(table string) (out [][]any) {
	r := j.Report()
	switch table {
	case "jobs":
		began, ended := j.Times()
		p := r.Progress()
		row := []any{j.ID, j.Name, string(j.Status()), began, nil, p.RowsIn, p.RowsOut, p.Late, p.Bad, moment(p.Watermark), nil, j.SQL, int64(os.Getpid())}
		if !ended.IsZero() {
			row[4] = ended
		}
		if err := j.Err(); err != nil {
			row[10] = err.Error()
		}
		return [][]any{row}
	case "operators":
		for _, o := range r.Operators {
			out = append(out, []any{j.ID, j.Name, int64(o.ID), o.Name, int64(o.Parallelism), o.RowsIn, o.RowsOut, o.Late, o.Dropped, r.Share(o.Busy, o), r.Share(o.Blocked, o),
				moment(o.Watermark), o.StateKeys, o.StateSize, o.Text, fragment(o.At)})
		}
	case "splits":
		for _, x := range r.Splits {
			out = append(out, []any{j.ID, j.Name, x.Table, x.Name, int64(x.Subtask), x.Rows, moment(x.MaxTime), moment(x.Watermark), moment(x.LastRow), x.Idle, x.Done})
		}
	case "late":
		for _, o := range r.Operators {
			if o.Late > 0 {
				out = append(out, j.lateRows(o)...)
			}
		}
	case "errors":
		for _, x := range r.Errors {
			out = append(out, []any{j.ID, j.Name, x.Table, x.Split, x.Offset, x.Reason, string(x.Raw)})
		}
	}
	return out
}

// lateRows are those an operator keeps, or one without a row if it keeps none.
func (j *Job) lateRows(o job.OperatorReport) (out [][]any) {
	session := types.NewSession(time.Now)
	row := func(at, wm, kind, text any) {
		out = append(out, []any{j.ID, j.Name, int64(o.ID), o.Name, o.RowsIn, o.Late, o.LateByMs, at, wm, kind, text, fragment(o.At)})
	}
	for _, l := range j.Late() {
		if l.Operator != o.ID {
			continue
		}
		for i := range l.Rows.Len {
			text := []byte{'{'}
			for c, f := range l.Schema.Fields {
				if c > 0 {
					text = append(text, ',')
				}
				text = append(jsonscan.AppendString(text, f.Name), ':')
				text = changelogjson.AppendJSON(text, f.Type, &l.Rows.Cols[c], i, session)
			}
			row(moment(l.Time[i]), moment(l.Watermark[i]), l.Rows.Kind(i).String(), string(append(text, '}')))
		}
	}
	if len(out) == 0 {
		row(nil, nil, nil, nil)
	}
	return out
}

// fragment is the SQL an operator comes from, on one line.
func fragment(at sqlerr.Span) string { return strings.Join(strings.Fields(at.Text()), " ") }

// showSplits is SHOW SPLITS: those of the running jobs.
func (s *Session) showSplits(out Output) error {
	all, err := s.allSystemRows(context.Background(), "splits", true)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, c := range systemTables["splits"] {
		at[c.name] = i
	}
	var rows [][]string
	for _, x := range all {
		cell := func(name string) string {
			switch v := x[at[name]].(type) {
			case nil:
				return ""
			case time.Time:
				return v.UTC().Format("2006-01-02 15:04:05.000")
			default:
				return fmt.Sprint(v)
			}
		}
		state := "reading"
		switch {
		case x[at["done"]] == true:
			state = "done"
		case x[at["idle"]] == true:
			state = "idle"
		case x[at["read_rows"]] == int64(0):
			state = "no row yet"
		}
		rows = append(rows, []string{cell("job"), cell("table_name"), cell("split"), cell("read_rows"), cell("max_time"), cell("watermark_at"), cell("last_row"), state})
	}
	return answer(out, []string{"job", "table", "split", "rows", "max event time", "watermark", "last row", "state"}, rows)
}
