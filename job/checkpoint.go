package job

import (
	"time"
)

// Checkpoint is execution.checkpointing.*.
type Checkpoint struct {
	Dir       Dir           // where checkpoints are kept; nil: sinks are committed without
	Interval  time.Duration // 0: at the end alone
	MinPause  time.Duration
	Timeout   time.Duration
	Tolerable int // failures in a row that don't end the job
}

// Dir keeps checkpoints.
type Dir interface{ Clear() error }

// marks are what is known of event time at a vertex.
type marks struct {
	heard, passed int64
	idle, ended   bool
	inputs        []input
}

func (v *vertex) marks() marks {
	m := marks{heard: v.heard, passed: v.passed, idle: v.idle, ended: v.ended}
	return m
}

type stateFile struct{}

func (c *coordinator) save(a *ack) ([]stateFile, error) { return nil, nil }

func (c *coordinator) writeManifest(at *attempt) error { return nil }
