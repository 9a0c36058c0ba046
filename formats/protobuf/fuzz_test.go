package protobuf

import (
	"fmt"
	"math/rand"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
)

// FuzzDecode reads any bytes: never a panic, and where Google's library can read
// them the same values.
func FuzzDecode(f *testing.F) {
	desc, s := describe(f, "shop.Everything")
	r := rand.New(rand.NewSource(7))
	for range 20 {
		m := dynamicpb.NewMessage(desc)
		random(r, m, 0)
		b, _ := proto.Marshal(m)
		f.Add(b)
		f.Add(append(b, b...)) // a message that comes twice is one, merged
		if len(b) > 0 {
			b[r.Intn(len(b))] ^= 1 << r.Intn(8)
			f.Add(b)
		}
	}
	d, err := Format.Decoder(spec(s, "shop.Everything"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		m := dynamicpb.NewMessage(desc)
		theirs := read(value, m)
		var b batch.Batch
		b.Reset(s.Types())
		var ours error
		if err := d.Decode(formats.Input{Messages: []formats.Message{{Value: value}}}, &b, func(_ formats.Message, err error) error { ours = err; return nil }); err != nil {
			t.Fatal(err)
		}
		if theirs != nil || overwritten(m.ProtoReflect()) {
			return
		}
		if ours != nil {
			t.Fatalf("%v, and the library reads %v", ours, m)
		}
		if got, want := row(&b, s, 0), expect(m, s.Fields, false); got != want {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
	})
}

// overwritten says that an enum has a number which its declaration lacks. Such a number
// is no value, and an earlier one of the same field stays; the library forgets that one.
func overwritten(m protoreflect.Message) (found bool) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, x protoreflect.Value) bool {
				found = found || f.MapValue().Message() != nil && overwritten(x.Message())
				return !found
			})
		case f.IsList():
			for i := 0; i < v.List().Len() && f.Message() != nil; i++ {
				found = found || overwritten(v.List().Get(i).Message())
			}
		case f.Message() != nil:
			found = overwritten(v.Message())
		case f.Enum() != nil:
			found = f.Enum().Values().ByNumber(v.Enum()) == nil
		}
		return !found
	})
	return found
}

// read is the library's answer. Its dynamic messages panic at some damaged entries
// of maps (a NULL key), which counts as an error.
func read(value []byte, m *dynamicpb.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return proto.Unmarshal(value, m)
}
