package plain_test

import (
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/plain"
	"github.com/millrace/millrace/state/statetest"
)

func TestConformance(t *testing.T) {
	statetest.Run(t, func(o state.Options) state.Store { return plain.New(o) })
}
