// Package blackhole is a sink that takes everything and keeps nothing.
package blackhole

import (
	"context"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
)

// Connector is blackhole.
var Connector = &connectors.Connector{
	Name: "blackhole", Doc: "Takes every change and keeps nothing: for benchmarks.", Inner: true,
	Sink: func(connectors.Table) (connectors.Sink, error) { return sink{}, nil },
}

type sink struct{}

// Changes are the query's, but for -U, which would be of no use.
func (sink) Changes(query batch.Changes) batch.Changes {
	query.Kinds &^= batch.UpdateBefore.Set()
	return query
}

func (sink) Open(context.Context, connectors.WriterEnv) (connectors.Writer, error) {
	return writer{}, nil
}
func (sink) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) { return nil, nil }
func (sink) Abandon(context.Context, string, [][]byte) error                       { return nil }

type writer struct{}

func (writer) Write(*batch.Batch) error                        { return nil }
func (writer) Flush(context.Context) error                     { return nil }
func (writer) Prepare(context.Context, uint64) ([]byte, error) { return nil, nil }
func (writer) Close() error                                    { return nil }
