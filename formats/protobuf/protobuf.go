// Package protobuf is Protocol Buffers: one message of a declared type a record.
//
// Flink finds the type in a generated Java class; here it comes from a descriptor,
// or from the .proto file itself (descriptor.go). plan.go binds its fields to the
// table's columns by name, with Flink's pairs of types. decode.go runs over the
// wire form once and appends to the columns, with texts and bytes as views of the
// block; encode.go writes messages as Java does: fields by number, packed where the
// type says so. Start with plan.go.
package protobuf

import (
	"github.com/millrace/millrace/formats"
)

// Format is protobuf.
var Format = &formats.Format{
	Name: "protobuf", Doc: "Protocol Buffers: a message of one type.",
	Options: []formats.Option{
		{Name: "message-class-name", Required: true, Doc: "The message: its name in the .proto file (shop.Order), or the Java class generated for it (com.shop.Shop$Order)."},
		{Name: "descriptor-file", Required: true, Own: true,
			Instead: ", and wants the Java class that protoc makes of the message, named by 'protobuf.message-class-name', on its class path",
			Doc:     "Where the message is described: a .proto file, whose imports are looked for beside it, or what protoc --include_imports --descriptor_set_out writes."},
		{Name: "ignore-parse-errors", Type: formats.BoolOption, Default: "false", Doc: "A message that can't be read is left out."},
		{Name: "read-default-values", Type: formats.BoolOption, Default: "false", Doc: "What a message doesn't have is read as its default, not as NULL. Numbers, texts, bytes and enums of proto3 always are."},
		{Name: "write-null-string-literal", Default: "", Doc: "Writing: what a NULL text in an ARRAY or MAP becomes."},
	},
	Decoder: func(s formats.Spec) (formats.Decoder, error) {
		p, err := newPlan(s)
		if err != nil {
			return nil, err
		}
		return &decoder{plan: p, lenient: s.Options.Bool("ignore-parse-errors")}, nil
	},
	Encoder: func(s formats.Spec) (formats.Encoder, error) {
		p, err := newPlan(s)
		if err == nil {
			err = p.root.writable()
		}
		if err != nil {
			return nil, err
		}
		return &encoder{plan: p, null: s.Options.String("write-null-string-literal")}, nil
	},
}
