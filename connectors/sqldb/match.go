package sqldb

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/millrace/millrace/types"
)

// Match finds the columns of a schema among those of a table. Names are compared
// as they are, then without regard to case. The error, the first of Mismatches,
// completes "TABLE has ...".
func Match(schema *types.Schema, cols []Column) ([]Target, error) {
	out := make([]Target, 0, schema.Len())
	for _, f := range schema.Fields {
		c, err := match(f, cols)
		if err != nil {
			return nil, err
		}
		out = append(out, Target{Name: c.Name, Type: f.Type, Instant: c.Instant})
	}
	return out, nil
}

// Mismatches are all that keeps a schema's columns from being those of a table.
func Mismatches(schema *types.Schema, cols []Column) (faults []error) {
	for _, f := range schema.Fields {
		if _, err := match(f, cols); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

func match(f types.Field, cols []Column) (*Column, error) {
	c := Find(cols, f.Name)
	if c == nil {
		names := make([]string, len(cols))
		for i := range cols {
			names[i] = cols[i].Name
		}
		return nil, fmt.Errorf("no column %q; it has %s", f.Name, strings.Join(names, ", "))
	}
	if !Fits(c.Type, f.Type) {
		return nil, fmt.Errorf("column %q of type %s, which can't be read or written as %s; declare it %s", f.Name, c.Declared, f.Type.Nullable().Plain(), suggestion(*c))
	}
	return c, nil
}

func suggestion(c Column) string {
	if c.Type.Kind == types.Null {
		return "STRING"
	}
	return c.Type.Nullable().String()
}

// Find is the column of that name, nil for none.
func Find(cols []Column, name string) *Column {
	for i := range cols {
		if cols[i].Name == name {
			return &cols[i]
		}
	}
	for i := range cols {
		if strings.EqualFold(cols[i].Name, name) {
			return &cols[i]
		}
	}
	return nil
}

// family groups types whose values can turn into one another.
func family(t types.Type) int {
	switch {
	case t.Kind == types.Null, t.IsString():
		return 0
	case t.IsNumeric(), t.Kind == types.Boolean:
		return 1
	case t.Kind == types.Date, t.IsTimestamp():
		return 2
	case t.Kind == types.Time:
		return 3
	case t.IsBytes():
		return 4
	case t.Kind == types.Array:
		return 5
	}
	return 6
}

// Fits says whether a database column of type have may be declared as want: a text
// may stand for anything, numbers for numbers; whether each value fits shows when it
// is read.
func Fits(have, want types.Type) bool {
	a, b := family(have), family(want)
	if a == 5 && b == 5 {
		return Fits(have.Elem(), want.Elem())
	}
	return a == b || b == 0 || a == 0 || a == 4 && want.Kind == types.Boolean
}

// Retry runs open until it works, its error won't pass, or the time is over.
func Retry[T any](ctx context.Context, most time.Duration, open func() (T, error)) (T, error) {
	waited := time.Duration(0)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		x, err := open()
		if err == nil || !transient(err) || ctx.Err() != nil {
			return x, err
		}
		if waited+pause > most {
			return x, fmt.Errorf("given up after %v of trying: %w", waited, err)
		}
		select {
		case <-time.After(pause):
			waited += pause
		case <-ctx.Done():
			return x, err
		}
	}
}

// After is the condition that a row's key lies behind the values, column by column,
// in the form both databases' optimisers turn into ranges of an index.
func After(names, values []string) string {
	var ors []string
	for i := range names {
		var ands []string
		for k := 0; k < i; k++ {
			ands = append(ands, names[k]+" = "+values[k])
		}
		ors = append(ors, "("+strings.Join(append(ands, names[i]+" > "+values[i]), " AND ")+")")
	}
	if len(ors) == 1 {
		return ors[0]
	}
	return "(" + names[0] + " >= " + values[0] + " AND (" + strings.Join(ors, " OR ") + "))"
}

// Lock is a named lock of the session.
func (MySQL) Lock(ctx context.Context, c Conn, name string, wait time.Duration) (got bool, err error) {
	h := fnv.New64a()
	h.Write([]byte(name))
	err = c.Query(ctx, fmt.Sprintf("SELECT GET_LOCK('millrace-%016x', %d)", h.Sum64(), int(wait.Seconds())), func(r []Cell) error {
		got = r[0].String() == "1"
		return nil
	})
	return got, err
}

// Lock is an advisory lock of the session.
func (Postgres) Lock(ctx context.Context, c Conn, name string, wait time.Duration) (got bool, err error) {
	h := fnv.New64a()
	h.Write([]byte(name))
	const pause = 100 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err = c.Query(ctx, fmt.Sprintf("SELECT pg_try_advisory_lock(%d)", int64(h.Sum64())), func(r []Cell) error {
			got = r[0].String() == "t"
			return nil
		})
		if got || err != nil || waited >= wait {
			return got, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
