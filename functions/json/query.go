package json

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// lookup finds what a path leads to in a text.
type lookup struct {
	d     document
	p     *path
	bad   error // why the path can't be read: an error of the row, as in Flink
	last  string
	nodes []int
	void  bool // the text isn't JSON, which a lax path takes for nothing
}

var (
	errText    = errors.New("the text isn't JSON")
	errMissing = errors.New("the JSON path leads nowhere")
	errScalar  = errors.New("the JSON path leads to an object or array where a scalar is wanted")
	errNested  = errors.New("the JSON path leads to a scalar where an object or array is wanted")
	errEmpty   = errors.New("the JSON path gives an empty result")
)

func newLookup(a functions.Arg) (*lookup, error) {
	l := &lookup{}
	if a.Const == nil || a.Const.Null(0) {
		return l, nil
	}
	l.last = symbol(a)
	l.p, l.bad = compilePath(l.last)
	return l, nil
}

// at reads row i. A lax path that leads nowhere gives no nodes.
func (l *lookup) at(args []batch.Vector, i int) (err error) {
	if b := args[1].Bytes(i); l.p == nil && l.bad == nil || l.last != string(b) {
		l.last = string(b)
		l.p, l.bad = compilePath(l.last)
	}
	if l.bad != nil {
		return l.bad
	}
	l.nodes, l.void = l.nodes[:0], false
	root := l.d.parse(args[0].Bytes(i))
	switch {
	case root == 0 && l.p.lax:
		l.void = true
		return nil
	case root == 0 || l.d.nodes[root].kind == null:
		return errText
	}
	missing := false
	l.nodes, missing = l.p.find(&l.d, root, l.nodes)
	if missing && !l.p.lax {
		return errMissing
	}
	return nil
}

// single says that the path leads to one place or none.
func (l *lookup) single() bool { return l.p == nil || !l.p.many || l.void }

func symbol(a functions.Arg) string {
	if a.Const == nil || a.Const.Null(0) {
		return ""
	}
	return string(a.Const.Bytes(0))
}

// behaviour is the keyword in argument i, or def when it was left out.
func behaviour(c functions.Call, i int, def string) string {
	if i >= len(c.Args) || symbol(c.Args[i]) == "" {
		return def
	}
	return symbol(c.Args[i])
}

// clauses is the signature of a function of a text, a path and clauses. counts
// are the numbers of arguments allowed.
func clauses(result func(args []functions.Arg) types.Type, counts ...int) []functions.Sig {
	return []functions.Sig{{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		for _, n := range counts {
			ok = ok || n == len(args)
		}
		if !ok {
			return nil, t, false, nil
		}
		for i, a := range args {
			x := a.Type.Plain()
			if x.Kind == types.Null {
				x = types.StringType
			}
			if i < 2 && !x.IsString() {
				return nil, t, false, nil
			}
			as = append(as, x)
		}
		t = result(args)
		if len(args) == 7 { // JSON_VALUE: the defaults become values of the result
			for _, i := range [...]int{4, 6} {
				as[i] = t.WithNull(!args[i].Type.NotNull)
			}
		}
		return as, t, true, nil
	}}}
}

// Exists is JSON_EXISTS(text, path[, on error]).
var Exists = &functions.Scalar{
	Name:     "JSON_EXISTS",
	Doc:      doc("JSON_EXISTS(text, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])", "Whether a path leads to something.", `JSON_EXISTS('{"a": 1}', '$.a') -> TRUE`),
	OwnNulls: true,
	Sigs:     clauses(func([]functions.Arg) types.Type { return types.BooleanType }, 2, 3),
	Bind: func(c functions.Call) (functions.Kernel, error) {
		l, err := newLookup(c.Args[1])
		if err != nil {
			return nil, err
		}
		onError := behaviour(c, 2, "FALSE")
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			if args[0].Null(i) || args[1].Null(i) {
				out.SetNull(i)
				return nil
			}
			err := l.at(args, i)
			found := err == nil && (!l.single() || len(l.nodes) == 1 && l.d.nodes[l.nodes[0]].kind != null)
			if err != nil {
				if l.p != nil && l.p.lax {
					out.I64[i] = 0
					return nil
				}
				switch onError {
				case "ERROR":
					return err
				case "UNKNOWN":
					out.SetNull(i)
					return nil
				}
				found = onError == "TRUE"
			}
			out.I64[i] = bit(found)
			return nil
		}), nil
	},
}

// Value is JSON_VALUE(text, path[, returning, on empty, default, on error, default]).
var Value = &functions.Scalar{
	Name:     "JSON_VALUE",
	Doc:      doc("JSON_VALUE(text, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY] [NULL | ERROR | DEFAULT value ON ERROR])", "The scalar a path leads to. Paths are strict unless they start with lax.", `JSON_VALUE('{"a": 1}', '$.a') -> '1'`),
	OwnNulls: true,
	Sigs: clauses(func(args []functions.Arg) types.Type {
		if len(args) > 2 && args[2].Type.Kind != types.Null && args[2].Type.Kind != types.Symbol {
			return args[2].Type.Plain().Nullable()
		}
		return types.StringType
	}, 2, 7),
	Bind: func(c functions.Call) (functions.Kernel, error) {
		l, err := newLookup(c.Args[1])
		if err != nil {
			return nil, err
		}
		t := c.Result
		if !t.IsString() && t.Kind != types.Boolean && t.Kind != types.Int && t.Kind != types.Double {
			return nil, sqlerr.Unsupported(c.At, "JSON_VALUE RETURNING "+t.String())
		}
		onEmpty, onError := behaviour(c, 3, "NULL"), behaviour(c, 5, "NULL")
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			if args[0].Null(i) || args[1].Null(i) {
				out.SetNull(i)
				return nil
			}
			err := l.at(args, i)
			var n *node
			if err == nil && !l.p.many && len(l.nodes) == 1 {
				n = &l.d.nodes[l.nodes[0]]
			}
			empty := n == nil || n.kind == null || n.kind >= array
			switch {
			case err == nil && empty && l.p.lax:
				return instead(onEmpty, errEmpty, t, args, 4, i, out)
			case err == nil && n != nil && n.kind == null:
				out.SetNull(i)
				return nil
			case err == nil && empty:
				err = errScalar
			}
			if err == nil {
				err = scalar(t, n, i, out)
			}
			if err != nil {
				return instead(onError, err, t, args, 6, i, out)
			}
			return nil
		}), nil
	},
}

// instead does what ON EMPTY or ON ERROR says.
func instead(what string, err error, t types.Type, args []batch.Vector, def, i int, out *batch.Vector) error {
	switch what {
	case "ERROR":
		return err
	case "DEFAULT":
		out.Set(t, i, &args[def], i)
	default:
		out.SetNull(i)
	}
	return nil
}

// scalar writes a scalar as the returning type.
func scalar(t types.Type, n *node, i int, out *batch.Vector) (err error) {
	switch {
	case t.IsString():
		off := len(out.Buf)
		if n.kind == number {
			out.Buf = appendNumber(out.Buf, n.value)
		} else {
			out.Buf = append(out.Buf, n.value...)
		}
		out.EndBytes(i, off)
		return nil
	case t.Kind == types.Boolean && n.kind == boolean:
		out.I64[i] = bit(n.value[0] == 't')
		return nil
	case t.Kind == types.Int && n.kind == number:
		out.I64[i], err = strconv.ParseInt(string(n.value), 10, 32)
	case t.Kind == types.Double && n.kind == number:
		out.F64[i], err = strconv.ParseFloat(string(n.value), 64)
	default:
		err = errText
	}
	if err != nil {
		return fmt.Errorf("JSON_VALUE can't return '%s' as %s", n.value, t)
	}
	return nil
}

// Query is JSON_QUERY(text, path[, returning, wrapper, on empty, on error]).
var Query = &functions.Scalar{
	Name:     "JSON_QUERY",
	Doc:      doc("JSON_QUERY(text, path [RETURNING type] [WITHOUT | WITH [CONDITIONAL | UNCONDITIONAL] ARRAY WRAPPER] [NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR ON EMPTY] [... ON ERROR])", "The object or array a path leads to, as compact text.", `JSON_QUERY('{"a": [1, 2]}', '$.a') -> '[1,2]'`),
	OwnNulls: true,
	Sigs: clauses(func(args []functions.Arg) types.Type {
		if len(args) > 2 && args[2].Type.Kind == types.Array {
			return args[2].Type.Plain().Nullable()
		}
		return types.StringType
	}, 2, 6),
	Bind: func(c functions.Call) (functions.Kernel, error) {
		l, err := newLookup(c.Args[1])
		if err != nil {
			return nil, err
		}
		list := c.Result.Kind == types.Array
		if list && !c.Result.Elem().IsString() {
			return nil, sqlerr.New(sqlerr.Type, c.At, "Unsupported array element type '%s' for RETURNING ARRAY in JSON_QUERY().", c.Result.Elem().Nullable())
		}
		for k, when := range map[int]string{4: "empty", 5: "error"} {
			if list && behaviour(c, k, "NULL") == "EMPTY_OBJECT" {
				return nil, sqlerr.New(sqlerr.Type, c.At, "Illegal on %s behavior 'EMPTY OBJECT' for return type: %s", when, c.Result.Nullable())
			}
		}
		wrapper, onEmpty, onError := behaviour(c, 3, "WITHOUT"), behaviour(c, 4, "NULL"), behaviour(c, 5, "NULL")
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			if args[0].Null(i) || args[1].Null(i) {
				out.SetNull(i)
				return nil
			}
			err := l.at(args, i)
			single := l.single()
			found := err == nil && (!single || len(l.nodes) == 1 && l.d.nodes[l.nodes[0]].kind != null)
			wrap := !single
			if found && (wrapper == "UNCONDITIONAL" || wrapper == "CONDITIONAL" && single && l.d.nodes[l.nodes[0]].kind != array) {
				wrap = true
			}
			switch {
			case err != nil:
				return substitute(onError, err, list, i, out)
			case wrapper == "UNCONDITIONAL" && !found:
				return substitute(onEmpty, errEmpty, list, i, out)
			case !found || !wrap && l.p.lax && l.d.nodes[l.nodes[0]].kind < array:
				return substitute(onEmpty, errEmpty, list, i, out)
			case !wrap && l.d.nodes[l.nodes[0]].kind < array:
				return substitute(onError, errNested, list, i, out)
			}
			for _, n := range l.nodes {
				l.d.order(n)
			}
			if list {
				return l.list(wrap, onError, i, out)
			}
			off := len(out.Buf)
			if wrap {
				out.Buf = append(out.Buf, '[')
				if !single && wrapper == "UNCONDITIONAL" {
					out.Buf = append(out.Buf, '[')
				}
			}
			for k, n := range l.nodes {
				if k > 0 {
					out.Buf = append(out.Buf, ',')
				}
				out.Buf = l.d.print(out.Buf, n)
			}
			if wrap {
				if !single && wrapper == "UNCONDITIONAL" {
					out.Buf = append(out.Buf, ']')
				}
				out.Buf = append(out.Buf, ']')
			}
			out.EndBytes(i, off)
			return nil
		}), nil
	},
}

// list writes the elements found as an array of texts.
func (l *lookup) list(wrapped bool, onError string, i int, out *batch.Vector) error {
	kid := &out.Kids[0]
	first := len(kid.Str)
	put := func(n int) {
		at := len(kid.Str)
		kid.Str = append(kid.Str, 0)
		switch x := &l.d.nodes[n]; x.kind {
		case null:
			kid.SetNull(at)
			return
		case text:
			kid.SetBytes(at, x.value)
		default:
			off := len(kid.Buf)
			kid.Buf = l.d.print(kid.Buf, n)
			kid.EndBytes(at, off)
		}
		kid.SetValid(at)
	}
	if wrapped {
		for _, n := range l.nodes {
			put(n)
		}
	} else {
		root := &l.d.nodes[l.nodes[0]]
		if root.kind != array {
			return substitute(onError, errors.New("the JSON path leads to an object where an array is wanted"), true, i, out)
		}
		for c := root.child; c != 0; c = l.d.nodes[c].next {
			put(c)
		}
	}
	out.Str[i] = batch.NewView(first, len(kid.Str)-first)
	return nil
}

func substitute(what string, err error, list bool, i int, out *batch.Vector) error {
	switch {
	case what == "ERROR":
		return err
	case what == "EMPTY_ARRAY" && list:
		out.Str[i] = batch.NewView(0, 0)
	case what == "EMPTY_ARRAY":
		out.SetString(i, "[]")
	case what == "EMPTY_OBJECT" && !list:
		out.SetString(i, "{}")
	default:
		out.SetNull(i)
	}
	return nil
}

// Is is text IS JSON what.
var Is = &functions.Scalar{
	Name:     "IS_JSON",
	Doc:      doc("text IS JSON [VALUE | SCALAR | ARRAY | OBJECT]", "Whether a text is JSON of that kind; FALSE for NULL.", `'{"a": 1}' IS JSON OBJECT -> TRUE`),
	OwnNulls: true,
	Sigs: []functions.Sig{{
		Params: []functions.Param{functions.StringParam, {Type: "<KEYWORD>", Optional: true, Accept: func(a functions.Arg) (types.Type, bool) { return a.Type, a.Type.Kind == types.Symbol }}},
		Result: functions.Fixed(types.BooleanType.NotNullable()),
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		what := behaviour(c, 1, "VALUE")
		var d document
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			out.I64[i] = 0
			if args[0].Null(i) {
				return nil
			}
			root := d.parse(args[0].Bytes(i))
			k := d.nodes[root].kind
			out.I64[i] = bit(root != 0 && (what == "VALUE" || what == "SCALAR" && k < array || what == "ARRAY" && k == array || what == "OBJECT" && k == object))
			return nil
		}), nil
	},
}
