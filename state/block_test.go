package state_test

import (
	"encoding/binary"
	"testing"

	"github.com/millrace/millrace/state"
)

// TestOldBlocks reads blocks as they were before they counted their new rows.
func TestOldBlocks(t *testing.T) {
	spec := state.Spec{Name: "t"}
	b := state.AppendBlock(nil, spec.Signature())
	b, at := state.BeginSection(b, state.TableRows, 0)
	b = append(b, state.RowGone, 1, 2, 3, 4, 5, 6, 7, 8)
	b = state.EndSection(b, at)
	state.SetNew(b, 7)
	for name, data := range map[string][]byte{"new": b, "old": append(append([]byte{1}, b[1:9]...), b[13:]...)} {
		rows, block := 0, state.Block{Data: data}
		err := block.Sections(spec.Signature(), func(_ state.Section, _ int64, d []byte) error {
			rows += len(d)
			if binary.LittleEndian.Uint64(d[1:]) != 0x0807060504030201 {
				t.Errorf("%s: a row of hash %x", name, d[1:])
			}
			return nil
		})
		if want := map[string]int{"new": 7, "old": 0}[name]; err != nil || rows != 9 || block.New() != want {
			t.Errorf("%s: %d bytes of rows, %d new ones, error %v", name, rows, block.New(), err)
		}
	}
	bent := append([]byte{9}, b[1:]...)
	if err := (state.Block{Data: bent}).Sections(spec.Signature(), nil); err == nil {
		t.Error("a block of a version to come was read")
	}
}
