package job

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators/scan"
)

// confirmTime is how long a source may take to hear of a checkpoint.
const confirmTime = 10 * time.Second

// confirm tells the sources that want to know of a checkpoint how far it goes. It
// is beside the job: a source that can't pass it on is remarked, and hears of the
// next one. What is told last, when the job ends, is waited for.
func (c *coordinator) confirm(at *attempt) {
	ordinals := map[string]int{}
	for _, n := range c.graph.Nodes {
		spec, ok := n.Spec.(*scan.Spec)
		if !ok {
			continue
		}
		listener, ok := spec.Source.(connectors.Confirmer)
		if !ok {
			continue
		}
		var states []connectors.SplitState
		for _, s := range c.sourceOf(at, n, ordinals).Splits {
			states = append(states, connectors.SplitState{Split: connectors.Split{Name: s.Name, Data: s.Data, Bounded: s.Bounded}, From: s.From, Done: s.Done, Result: s.Result})
		}
		busy := c.confirming[n]
		if busy == nil {
			busy = &atomic.Bool{}
			if c.confirming == nil {
				c.confirming = map[any]*atomic.Bool{}
			}
			c.confirming[n] = busy
		}
		last := at.final || at.stop
		if !last && !busy.CompareAndSwap(false, true) {
			continue // the one before is still under way
		}
		tell := func() {
			defer busy.Store(false)
			ctx, cancel := context.WithTimeout(c.ctx, confirmTime)
			defer cancel()
			if err := listener.Confirmed(ctx, at.n, states); err != nil && c.ctx.Err() == nil {
				c.note(fmt.Sprintf("table %s: it wasn't told of checkpoint %d: %v", spec.Table, at.n, err))
			}
		}
		if last {
			tell()
		} else {
			c.driver.background(tell)
		}
	}
}
