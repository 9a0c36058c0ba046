// Package logical is relational algebra as data: what a bound query means,
// before anything is decided about how it runs.
//
// planner/bind makes these nodes from the tree, planner/rewrite turns them into
// better ones with the same meaning, planner/physical chooses operators for them.
// A node refers to columns of its inputs by position. Start with Node.
package logical

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Node is a relation.
type Node interface {
	Schema() *types.Schema
	Inputs() []Node
	// With is the node over other inputs of the same schemas.
	With(inputs []Node) Node
	Span() sqlerr.Span
	// String is one line for EXPLAIN, without the inputs.
	String() string
}

// Base carries what every node has; embed it.
type Base struct {
	Out *types.Schema
	At  sqlerr.Span
}

// Schema is the node's columns.
func (b *Base) Schema() *types.Schema { return b.Out }

// SetSchema replaces the columns' types or names; for a node that With has just made.
func (b *Base) SetSchema(s *types.Schema) { b.Out = s }

// Span is the SQL the node came from.
func (b *Base) Span() sqlerr.Span { return b.At }

// Table is a resolved table: what Scan reads and Sink writes.
type Table struct {
	Path      catalog.Path
	Def       *catalog.Table
	Options   []catalog.Option // WITH, overridden by hints
	Connector *connectors.Connector
	Format    formats.Table         // formats bound to their options; Spec.Schema is set when the plan knows it
	Values    formats.Values        // the connector's options, checked
	Full      *types.Schema         // physical columns in declared order
	Meta      []connectors.Metadata // persisted and virtual metadata columns, in declared order
	MetaNames []string
	Key       []int         // PRIMARY KEY, columns of Columns
	Columns   *types.Schema // all columns as a query sees them, with time attributes
}

// BadRows is the rows of a table that a scan couldn't decode: columns table, split,
// offset, raw and reason.
type BadRows struct {
	Base
	Scan *Scan
}

// Scan reads a table. Its output is Columns of the table's Columns schema.
//
// Physical lists what the connector delivers: indexes into Full, then metadata
// indexes. Exprs computes every output column from those (a Column reference, or a
// computed column's expression); Watermark likewise, nil for none.
type Scan struct {
	Base
	Table       *Table
	Physical    []int       // indexes into Table.Full
	Meta        []int       // indexes into Table.Meta; delivered behind the physical ones
	Exprs       []expr.Expr // over the delivered columns
	Rowtime     int         // output column that is the rowtime attribute, -1: none (it may be pruned from the output: then RowtimeExpr counts)
	RowtimeExpr expr.Expr   // over the delivered columns
	Watermark   expr.Expr   // over the delivered columns
	Filter      expr.Expr   // pushed down, over the delivered columns; nil: none
	Limit       int64       // pushed down; 0: none
	Rows        float64     // of the table, about, in batch mode; 0: unknown
}

// Values is constant rows.
type Values struct {
	Base
	Rows [][]expr.Expr
}

// Project computes columns. In streaming mode a rowtime column stays one only if
// it is a plain Column reference.
type Project struct {
	Base
	Input Node
	Exprs []expr.Expr
}

// Filter keeps the rows for which Cond is TRUE.
type Filter struct {
	Base
	Input Node
	Cond  expr.Expr
}

// WindowKind is a window table-valued function or group window.
type WindowKind uint8

const (
	Tumble WindowKind = iota
	Hop
	Cumulate
	Session
	// Attached: the rows carry window_start and window_end from another window
	// operator.
	Attached
)

func (k WindowKind) String() string {
	return [...]string{"TUMBLE", "HOP", "CUMULATE", "SESSION", "WINDOW"}[k]
}

// Window is the parameters of a window, times in ms.
type Window struct {
	Kind      WindowKind
	Size      int64 // the gap of SESSION
	Slide     int64 // of HOP, the step of CUMULATE
	Offset    int64
	Time      int // the time column of the input
	Start     int // of Attached: the columns of the window's borders
	End       int
	Partition []int // PARTITION BY of SESSION
	Proctime  bool
	LTZ       bool // the time column is TIMESTAMP_LTZ: windows align to the session's wall clock
	Legacy    bool // a group window (GROUP BY TUMBLE(...))
}

// WindowTVF appends window_start, window_end, window_time to its input.
type WindowTVF struct {
	Base
	Input  Node
	Window Window
}

// AggCall is a call of an aggregate over columns of the input.
type AggCall struct {
	Fn       *functions.Aggregate
	Args     []int
	Distinct bool
	Filter   int // a BOOLEAN column of the input, -1: none
	Order    []batch.Order
	T        types.Type
	Consts   []functions.Arg // as the call was bound: types and constants of the arguments
	Name     string
	At       sqlerr.Span
}

func (c AggCall) String() string {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = fmt.Sprintf("$%d", a)
	}
	s := strings.Join(args, ", ")
	if len(c.Args) == 0 {
		s = "*"
	}
	if c.Distinct {
		s = "DISTINCT " + s
	}
	s = c.Fn.Name + "(" + s + c.Fn.Constants(c.Consts) + ")"
	if len(c.Order) > 0 {
		s += fmt.Sprintf(" ORDER %v", c.Order)
	}
	if c.Filter >= 0 {
		s += fmt.Sprintf(" FILTER $%d", c.Filter)
	}
	return s
}

// Aggregate groups by Keys. Output: the keys, then one column per call, then the
// window's properties. Without Window it is an unbounded aggregation. With one
// the group is (window, keys): bind makes the node with Window nil even over a
// WindowTVF; rewrite recognises the window aggregation (Keys holding both
// window_start and window_end of a WindowTVF) and sets Window.
type Aggregate struct {
	Base
	Input Node
	Keys  []int
	Calls []AggCall
	// Sets are the grouping sets, each a subset of Keys in canonical order; nil for
	// a plain GROUP BY: positions in Keys. With Sets, the set's id from SetIDs (BIGINT)
	// stands behind the calls and properties, and GROUPING() is computed from it: a bit
	// is set where a key of the GROUP BY is absent, the first being the highest.
	Sets   [][]int
	SetIDs []int64
	// Window of a legacy group window or a recognised TVF aggregation.
	Window *Window
	// Props are the window properties of the output, in order: of a Window only.
	Props []WindowProp
	// Emit are the experimental emit settings of legacy windows.
	Distinct bool   // SELECT DISTINCT: no calls
	TTL      string // STATE_TTL of the input, a duration; "": the session's
}

// WindowProp is a window column behind an aggregation's calls.
type WindowProp uint8

const (
	WindowStart WindowProp = iota
	WindowEnd
	WindowTime // window_time, *_ROWTIME, *_PROCTIME
)

// JoinKind is the kind of a join.
type JoinKind uint8

const (
	Inner JoinKind = iota
	Left
	Right
	Full
	Semi
	Anti
)

func (k JoinKind) String() string {
	return [...]string{"InnerJoin", "LeftOuterJoin", "RightOuterJoin", "FullOuterJoin", "LeftSemiJoin", "LeftAntiJoin"}[k]
}

// Join joins two inputs; Cond is over the columns of both, left first. Semi and
// Anti output the left columns alone. rewrite and physical split Cond into equal
// keys and the rest and recognise interval, window, temporal and look-up joins.
type Join struct {
	Base
	Left, Right Node
	Kind        JoinKind
	Cond        expr.Expr // nil: TRUE
	// AsOf is set for FOR SYSTEM_TIME AS OF: the left column it names.
	Temporal bool
	AsOf     int
	// Interval bounds the times of the two sides: rewrite finds it in the condition.
	Interval *Interval
	// Windows says that rows meet within their window: rewrite finds it in the
	// condition.
	Windows *JoinWindows
	Hints   []Hint
	Rows    [2]float64 // in batch mode, about how many rows each side has; 0: unknown
	TTL     [2]string  // STATE_TTL of each side, durations; "": the session's
}

// JoinWindows are the windows of a window join's sides: Window's Start and End are
// columns of the side.
type JoinWindows struct{ Left, Right Window }

// Interval says that Lower <= left time - right time <= Upper, in ms. The times are
// columns of the sides, both rowtime or both processing time.
type Interval struct {
	Left, Right  int
	Lower, Upper int64
	Proctime     bool
}

// Hint is a query hint: its name, list items or key-values.
type Hint struct {
	Name string
	List []string
	KV   map[string]string
	At   sqlerr.Span
}

// Correlate applies a table function to each row: UNNEST, LATERAL TABLE(f(..)).
// Output: the input's columns, then the function's.
type Correlate struct {
	Base
	Input Node
	Fn    *functions.Table
	Args  []expr.Expr
	Cond  expr.Expr // over the output's columns; nil: TRUE
	Left  bool      // rows without a result are kept, padded
}

// Union is UNION ALL.
type Union struct {
	Base
	All []Node
}

// SetKind is INTERSECT or EXCEPT.
type SetKind uint8

const (
	Intersect SetKind = iota
	Except
)

// SetOp is INTERSECT or EXCEPT, with ALL or distinct.
type SetOp struct {
	Base
	Kind        SetKind
	AllRows     bool
	Left, Right Node
}

// Sort orders and limits: ORDER BY, LIMIT, OFFSET, FETCH.
type Sort struct {
	Base
	Input  Node
	By     []batch.Order
	Offset int64
	Limit  int64 // -1: none
}

// Bound is an end of an OVER frame.
type Bound struct {
	Unbounded bool
	Current   bool
	Following bool
	N         int64 // rows, or ms of a RANGE interval
}

// OverGroup is calls over one window.
type OverGroup struct {
	Partition []int
	Order     []batch.Order
	Rows      bool // ROWS, else RANGE
	Lower     Bound
	Upper     Bound
	Calls     []OverCall
}

// OverCall is an aggregate or ranking function in an OVER window.
type OverCall struct {
	AggCall        // Fn is nil for ranking functions
	Rank    string // ROW_NUMBER, RANK, DENSE_RANK, LAG, LEAD, NTILE, PERCENT_RANK, CUME_DIST; "" for aggregates
}

// Over appends the results of its calls, group by group, to its input.
type Over struct {
	Base
	Input  Node
	Groups []OverGroup
}

// TopN keeps rows From..To (from 1) of each partition: rewrite makes it of a
// Filter over an Over with ROW_NUMBER. Output: the input's columns, then the rank
// (BIGINT) when WithRank.
type TopN struct {
	Base
	Input     Node
	Partition []int
	By        []batch.Order
	From, To  int64
	ToCol     int  // the column that holds To, -1: constant
	ToLess    bool // with ToCol: the rank is below it
	WithRank  bool
	Fn        string  // ROW_NUMBER, RANK, DENSE_RANK
	Window    *Window // a Top-N per window, whose borders are in Partition: nothing leaves before the window's end
}

// Sink writes a query into a table. Columns maps the query's columns to the
// table's physical and persisted metadata columns.
type Sink struct {
	Base
	Input     Node
	Table     *Table // nil: the rows go to the caller (a SELECT)
	Columns   []int
	Overwrite bool
	Static    map[string]string // PARTITION (k = v)
	Conflict  string            // ON CONFLICT DO: "", "NOTHING", "ERROR", "DEDUPLICATE"
	Rowtime   int               // the column that is the query's rowtime attribute, counted from 1; 0: none
}

func (n *Scan) Inputs() []Node      { return nil }
func (n *BadRows) Inputs() []Node   { return []Node{n.Scan} }
func (n *Values) Inputs() []Node    { return nil }
func (n *Project) Inputs() []Node   { return []Node{n.Input} }
func (n *Filter) Inputs() []Node    { return []Node{n.Input} }
func (n *WindowTVF) Inputs() []Node { return []Node{n.Input} }
func (n *Aggregate) Inputs() []Node { return []Node{n.Input} }
func (n *Join) Inputs() []Node      { return []Node{n.Left, n.Right} }
func (n *Correlate) Inputs() []Node { return []Node{n.Input} }
func (n *Union) Inputs() []Node     { return n.All }
func (n *SetOp) Inputs() []Node     { return []Node{n.Left, n.Right} }
func (n *Sort) Inputs() []Node      { return []Node{n.Input} }
func (n *Over) Inputs() []Node      { return []Node{n.Input} }
func (n *TopN) Inputs() []Node      { return []Node{n.Input} }
func (n *Sink) Inputs() []Node      { return []Node{n.Input} }

func (n *Scan) With([]Node) Node         { return n }
func (n *BadRows) With(in []Node) Node   { c := *n; c.Scan = in[0].(*Scan); return &c }
func (n *Values) With([]Node) Node       { return n }
func (n *Project) With(in []Node) Node   { c := *n; c.Input = in[0]; return &c }
func (n *Filter) With(in []Node) Node    { c := *n; c.Input = in[0]; return &c }
func (n *WindowTVF) With(in []Node) Node { c := *n; c.Input = in[0]; return &c }
func (n *Aggregate) With(in []Node) Node { c := *n; c.Input = in[0]; return &c }
func (n *Join) With(in []Node) Node      { c := *n; c.Left, c.Right = in[0], in[1]; return &c }
func (n *Correlate) With(in []Node) Node { c := *n; c.Input = in[0]; return &c }
func (n *Union) With(in []Node) Node     { c := *n; c.All = in; return &c }
func (n *SetOp) With(in []Node) Node     { c := *n; c.Left, c.Right = in[0], in[1]; return &c }
func (n *Sort) With(in []Node) Node      { c := *n; c.Input = in[0]; return &c }
func (n *Over) With(in []Node) Node      { c := *n; c.Input = in[0]; return &c }
func (n *TopN) With(in []Node) Node      { c := *n; c.Input = in[0]; return &c }
func (n *Sink) With(in []Node) Node      { c := *n; c.Input = in[0]; return &c }
