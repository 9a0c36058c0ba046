package cdc

import (
	"context"
	"sync/atomic"

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

	db atomic.Pointer[Database] // that of the reader
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
		r := &reader{cfg: &s.Config, env: env, out: out, ts: s.Types, opened: func(db Database) { s.db.Store(&db) }}
		return r.run(ctx, from)
	}, nil), nil
}

// Confirmed tells the log up to where a checkpoint holds it.
func (s *Source) Confirmed(_ context.Context, _ uint64, at []connectors.SplitState) error {
	db := s.db.Load()
	if db == nil {
		return nil
	}
	for _, x := range at {
		if x.From == nil {
			continue
		}
		st, err := decodeState(x.From)
		if err != nil {
			return err
		}
		(*db).Confirm(st.At)
	}
	return nil
}
