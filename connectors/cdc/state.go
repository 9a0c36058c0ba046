package cdc

import (
	"encoding/json"
	"fmt"
)

// state is a position of the split.
type state struct {
	Server string          `json:"server"`
	At     Mark            `json:"at"`
	Left   []string        `json:"left,omitempty"`  // tables whose rows aren't all sent: the first is being read
	After  string          `json:"after,omitempty"` // its last key sent
	Log    bool            `json:"log,omitempty"`   // none is left
	Sent   int64           `json:"sent,omitempty"`  // rows of the snapshot sent
	Defs   json.RawMessage `json:"defs,omitempty"`
}

func (s *state) encode() []byte {
	b, _ := json.Marshal(s)
	return b
}

func decodeState(b []byte) (*state, error) {
	s := &state{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("position %q can't be read: %w", b[:min(len(b), 80)], err)
	}
	return s, nil
}

// marks are the states behind each row of a batch, so that a batch half sent can be
// taken up where it was.
type marks struct {
	base state // what doesn't differ
	rows []rowMark
}

type rowMark struct {
	at   Mark
	left int // how many of base's tables were left
	key  string
	sent int64
}

// After is the state behind the first n rows.
func (m *marks) After(n int) []byte {
	s := m.base
	r := &m.rows[n-1]
	s.At, s.Left, s.After, s.Sent = r.at, s.Left[len(s.Left)-r.left:], r.key, r.sent
	return s.encode()
}
