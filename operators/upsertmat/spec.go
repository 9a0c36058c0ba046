// Package upsertmat makes a changelog keyed by one key into one keyed by a sink's
// primary key: Flink's SinkUpsertMaterializer.
//
// Rows of one primary key may come from several upstream rows and out of order. It
// keeps them all, oldest first; the last one written is visible. When that is
// taken back the one before it shows again, and the key is deleted with its last
// row. Start with Spec, then Process.
package upsertmat

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec makes changes keyed by Key of changes keyed by From.
type Spec struct {
	In   *types.Schema
	Key  []int // the primary key
	From []int // the upsert key of the input; nil: unknown, whole rows are compared
	TTL  time.Duration
}

// Name is SinkUpsertMaterializer.
func (s *Spec) Name() string { return "SinkUpsertMaterializer" }

// Args are both keys.
func (s *Spec) Args() []operators.Arg {
	return []operators.Arg{{Name: "primaryKey", Value: operators.Columns(s.In, s.Key)}, {Name: "upsertKey", Value: operators.Columns(s.In, s.From)}}
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes are those of an upsert stream.
func (s *Spec) Changes([]batch.Changes, []operators.Keys) (batch.Changes, operators.Keys, error) {
	k := [][]int{s.Key}
	return batch.Changes{Kinds: batch.Upsert}, operators.Keys{Unique: k, Upsert: k}, nil
}

// Needs: a row that moves to another primary key must be taken back from the old
// one.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: len(s.From) == 0 || !operators.HasKey([][]int{s.From}, s.Key), FullDeletes: true}
}

// Distribution is by the primary key.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Key) }

// Placement is the input's: all columns pass.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// SetTTL sets how long the rows of a key are kept.
func (s *Spec) SetTTL(ttl time.Duration) { s.TTL = ttl }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
