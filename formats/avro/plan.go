package avro

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/types"
)

// Plan reads what was written with one schema into the columns that are wanted.
type Plan struct{ root *step }

// op is what a step reads.
type op uint8

const (
	opSkip op = iota // read and drop: step.schema
	opNull
	opBool
	opInt // a varint into I64, times mul
	opMicros
	opMillis
	opTimeMicros
	opFloat
	opDouble
	opBytes
	opFixed
	opEnum
	opDecimal
	opDecimalFixed
	opNumberText // a number into a text column
	opArray
	opMap
	opRecord
	opUnion
)

// step reads one value of the written schema.
type step struct {
	op     op
	schema *Schema
	t      types.Type
	size   int
	kids   []*step // record: by written field; union: by branch; array, map: the item
	to     []int   // record: the column of each written field, -1 to skip it
	absent []int   // record: wanted fields that weren't written
}

// NewPlan matches columns to written fields by name. The written schema may be a
// union of null and a record, as Flink writes it.
func NewPlan(written *Schema, want *types.Schema) (*Plan, error) {
	s := &step{}
	err := s.bind(written, types.Type{Kind: types.Row, NotNull: true, Fields: want.Fields}, 0)
	return &Plan{root: s}, err
}

var errDeep = errors.New("the schema is nested too deep")

func (s *step) bind(w *Schema, t types.Type, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	s.schema, s.t = w, t
	mismatch := fmt.Errorf("%s was written, %s is wanted", w.shown(), t.Nullable())
	switch {
	case w.Type == "union":
		s.op = opUnion
		usable := false
		for _, b := range w.Branches {
			k := &step{}
			if err := k.bind(b, t, depth+1); err != nil {
				if b.Type == "record" || len(w.Branches) <= 2 {
					return err
				}
				k = &step{op: opSkip, schema: nil} // a branch that doesn't fit fails the row that has it
			} else if b.Type != "null" {
				usable = true
			}
			s.kids = append(s.kids, k)
		}
		if !usable && len(w.Branches) > 1 {
			return mismatch
		}
		return nil
	case w.Type == "null":
		s.op = opNull
		return nil
	case t.IsRow():
		return s.bindRecord(w, t, depth)
	case t.Kind == types.Array:
		if w.Type != "array" {
			return mismatch
		}
		s.op = opArray
		return s.item(w.Items, t.Elem(), depth)
	case t.Kind == types.Map || t.Kind == types.Multiset:
		if kt := t.KidTypes(); w.Type == "map" && kt[0].IsString() {
			s.op = opMap
			return s.item(w.Items, kt[1], depth)
		}
		return mismatch
	}
	if s.op = scalar(w, t); s.op == opSkip {
		return mismatch
	}
	s.size = w.Size
	return nil
}

func (s *step) item(w *Schema, t types.Type, depth int) error {
	s.kids = []*step{{}}
	return s.kids[0].bind(w, t, depth+1)
}

func (s *step) bindRecord(w *Schema, t types.Type, depth int) error {
	if w.Type != "record" {
		return fmt.Errorf("%s was written, %s is wanted", w.shown(), t.Nullable())
	}
	s.op = opRecord
	found := make([]bool, len(t.Fields))
	for _, f := range w.Fields {
		c := -1
		for i, x := range t.Fields {
			if x.Name == f.Name {
				c = i
			}
		}
		k := &step{op: opSkip, schema: f.Type}
		if c >= 0 {
			found[c] = true
			if err := k.bind(f.Type, t.Fields[c].Type, depth+1); err != nil {
				return fmt.Errorf("field %q: %w", f.Name, err)
			}
		}
		s.kids, s.to = append(s.kids, k), append(s.to, c)
	}
	for c, ok := range found {
		if !ok {
			s.absent = append(s.absent, c)
		}
	}
	return nil
}

// scalar is how a written scalar becomes a value of type t, opSkip when it can't.
func scalar(w *Schema, t types.Type) op {
	switch w.Type {
	case "boolean":
		if t.Kind == types.Boolean {
			return opBool
		}
	case "int", "long":
		switch {
		case t.IsString():
			return opNumberText
		case t.Kind == types.Decimal:
			return opInt
		case t.IsTimestamp():
			switch w.Logical {
			case "timestamp-micros", "local-timestamp-micros":
				return opMicros
			case "date", "time-millis", "time-micros", "timestamp-nanos", "local-timestamp-nanos":
				return opSkip
			}
			return opMillis // as Flink takes a plain number
		case t.Kind == types.Date:
			if w.Type == "int" && w.Logical != "time-millis" {
				return opInt
			}
			return opSkip
		case t.Kind == types.Time:
			switch {
			case w.Type == "int" && w.Logical != "date":
				return opInt
			case w.Logical == "time-micros":
				return opTimeMicros
			}
			return opSkip
		case t.IsInteger(), t.IsInterval(), t.IsApprox():
			return opInt
		}
	case "float":
		if t.IsApprox() {
			return opFloat
		}
	case "double":
		if t.Kind == types.Double {
			return opDouble
		}
	case "bytes", "string":
		if t.Kind == types.Decimal && w.Logical == "decimal" {
			return opDecimal
		}
		if t.Layout() == types.LayoutBytes && w.Logical != "decimal" {
			return opBytes
		}
	case "fixed":
		if t.Kind == types.Decimal && w.Logical == "decimal" {
			return opDecimalFixed
		}
		if t.Layout() == types.LayoutBytes {
			return opFixed
		}
	case "enum":
		if t.IsString() {
			return opEnum
		}
	}
	return opSkip
}
