package cdc

import (
	"context"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/feed"
	"github.com/millrace/millrace/types"
)

// Source is a change stream as a connectors.Source: one split, which holds the
// snapshot and the log.
type Source struct {
	Config
	Types []types.Type // of the delivered columns, metadata last
}

// Changes are the connector's.
func (s *Source) Changes() batch.Changes { return s.Sends }

// Bounded is a snapshot alone.
func (s *Source) Bounded() bool { return s.Only }

// Splits is one.
func (s *Source) Splits(_ context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return known, nil
	}
	return []connectors.Split{{Name: s.Table, Bounded: s.Only}}, nil
}

// Read begins, or goes on, with the split.
func (s *Source) Read(ctx context.Context, _ connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	return feed.Start(ctx, env, s.Types, from, func(ctx context.Context, out *feed.Out) error {
		r := &reader{cfg: &s.Config, env: env, out: out, ts: s.Types}
		return r.run(ctx, from)
	}, nil), nil
}
