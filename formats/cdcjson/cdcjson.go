// Package cdcjson is the formats of change events in JSON: debezium-json,
// canal-json, maxwell-json and ogg-json.
//
// They differ in their envelope alone: which members hold the row before and after
// a change, and what says which change it is. A dialect (debezium.go, canal.go, ...)
// names the members and turns an envelope into images; decode.go finds the members
// and has formats/json read the rows; encode.go writes. Start with dialect.
package cdcjson

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/json"
	"github.com/millrace/millrace/types"
)

// dialect is one of the formats.
type dialect struct {
	name, title string
	members     []string // of the envelope, that images and metadata ask for
	// rows appends an event's rows; members' places are in the envelope.
	rows func(d *decoder, e *envelope) error
	meta map[string]metadata
	// write: what comes before and behind the row of an insertion and a deletion.
	insert, delete [2]string
	options        []formats.Option
	check          func(s formats.Spec, writing bool) error
}

// metadata is a metadata column: the member that it is of and how it is read.
type metadata struct {
	t      types.Type
	member int // of dialect.members
	inner  string
	as     reading
}

// reading is how a member's value becomes a metadata column.
type reading uint8

const (
	asText   reading = iota
	asMillis         // a number of milliseconds
	asTime           // a timestamp's text, with Z or without
	asTexts          // an array of texts
	asMap            // an object, values as texts or numbers
	asSchema         // the schema beside the payload
)

// images is the format made of a dialect.
func (l *dialect) format(doc string) *formats.Format {
	f := &formats.Format{
		Name: l.name, Doc: doc, Lines: true,
		Options:  append(append([]formats.Option{}, l.options...), json.Options()...),
		Changes:  func(formats.Values) batch.Changes { return batch.Changes{Kinds: batch.All} },
		Decoder:  func(s formats.Spec) (formats.Decoder, error) { return newDecoder(l, s) },
		Encoder:  func(s formats.Spec) (formats.Encoder, error) { return newEncoder(l, s) },
		Metadata: map[string]types.Type{},
	}
	for name, m := range l.meta {
		f.Metadata[name] = m.t
	}
	return f
}

// Formats are the four.
func Formats() []*formats.Format { return []*formats.Format{Debezium, Canal, Maxwell, Ogg} }

var (
	ltz3    = types.TimestampLTZType(3)
	ltz6    = types.TimestampLTZType(6)
	texts   = types.ArrayOf(types.StringType)
	textMap = types.MapOf(types.StringType, types.StringType)
	intMap  = types.MapOf(types.StringType, types.IntType)
)
