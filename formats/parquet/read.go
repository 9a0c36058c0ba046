package parquet

import (
	"errors"
	"fmt"
	"io"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// assembler puts the values of a column, or of a part of one, together.
type assembler struct {
	t       types.Type
	def     int // definition level at which the value isn't NULL
	rep     int // repetition level of a list's further elements
	leaf    *leaf
	first   *leaf // any leaf below
	kids    []*assembler
	missing bool // the file doesn't have it
	phantom bool // first is a leaf read only to know where a ROW is NULL
}

type fileReader struct {
	groups  []pq.RowGroup
	rows    int64
	leaves  []*leaf
	columns []*assembler
	types   []types.Type
	group   int   // the next row group
	left    int64 // rows left in the open one
	out     batch.Batch
}

// footer reads what a file says of itself.
func footer(r io.ReaderAt, size int64) (*pq.File, error) {
	if err := guard(r, size); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	f, err := pq.OpenFile(r, size, pq.SkipBloomFilters(true), pq.SkipPageIndex(true))
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return f, nil
}

func openFile(s formats.Spec, r io.ReaderAt, size int64) (formats.FileReader, error) {
	f, err := footer(r, size)
	if err != nil {
		return nil, err
	}
	out := &fileReader{groups: f.RowGroups(), rows: f.NumRows(), types: s.Schema.Types()}
	zone := newSettings(s).zone
	for _, c := range s.Schema.Fields {
		a, err := out.assembler(f.Root().Column(c.Name), c.Type, zone)
		if err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
		out.columns = append(out.columns, a)
	}
	return out, nil
}

// assembler binds a stored column, nil for none, to a type.
func (f *fileReader) assembler(c *pq.Column, t types.Type, zone *time.Location) (*assembler, error) {
	a := &assembler{t: t}
	if c == nil {
		a.missing = true
		return a, nil
	}
	a.def = c.MaxDefinitionLevel()
	if t.Layout() == types.LayoutList {
		return a, f.list(a, c, zone)
	}
	if c.Repeated() {
		return nil, fmt.Errorf("column %q is repeated in the file, %s in the table", c.Name(), t.Nullable())
	}
	if t.Layout() == types.LayoutStruct {
		if c.Leaf() {
			return nil, fmt.Errorf("column %q is %s in the file, %s in the table", c.Name(), c.Type(), t.Nullable())
		}
		for _, k := range t.Fields {
			kid, err := f.assembler(c.Column(k.Name), k.Type, zone)
			if err != nil {
				return nil, err
			}
			a.kids = append(a.kids, kid)
			if a.first == nil {
				a.first = kid.first
			}
		}
		if a.first == nil { // none of its fields: read any leaf to know where it is NULL
			return a, f.anyLeaf(a, c)
		}
		return a, nil
	}
	if !c.Leaf() {
		return nil, fmt.Errorf("column %q is a group in the file, %s in the table", c.Name(), t.Nullable())
	}
	l, err := newLeaf(c, t, zone)
	if err != nil {
		return nil, err
	}
	f.leaves = append(f.leaves, l)
	a.leaf, a.first = l, l
	return a, nil
}

func (f *fileReader) anyLeaf(a *assembler, c *pq.Column) error {
	for !c.Leaf() {
		if len(c.Columns()) == 0 {
			return fmt.Errorf("group %q has no columns", c.Name())
		}
		c = c.Columns()[0]
	}
	if c.MaxRepetitionLevel() > 0 {
		return fmt.Errorf("none of the fields of %s is in the file", a.t.Nullable())
	}
	a.first, a.phantom = &leaf{column: c}, true
	f.leaves = append(f.leaves, a.first)
	return nil
}

// list binds the three-level form of lists and maps, and the older two-level ones.
func (f *fileReader) list(a *assembler, c *pq.Column, zone *time.Location) (err error) {
	repeated := c
	if !c.Repeated() {
		if c.Leaf() || len(c.Columns()) != 1 || !c.Columns()[0].Repeated() {
			return fmt.Errorf("column %q is no list in the file, %s in the table", c.Name(), a.t.Nullable())
		}
		repeated = c.Columns()[0]
	} else {
		a.def--
	}
	a.rep = repeated.MaxRepetitionLevel()
	kt := a.t.KidTypes()
	elements := repeated.Columns()
	if a.t.Kind == types.Array && (repeated.Leaf() || len(elements) > 1 || repeated.Name() == "array") {
		elements = []*pq.Column{repeated} // the repeated node is the element
	}
	if len(elements) != len(kt) {
		return fmt.Errorf("column %q has %d parts in the file, %s in the table", c.Name(), len(elements), a.t.Nullable())
	}
	for i, e := range elements {
		kid, err := f.element(e, kt[i], zone)
		if err != nil {
			return err
		}
		a.kids = append(a.kids, kid)
	}
	a.first = a.kids[0].first
	return nil
}

// element binds a list's element, which may be the repeated node itself.
func (f *fileReader) element(c *pq.Column, t types.Type, zone *time.Location) (*assembler, error) {
	if !c.Repeated() || t.Layout() == types.LayoutList {
		return f.assembler(c, t, zone)
	}
	if c.Leaf() {
		l, err := newLeaf(c, t, zone)
		if err != nil {
			return nil, err
		}
		f.leaves = append(f.leaves, l)
		return &assembler{t: t, def: c.MaxDefinitionLevel(), leaf: l, first: l}, nil
	}
	a := &assembler{t: t, def: c.MaxDefinitionLevel()}
	for _, k := range t.Fields {
		kid, err := f.assembler(c.Column(k.Name), k.Type, zone)
		if err != nil {
			return nil, err
		}
		a.kids = append(a.kids, kid)
		if a.first == nil {
			a.first = kid.first
		}
	}
	if a.first == nil || t.Layout() != types.LayoutStruct {
		return nil, fmt.Errorf("column %q is a group in the file, %s in the table", c.Name(), t.Nullable())
	}
	return a, nil
}

// open opens row groups until one has rows, at its row from.
func (f *fileReader) open(from int64) error {
	for f.left == 0 {
		if f.group >= len(f.groups) {
			return io.EOF
		}
		g := f.groups[f.group]
		f.group++
		if g.NumRows() <= from {
			from -= g.NumRows()
			continue
		}
		chunks := g.ColumnChunks()
		for _, l := range f.leaves {
			if err := l.open(chunks[l.column.Index()], from); err != nil {
				return err
			}
		}
		f.left, from = g.NumRows()-from, 0
	}
	return nil
}

func (f *fileReader) Next(most int) (_ *batch.Batch, err error) {
	defer recovered(&err)
	if err := f.open(0); err != nil {
		return nil, err
	}
	n := int(min(int64(max(most, 1)), f.left))
	f.out.Reset(f.types)
	for c, a := range f.columns {
		if a.leaf != nil {
			if err := a.flat(&f.out.Cols[c], n); err != nil {
				return nil, fmt.Errorf("parquet: %w", err)
			}
			continue
		}
		for i := 0; i < n; i++ {
			if err := a.append(&f.out.Cols[c], i); err != nil {
				return nil, fmt.Errorf("parquet: %w", err)
			}
		}
	}
	f.left -= int64(n)
	f.out.Len = n
	return &f.out, nil
}

var errShort = errors.New("a column has fewer values than the row group has rows")

// append appends the next value to v, which has n rows.
func (a *assembler) append(v *batch.Vector, n int) error {
	if a.missing {
		v.AppendNull(a.t, n)
		return nil
	}
	x, err := a.first.peek()
	if err != nil {
		return err
	}
	if x == nil {
		return errShort
	}
	def := x.DefinitionLevel()
	if def < a.def {
		v.AppendNull(a.t, n)
		return a.skip()
	}
	switch {
	case a.leaf != nil:
		a.leaf.at++
		return a.leaf.append(v, n, x)
	case a.t.Layout() == types.LayoutStruct:
		if a.phantom {
			a.first.at++
		}
		for k, kid := range a.kids {
			if err := kid.append(&v.Kids[k], n); err != nil {
				return err
			}
		}
		v.SetValid(n)
		return nil
	}
	first, count := v.Kids[0].Size(a.kids[0].t), 0
	for ; ; count++ {
		if count > 0 {
			if x, err = a.first.peek(); err != nil {
				return err
			}
			if x == nil || x.RepetitionLevel() < a.rep {
				break
			}
		} else if def == a.def { // an empty list
			if err := a.skip(); err != nil {
				return err
			}
			break
		}
		for k, kid := range a.kids {
			if err := kid.append(&v.Kids[k], first+count); err != nil {
				return err
			}
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, count))
	v.SetValid(n)
	return nil
}

// skip passes over one value of every leaf below: of a NULL or an empty list.
func (a *assembler) skip() error {
	if a.leaf != nil || a.phantom {
		l := a.first
		x, err := l.peek()
		if err != nil {
			return err
		}
		if x == nil {
			return errShort
		}
		l.at++
	}
	for _, k := range a.kids {
		if k.missing {
			continue
		}
		if err := k.skip(); err != nil {
			return err
		}
	}
	return nil
}

// Skip passes over rows by row group and page.
func (f *fileReader) Skip(n int64) (err error) {
	defer recovered(&err)
	for n > 0 {
		if f.left > 0 { // in the middle of a group: it is opened again behind the rows
			g := f.groups[f.group-1]
			at := g.NumRows() - f.left + n
			if n -= f.left; n >= 0 {
				f.left = 0
				continue
			}
			f.group, f.left = f.group-1, 0
			return f.open(at)
		}
		if f.group >= len(f.groups) {
			return nil
		}
		if rows := f.groups[f.group].NumRows(); rows <= n {
			n -= rows
			f.group++
			continue
		}
		return f.open(n)
	}
	return nil
}

func (f *fileReader) Rows() int64 { return f.rows }

func (f *fileReader) Close() error {
	for _, l := range f.leaves {
		l.close()
	}
	return nil
}
