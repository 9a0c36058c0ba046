// Package exec is the user's functions that another program computes:
//
//	CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE EXEC AS 'command'
//	CREATE FUNCTION f(a INT) RETURNS TABLE (x INT) LANGUAGE EXEC AS 'command'
//
// The command runs in the system's shell, one process for each place in a query
// that calls the function and each subtask, started with the first rows. It reads
// an Arrow IPC stream from its standard input: a column for each parameter, a
// record batch for each request, with the request's number in the metadata of the
// message ("request"). It writes a stream to its standard output: for a scalar
// function the column "result" with a row for each row it was given, in their
// order; for a table function the declared columns and "row", the row of the
// request (from 0) that each row belongs to. Each answer is one record batch, which
// may have the metadata "request" (checked), or "error", a text, and "row": the job
// fails there. NULLs are given to the function. Its standard error goes to the log.
//
// A request that fails (the process ends, doesn't answer in time, writes nonsense)
// is made once more in a new process, then in halves, until the row is found that
// fails alone; that row fails the job.
//
// Start with Function, then child.
package exec

import (
	"fmt"
	"io"
	"time"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// Function is what CREATE FUNCTION says.
type Function struct {
	Name    string
	Command string
	Params  []types.Field
	Result  types.Type    // of a scalar function
	Columns *types.Schema // of a table function, else nil
	// Deterministic: the same arguments always give the same result. Others can't be
	// used where rows are taken back.
	Deterministic bool
	Timeout       time.Duration // for an answer
	Log           io.Writer     // the children's standard error
}

// Doc is what DESCRIBE FUNCTION shows.
func (f *Function) doc() functions.Doc {
	usage := f.Name + "("
	for i, p := range f.Params {
		if i > 0 {
			usage += ", "
		}
		usage += p.Name + " " + p.Type.String()
	}
	return functions.Doc{Group: "user", Usage: usage + ")", Text: "Computed by the command " + f.Command}
}

func (f *Function) params() []functions.Param {
	out := make([]functions.Param, len(f.Params))
	for i, p := range f.Params {
		out[i] = functions.Param{Name: p.Name, Type: p.Type.String(), Accept: func(a functions.Arg) (types.Type, bool) {
			t, ok := types.Common(a.Type, p.Type)
			return p.Type.WithNull(!a.Type.NotNull), ok && (t.Nullable().Plain().Same(p.Type.Nullable()) || t.IsString() && p.Type.IsString())
		}}
	}
	return out
}

// Scalar is f as a function of the binder.
func (f *Function) Scalar() *functions.Scalar {
	s := &functions.Scalar{
		Name: f.Name, Doc: f.doc(), Class: functions.PerRow, Unstable: !f.Deterministic, OwnNulls: true,
		Sigs: []functions.Sig{{Params: f.params(), Result: functions.Fixed(f.Result)}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return kernel{newCaller(f, types.NewSchema(types.Field{Name: resultColumn, Type: f.Result}))}, nil
		},
	}
	if f.Deterministic { // not computed at plan time all the same: a plan runs no command
		s.Class = functions.PerQuery
	}
	return s
}

// Table is f as a table function of the binder.
func (f *Function) Table() *functions.Table {
	return &functions.Table{
		Name: f.Name, Doc: f.doc(), Unstable: !f.Deterministic, Params: f.params(),
		Result: func(args []functions.Arg) (*types.Schema, error) {
			if len(args) != len(f.Params) {
				return nil, fmt.Errorf("%s takes %d arguments, not %d", f.Name, len(f.Params), len(args))
			}
			return f.Columns, nil
		},
		Bind: func(functions.Call) (functions.TableKernel, error) {
			answer := types.NewSchema(append([]types.Field{{Name: rowColumn, Type: types.IntType}}, f.Columns.Fields...)...)
			return tableKernel{newCaller(f, answer)}, nil
		},
	}
}
