package cdc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
)

// Probe looks at the server and at the captured tables.
func (s *Source) Probe(ctx context.Context, env connectors.ProbeEnv) (f connectors.Findings) {
	tables, snapshot := s.Look(ctx, &f, env.Resumes && s.Purged == "fail")
	snapshot = snapshot && !env.Resumes // what is left to be read, the state says
	for i, err := range f.Faults {
		f.Faults[i] = fmt.Errorf("%s: table %s: %w", s.Name, s.Table, err)
	}
	fail := func(err error) { f.Fail(fmt.Errorf("%s: table %s: %w", s.Name, s.Table, err)) }
	for _, t := range tables {
		var key []string
		for _, k := range t.Key {
			key = append(key, t.Cols[k].Name)
		}
		shown := "no key"
		if key != nil {
			shown = "key (" + strings.Join(key, ", ") + ")"
		}
		f.See("%s: %d columns, %s", t.ID, len(t.Cols), shown)
		if _, _, err := s.Decode(t); err != nil {
			for _, err := range sqldb.Mismatches(s.Physical, t.Cols) {
				fail(fmt.Errorf("%s has %w", t.ID, err))
			}
		}
		if key == nil && snapshot {
			fail(keyless(t))
		}
		if s.Key != nil && key != nil && !slices.Equal(slices.Sorted(slices.Values(key)), slices.Sorted(slices.Values(s.Key))) {
			f.Wonder("whether the PRIMARY KEY (%s) is unique: the key of %s is (%s)", strings.Join(s.Key, ", "), t.ID, strings.Join(key, ", "))
		}
	}
	return f
}

// KeyNames are the declared key's columns.
func KeyNames(t connectors.Table) (names []string) {
	for _, k := range t.Key {
		names = append(names, t.Full.Fields[k].Name)
	}
	return names
}
