package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/millrace/millrace/state"
)

// Version is that of the manifest; a newer one is refused, and one older than
// oldest.
const (
	Version = 3
	oldest  = 3 // before it the sums of state files told nothing, and tables had no layout
)

// Manifest is a checkpoint: all a job needs to go on from it. It knows identities
// and key groups, never tasks.
type Manifest struct {
	Version   int
	N         uint64
	Job       string
	Final     bool // everything was read and written: the job has ended
	Savepoint bool
	Outlived  bool  `json:",omitempty"` // a savepoint of a job that ran on: what it has pending, and what came after, the job published itself
	Made      int64 // when, in ms of the wall clock
	Published bool  `json:"-"` // what the sinks have prepared is known to be visible; set by who reads it
	Sources   []Source
	Vertices  []Vertex
	Sinks     []Sink
	Files     []StateFile // per task a base, then its deltas in order
}

// Source is how far a table has been read.
type Source struct {
	Table    string
	Ordinal  int            // among the scans of the table in the job
	Identity state.Identity // of the scan
	Splits   []Split
}

// Split is how far a split has been read.
type Split struct {
	Name    string
	Data    []byte `json:",omitempty"`
	Bounded bool   `json:",omitempty"`
	From    []byte `json:",omitempty"` // the reader's position, nil for the beginning
	Skip    int    `json:",omitempty"` // rows of the batch there that were sent
	MaxTs   int64
	Done    bool   `json:",omitempty"`
	Result  []byte `json:",omitempty"`
}

// Vertex is what is kept of an operator beside its rows.
type Vertex struct {
	Identity state.Identity
	Kin      string `json:",omitempty"` // what its state means but for how many rows of a key it has
	Text     string // the operator as EXPLAIN prints it
	Subtasks []Marks
	Tables   []Table
	Keys     int64 // over all tables and subtasks
}

// Table is a table or set of timers of an operator.
type Table struct {
	Name   string
	Layout Layout
}

// Marks are what a subtask knew of time: the last watermark it was told, the last
// it passed on, and the last tick of the clock, in ms.
type Marks struct {
	Heard, Passed, Ticked int64
	Ended                 bool `json:",omitempty"`
}

// Sink is what a sink has prepared and no checkpoint has confirmed.
type Sink struct {
	Table   string
	Ordinal int
	Pending [][]byte
}

// StateFile is a state file's name and what it must hold.
type StateFile struct {
	Name  string
	Bytes int64
	Sum   uint32 // CRC-32C of all but the last four bytes, which hold it too
	Delta bool   `json:",omitempty"`
}

// ErrDamaged says that a file isn't what was written.
var ErrDamaged = errors.New("damaged")

// The kinds of sealed files, which are their first word.
const (
	manifestKind = "millrace-manifest"
	commitsKind  = "millrace-commits"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal puts a line with kind, version, length and checksum before the content.
func seal(kind string, version int, content []byte) []byte {
	head := fmt.Sprintf("%s %d %d", kind, version, len(content))
	sum := crc32.Update(crc32.Checksum([]byte(head), castagnoli), castagnoli, content)
	return append([]byte(fmt.Sprintf("%s %08x\n", head, sum)), content...)
}

// unseal checks a sealed file and returns its content.
func unseal(kind string, b []byte) ([]byte, error) {
	head, content, _ := bytes.Cut(b, []byte("\n"))
	var got string
	var version int
	if _, err := fmt.Sscanf(string(head), "%s %d", &got, &version); err != nil || got != kind {
		return nil, fmt.Errorf("%w: it doesn't begin as a %s does", ErrDamaged, kind)
	}
	if !bytes.Equal(seal(kind, version, content), b) {
		return nil, fmt.Errorf("%w: its checksum doesn't hold", ErrDamaged)
	}
	if version > Version || version < oldest {
		return nil, fmt.Errorf("it has version %d, and this program reads %d to %d", version, oldest, Version)
	}
	return content, nil
}

// Write makes the checkpoint exist.
func (d *Dir) Write(m *Manifest) error {
	m.Version = Version
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return d.write(fmt.Sprint(m.N, manifestSuffix), seal(manifestKind, Version, append(b, '\n')))
}

// Read reads the manifest of checkpoint n. It doesn't look into the state files.
func (d *Dir) Read(n uint64) (*Manifest, error) {
	name := fmt.Sprint(n, manifestSuffix)
	b, err := d.read(name)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %d: %w", n, err)
	}
	content, err := unseal(manifestKind, b)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %d: %s: %w", n, name, err)
	}
	m := &Manifest{}
	if err := json.Unmarshal(content, m); err != nil {
		return nil, fmt.Errorf("checkpoint %d: %s: %w: %v", n, name, ErrDamaged, err)
	}
	if m.N != n {
		return nil, fmt.Errorf("checkpoint %d: %s: %w: it is that of checkpoint %d", n, name, ErrDamaged, m.N)
	}
	return m, nil
}
