// Package formats is the contract of encodings: a Format turns messages into
// columns and columns into messages.
//
// A connector that moves messages (lines of a file, records of a topic) is handed
// a Decoder and an Encoder and knows nothing of the encoding. Where a message has
// a key too, the connector uses a KeyedDecoder and a KeyedEncoder, which put key
// and value together (keyed.go). A format whose
// files can't be cut into messages (Parquet, Avro) is Blocked: it reads and
// writes whole files. A row that can't be decoded is data, not a failure: the
// decoder hands it to Bad and goes on.
//
// formats/all is the list. Start with Format; csv is the plainest example.
package formats

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Format is one encoding.
type Format struct {
	Name    string
	Doc     string
	Own     bool // Flink doesn't have it; Instead says what it has, as in Option
	Instead string
	Options []Option // without the "csv." prefix, which the engine takes off
	// Changes are the kinds its messages carry; zero means inserts.
	Changes func(Values) batch.Changes
	// Decoder makes a decoder for a table's columns; nil: can't read. Likewise
	// Encoder.
	Decoder func(Spec) (Decoder, error)
	Encoder func(Spec) (Encoder, error)
	// Blocked formats read and write whole files instead of messages.
	OpenFile   func(Spec, io.ReaderAt, int64) (FileReader, error)
	CreateFile func(Spec, io.Writer) (FileWriter, error)
	// Describe says what table a Blocked file holds, by its own schema.
	Describe func(io.ReaderAt, int64) (*Described, error)
	// Metadata columns the format offers, by key.
	Metadata map[string]types.Type
	// Lines says that a file of this format is messages separated by line breaks;
	// Delimiter overrides the line break when it isn't nil. (raw, csv with quotes
	// spanning lines: see Framer.)
	Lines     bool
	Delimiter func(Values) []byte
	// Framer, when set, finds where messages end in b, which begins with one: it
	// appends the places behind their delimiters to ends, most of them at most, and
	// leaves out the last one when b doesn't hold it whole. It replaces Lines.
	Framer func(Values) func(b []byte, most int, ends []int) []int
}

// InFiles says that a file can hold several messages of the format, or is one of its
// own.
func (f *Format) InFiles() bool {
	return f.Lines || f.Delimiter != nil || f.Framer != nil || f.OpenFile != nil
}

// Spec is what a decoder or encoder is made for.
type Spec struct {
	Schema  *types.Schema // decoder: the columns the plan needs; encoder: all columns of the table
	Full    *types.Schema // all physical columns in declared order: what positional formats need
	Meta    []string      // the last len(Meta) columns of Schema are these metadata keys of the format
	Key     []int         // primary key, columns of Full
	Options Values
	Session *types.Session
}

// Table is a format bound to a table: what a connector gets. Any function may be
// nil.
type Table struct {
	Format    *Format
	Spec      Spec
	KeyFormat *Format // for connectors with keys
	KeySpec   Spec
}

// Message is one record: a line, a Kafka record.
type Message struct {
	Key, Value []byte // nil: absent (a tombstone)
	Offset     int64  // for messages about bad rows
	At         int    // where Value begins in Input.Block
}

// Input is messages to decode.
type Input struct {
	Messages []Message
	// Block holds every Value, at Message.At; it stays unchanged until the batch is
	// done with, so that columns may view it. nil: Values lie anywhere, and what is
	// kept must be copied (Gather).
	Block []byte
	// First, when it isn't nil, has an entry per message, which the decoder sets to
	// the row at which the message's rows begin, by calling Begin.
	First []int32
}

// Begin notes that message i is decoded next and the batch has n rows.
func (in *Input) Begin(i, n int) {
	if in.First != nil {
		in.First[i] = int32(n)
	}
}

// Gather is the input with a Block: its own, or one made of its messages in buf,
// which is returned for reuse.
func (in Input) Gather(buf []byte) (Input, []byte) {
	if in.Block != nil {
		return in, buf
	}
	buf = buf[:0]
	for i := range in.Messages {
		in.Messages[i].At = len(buf)
		buf = append(buf, in.Messages[i].Value...)
	}
	for i, m := range in.Messages {
		if m.Value != nil {
			in.Messages[i].Value = buf[m.At : m.At+len(m.Value) : m.At+len(m.Value)]
		}
	}
	in.Block = buf
	return in, buf
}

// ErrIgnored is in the reason of a message that a format's own option
// (ignore-parse-errors) leaves out: it is only counted.
var ErrIgnored = errors.New("ignored")

// Ignored is a reason that says so.
func Ignored(reason error) error { return fmt.Errorf("%w: %w", ErrIgnored, reason) }

// Decoder reads messages.
type Decoder interface {
	// Decode appends the rows of the messages to the batch, which has been Reset
	// for Spec.Schema. bad is called for a message that can't be decoded, in order;
	// an error it returns ends Decode. A message that is bad leaves no row. What
	// the format's options leave out is Ignored.
	Decode(in Input, to *batch.Batch, bad func(m Message, reason error) error) error
}

// Encoder writes rows.
type Encoder interface {
	// Encode appends one message per live row of b and returns the extended slice.
	// Messages are valid until the next Encode.
	Encode(b *batch.Batch, to []Message) ([]Message, error)
}

// Described is a table as what is stored describes it.
type Described struct {
	Fields  []types.Field
	Options []string // of the format, needed to read it so: names and values in turn
	Left    []string // what no column can be, and why
}

// Prober is a Decoder or Encoder that can look, before a job is started, at what it
// needs outside: a schema registry. Nothing is changed there. Optional.
type Prober interface {
	// Probe says what is there and fits; the error is what the job would fail of.
	Probe() (seen string, err error)
}

// FileReader reads a whole file of a Blocked format.
type FileReader interface {
	// Next returns the next rows, at most max, or io.EOF; valid until the next.
	Next(max int) (*batch.Batch, error)
	// Skip passes over n rows: resuming at a row number.
	Skip(n int64) error
	Rows() int64 // -1: unknown
	Close() error
}

// FileWriter writes a whole file of a Blocked format. Size is the bytes so far.
type FileWriter interface {
	Write(b *batch.Batch) error
	Size() int64
	Close() error // writes what is pending and the footer; not the file below
}

// Option is an option of a connector or format.
type Option struct {
	Name     string
	Type     OptionType
	Default  string // as text; "" for none
	Required bool
	Secret   bool // its value is never part of a message (sqlerr.Secret goes by the name)
	Own      bool // Flink doesn't know it; Instead says what it has in its place
	Instead  string
	Doc      string
	Enum     []string // for EnumOption
	Prefix   bool     // Name is a prefix: "properties."
}

// OptionType is how an option's text is read.
type OptionType uint8

const (
	StringOption OptionType = iota
	IntOption
	FloatOption
	BoolOption
	DurationOption // Flink's: "10 s", "5min", "1 d"
	MemoryOption   // Flink's: "128 mb", "1g": bytes
	EnumOption     // one of Enum, ignoring case
	MapOption      // "k1:v1,k2:v2"
	ListOption     // "a;b;c"
)

// Values are options that have been checked against their declarations: unknown
// names and unreadable values were refused with their position. Getters answer
// the default when an option isn't set.
type Values struct {
	Set      map[string]string // what was given
	Declared []Option
}

// Has says whether the option was given.
func (v Values) Has(name string) bool { _, ok := v.Set[name]; return ok }

// Duration, Int, ... read one option; see options.go.
func (v Values) Duration(name string) time.Duration { d, _ := ParseDuration(v.String(name)); return d }
