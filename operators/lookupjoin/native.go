package lookupjoin

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/parallel"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Connector is a table whose connector answers by key: a filter and a projection
// over what it delivers.
type Connector struct {
	Table     string
	Lookup    connectors.Lookup // implements LookupOpener
	Keys      []int             // columns of Delivered
	Delivered *types.Schema
	Async     *Async      // nil: one question at a time
	Filter    expr.Expr   // nil: none
	Exprs     []expr.Expr // the columns of the table as the query sees it
}

// Open opens the connection.
func (c Connector) Open(env *operators.Env) (Asker, error) {
	opener, ok := c.Lookup.(connectors.LookupOpener)
	if !ok {
		return nil, fmt.Errorf("look-up table %s: its connector doesn't take keys", c.Table)
	}
	n := &native{spec: c, env: env, wake: make(chan struct{}, 1), delivered: c.Delivered.Types()}
	var err error
	if c.Async != nil {
		ts := make([]types.Type, len(c.Keys))
		for i, k := range c.Keys {
			ts[i] = c.Delivered.Fields[k].Type
		}
		n.lookup = parallel.Open(env.Context, opener, c.Keys, ts, c.Async.Capacity, c.Async.Timeout)
	} else if n.lookup, err = opener.OpenLookup(env.Context, c.Keys); err != nil {
		return nil, connectors.OfTable("look-up table", c.Table, err)
	}
	if c.Filter != nil {
		if n.filter, err = expr.Compile([]expr.Expr{c.Filter}, env.Session); err != nil {
			return nil, err
		}
	}
	if n.project, err = expr.Compile(c.Exprs, env.Session); err != nil {
		return nil, err
	}
	for _, e := range c.Exprs {
		n.ts = append(n.ts, e.Type())
	}
	n.cols = make([]batch.Vector, len(n.ts))
	return n, nil
}

// native asks a connector and waits for its answer.
type native struct {
	spec            Connector
	env             *operators.Env
	lookup          connectors.Lookup
	filter, project *expr.Program
	delivered, ts   []types.Type
	wake            chan struct{}
	cols            []batch.Vector
	rows            batch.Batch
	sel             []int32
	origin          []int32
}

// Ask asks for all keys at once.
func (n *native) Ask(keys *batch.Batch) (*batch.Batch, []int32, error) {
	ticket, err := n.start(keys)
	if err != nil {
		return nil, nil, err
	}
	rows, origin, err := n.poll(ticket)
	if err != nil {
		return nil, nil, connectors.OfTable("look-up table", n.spec.Table, err)
	}
	return n.shape(rows, origin)
}

// Start asks without waiting.
func (n *native) Start(keys *batch.Batch) (uint64, error) {
	ticket, err := n.lookup.Start(keys, n.signal)
	if err != nil && !errors.Is(err, connectors.ErrBusy) {
		err = connectors.OfTable("look-up table", n.spec.Table, err)
	}
	return ticket, err
}

// Poll is the next answer.
func (n *native) Poll() (uint64, *batch.Batch, []int32, error) {
	ticket, rows, origin, err := n.lookup.Poll()
	if err != nil {
		if !errors.Is(err, connectors.ErrNotReady) {
			err = connectors.OfTable("look-up table", n.spec.Table, err)
		}
		return 0, nil, nil, err
	}
	rows, origin, err = n.shape(rows, origin)
	return ticket, rows, origin, err
}

// Wait waits until an answer has come.
func (n *native) Wait() error { return n.wait() }

// shape filters and projects what the table answers, and puts it into the order of the
// keys.
func (n *native) shape(rows *batch.Batch, origin []int32) (_ *batch.Batch, _ []int32, err error) {
	n.sel = n.sel[:0]
	if n.filter != nil {
		if n.sel, err = n.filter.Filter(rows, nil, n.sel); err != nil {
			return nil, nil, err
		}
	} else {
		for i := range rows.Len {
			n.sel = append(n.sel, int32(i))
		}
	}
	if err := n.project.Eval(rows, n.sel, n.cols); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(n.sel, func(a, b int32) int { return int(origin[a] - origin[b]) })
	n.rows.Reset(n.ts)
	n.origin = n.origin[:0]
	all := batch.Batch{Len: rows.Len, Cols: n.cols}
	for _, i := range n.sel {
		n.rows.AppendRow(n.ts, batch.Insert, &all, int(i))
		n.origin = append(n.origin, origin[i])
	}
	return &n.rows, n.origin, nil
}

// start hands the keys over, waiting while the connector has its hands full.
func (n *native) start(keys *batch.Batch) (uint64, error) {
	for {
		ticket, err := n.lookup.Start(keys, n.signal)
		if !errors.Is(err, connectors.ErrBusy) {
			if err != nil {
				err = connectors.OfTable("look-up table", n.spec.Table, err)
			}
			return ticket, err
		}
		if err := n.wait(); err != nil {
			return 0, err
		}
	}
}

func (n *native) poll(ticket uint64) (*batch.Batch, []int32, error) {
	for {
		t, rows, origin, err := n.lookup.Poll()
		switch {
		case errors.Is(err, connectors.ErrNotReady):
			if err := n.wait(); err != nil {
				return nil, nil, err
			}
		case err != nil || t == ticket:
			return rows, origin, err
		}
	}
}

func (n *native) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
	if n.spec.Async != nil {
		n.env.Wake()
	}
}

func (n *native) wait() error {
	select {
	case <-n.wake:
		return nil
	case <-n.env.Context.Done():
		return n.env.Context.Err()
	}
}

// Close closes the connection.
func (n *native) Close() error { return n.lookup.Close() }
