package sink

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Collect hands a query's rows to the caller, all kinds.
type Collect struct {
	In *types.Schema
	To func(b *batch.Batch) error // called by the task; operators.Done ends the job quietly
}

// Name is Collect.
func (s *Collect) Name() string { return "Collect" }

// Args are none.
func (s *Collect) Args() []operators.Arg { return nil }

// Schema is the input's.
func (s *Collect) Schema() *types.Schema { return s.In }

// Changes takes everything.
func (s *Collect) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	return in[0], keys[0], nil
}

// Needs everything: the caller sees the full changelog.
func (s *Collect) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution: the caller sees one stream.
func (s *Collect) Distribution(int) operators.Distribution { return operators.Keyed(nil) }

// New makes the operator.
func (s *Collect) New() operators.Operator { return &collect{spec: s} }

type collect struct {
	operators.Stateless
	spec *Collect
}

func (o *collect) Process(_ int, b *batch.Batch) error { return o.spec.To(b) }
