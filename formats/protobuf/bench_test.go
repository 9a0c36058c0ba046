package protobuf

import (
	"math/rand"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
)

// flat is rows of six plain columns and a nested one, and their messages.
func flat(b *testing.B) (formats.Spec, []formats.Message, int) {
	desc, s := describe(b, "more.Part")
	s.Fields = without(s.Fields, "second", "maybe")
	r := rand.New(rand.NewSource(8))
	var msgs []formats.Message
	size := 0
	for range batch.MaxRows {
		m := dynamicpb.NewMessage(desc)
		random(r, m, 0)
		v, _ := proto.Marshal(m)
		msgs, size = append(msgs, formats.Message{Value: v}), size+len(v)
	}
	return spec(s, "more.Part"), msgs, size
}

func BenchmarkDecode(b *testing.B) {
	spec, msgs, size := flat(b)
	d, err := Format.Decoder(spec)
	if err != nil {
		b.Fatal(err)
	}
	in, _ := formats.Input{Messages: msgs}.Gather(nil)
	var to batch.Batch
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		to.Reset(spec.Schema.Types())
		if err := d.Decode(in, &to, func(_ formats.Message, err error) error { return err }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch.MaxRows, "ns/row")
}

func BenchmarkEncode(b *testing.B) {
	spec, msgs, size := flat(b)
	d, _ := Format.Decoder(spec)
	var rows batch.Batch
	rows.Reset(spec.Schema.Types())
	if err := d.Decode(formats.Input{Messages: msgs}, &rows, func(_ formats.Message, err error) error { return err }); err != nil {
		b.Fatal(err)
	}
	e, err := Format.Encoder(spec)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if msgs, err = e.Encode(&rows, msgs[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch.MaxRows, "ns/row")
}

// BenchmarkLibrary is the same messages into Google's dynamic ones.
func BenchmarkLibrary(b *testing.B) {
	_, msgs, size := flat(b)
	desc, _ := describe(b, "more.Part")
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range msgs {
			if err := proto.Unmarshal(m.Value, dynamicpb.NewMessage(desc)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch.MaxRows, "ns/row")
}
