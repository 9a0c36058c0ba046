package protobuf

import (
	"fmt"
	"math"
	"math/rand"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

const everything = "testdata/everything.proto"

// typeOf is the type of the column for a field.
func typeOf(fd protoreflect.FieldDescriptor) types.Type {
	scalar := map[protoreflect.Kind]types.Type{protoreflect.BoolKind: types.BooleanType, protoreflect.StringKind: types.StringType, protoreflect.BytesKind: types.BytesType,
		protoreflect.FloatKind: types.FloatType, protoreflect.DoubleKind: types.DoubleType, protoreflect.EnumKind: types.StringType}
	one := func(fd protoreflect.FieldDescriptor) types.Type {
		switch t, ok := scalar[fd.Kind()]; {
		case fd.Name() == "n_colour":
			return types.SmallIntType
		case ok:
			return t
		case fd.Message() != nil:
			var out []types.Field
			for i := range fd.Message().Fields().Len() {
				if f := fd.Message().Fields().Get(i); f.Message() != fd.Message() {
					out = append(out, types.Field{Name: string(f.Name()), Type: typeOf(f)})
				}
			}
			return types.RowOf(out...)
		case wanted(fd.Kind()) == "BIGINT":
			return types.BigIntType
		}
		return types.IntType
	}
	switch {
	case fd.IsMap():
		return types.MapOf(one(fd.MapKey()), one(fd.MapValue()))
	case fd.IsList():
		return types.ArrayOf(one(fd))
	}
	return one(fd)
}

func describe(t testing.TB, name string) (protoreflect.MessageDescriptor, *types.Schema) {
	t.Helper()
	desc, err := load(everything, name)
	if err != nil {
		t.Fatal(err)
	}
	s := &types.Schema{}
	for i := range desc.Fields().Len() {
		if fd := desc.Fields().Get(i); fd.Name() != "unwanted" {
			s.Fields = append(s.Fields, types.Field{Name: string(fd.Name()), Type: typeOf(fd)})
		}
	}
	return desc, s
}

func spec(s *types.Schema, name string, more ...string) formats.Spec {
	set := map[string]string{"message-class-name": name, "descriptor-file": everything}
	for i := 0; i < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return formats.Spec{Schema: s, Full: s, Options: formats.Values{Set: set, Declared: Format.Options}}
}

// random fills a message; of a required field it never thinks twice.
func random(r *rand.Rand, m protoreflect.Message, depth int) {
	one := func(fd protoreflect.FieldDescriptor, fresh func() protoreflect.Value) protoreflect.Value {
		x := r.Uint64() >> r.Intn(64)
		switch fd.Kind() {
		case protoreflect.BoolKind:
			return protoreflect.ValueOfBool(x&1 == 1)
		case protoreflect.StringKind:
			return protoreflect.ValueOfString([]string{"", "a", "é€", "a longer text"}[r.Intn(4)])
		case protoreflect.BytesKind:
			return protoreflect.ValueOfBytes([]byte{1, 0xff, 0}[:r.Intn(4)])
		case protoreflect.EnumKind:
			v := fd.Enum().Values()
			return protoreflect.ValueOfEnum(v.Get(r.Intn(v.Len())).Number())
		case protoreflect.FloatKind:
			return protoreflect.ValueOfFloat32(math.Float32frombits(uint32(x)))
		case protoreflect.DoubleKind:
			return protoreflect.ValueOfFloat64(math.Float64frombits(x))
		case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
			return protoreflect.ValueOfInt32(int32(x))
		case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
			return protoreflect.ValueOfUint32(uint32(x))
		case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
			return protoreflect.ValueOfInt64(int64(x))
		case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
			return protoreflect.ValueOfUint64(x)
		}
		v := fresh()
		random(r, v.Message(), depth+1)
		return v
	}
	for i := range m.Descriptor().Fields().Len() {
		fd := m.Descriptor().Fields().Get(i)
		if fd.Cardinality() != protoreflect.Required && (r.Intn(3) == 0 || depth > 3) {
			continue
		}
		switch {
		case fd.IsMap():
			for n := r.Intn(12); n >= 0; n-- {
				k := one(fd.MapKey(), nil).MapKey()
				m.Mutable(fd).Map().Set(k, one(fd.MapValue(), m.Mutable(fd).Map().NewValue))
			}
		case fd.IsList():
			for n := r.Intn(4); n > 0; n-- {
				l := m.Mutable(fd).List()
				l.Append(one(fd, l.NewElement))
			}
		default:
			m.Set(fd, one(fd, func() protoreflect.Value { return m.NewField(fd) }))
		}
	}
}

// expect is a message as text, by what Flink's documentation says of NULL and
// defaults.
func expect(m protoreflect.Message, columns []types.Field, defaults bool) string {
	one := func(fd protoreflect.FieldDescriptor, t types.Type, v protoreflect.Value) string {
		switch fd.Kind() {
		case protoreflect.MessageKind, protoreflect.GroupKind:
			return expect(v.Message(), t.Fields, defaults)
		case protoreflect.EnumKind:
			if !t.IsString() {
				return fmt.Sprint(v.Enum())
			}
			if d := fd.Enum().Values().ByNumber(v.Enum()); d != nil {
				return fmt.Sprintf("%q", d.Name())
			}
			return `"UNRECOGNIZED"`
		case protoreflect.StringKind:
			return fmt.Sprintf("%q", strings.ToValidUTF8(v.String(), "\uFFFD"))
		case protoreflect.BytesKind:
			return fmt.Sprintf("%q", v.Bytes())
		case protoreflect.BoolKind:
			return map[bool]string{true: "1", false: "0"}[v.Bool()]
		case protoreflect.FloatKind, protoreflect.DoubleKind:
			return fmt.Sprint(v.Float())
		case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
			return fmt.Sprint(int32(v.Uint()))
		case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
			return fmt.Sprint(int64(v.Uint()))
		}
		return fmt.Sprint(v.Int())
	}
	var out []string
	for _, c := range columns {
		fd := m.Descriptor().Fields().ByName(protoreflect.Name(c.Name))
		simple := fd.Message() == nil && !fd.IsList()
		// Go keeps values that a closed enum doesn't have; by the standard, and in Java,
		// they are fields that aren't known.
		unknown := func(v protoreflect.Value) bool {
			return fd.Enum() != nil && fd.Enum().IsClosed() && fd.Enum().Values().ByNumber(v.Enum()) == nil
		}
		text, has := "null", m.Has(fd)
		if has && fd.Enum() != nil && !fd.IsList() {
			has = !unknown(m.Get(fd))
		}
		if has && fd.IsList() {
			has = false
			for i := range m.Get(fd).List().Len() {
				has = has || !unknown(m.Get(fd).List().Get(i))
			}
		}
		if has || defaults || simple && fd.ParentFile().Syntax() == protoreflect.Proto3 {
			var items []string
			switch v := m.Get(fd); {
			case fd.IsMap():
				v.Map().Range(func(k protoreflect.MapKey, x protoreflect.Value) bool {
					items = append(items, one(fd.MapKey(), c.Type.Fields[0].Type, k.Value())+":"+one(fd.MapValue(), c.Type.Fields[1].Type, x))
					return true
				})
				slices.Sort(items)
				text = fmt.Sprint(items)
			case fd.IsList():
				for i := range v.List().Len() {
					if x := v.List().Get(i); !unknown(x) {
						items = append(items, one(fd, c.Type.Elem(), x))
					}
				}
				text = fmt.Sprint(items)
			default:
				text = one(fd, c.Type, v)
			}
		}
		out = append(out, c.Name+"="+text)
	}
	return "{" + strings.Join(out, " ") + "}"
}

// show is row i of a column as the same text.
func show(v *batch.Vector, t types.Type, i int) string {
	if v.Null(i) {
		return "null"
	}
	var items []string
	switch t.Layout() {
	case types.LayoutI64:
		return fmt.Sprint(v.I64[i])
	case types.LayoutF64:
		return fmt.Sprint(v.F64[i])
	case types.LayoutBytes:
		return fmt.Sprintf("%q", v.Bytes(i))
	case types.LayoutList:
		kt := t.KidTypes()
		for k := v.Str[i].Off(); k < v.Str[i].Off()+v.Str[i].Len(); k++ {
			x := show(&v.Kids[0], kt[0], k)
			if t.Kind == types.Map {
				x += ":" + show(&v.Kids[1], kt[1], k)
			}
			items = append(items, x)
		}
		if t.Kind == types.Map {
			slices.Sort(items)
		}
		return fmt.Sprint(items)
	}
	for k, f := range t.Fields {
		items = append(items, f.Name+"="+show(&v.Kids[k], f.Type, i))
	}
	return "{" + strings.Join(items, " ") + "}"
}

func row(b *batch.Batch, s *types.Schema, i int) string {
	v := batch.Vector{Kids: b.Cols}
	return show(&v, s.Row(), i)
}

// TestReadsWhatTheLibraryWrites compares with Google's own library.
func TestReadsWhatTheLibraryWrites(t *testing.T) {
	for _, name := range []string{"shop.Everything", "more.Part"} {
		desc, s := describe(t, name)
		for _, defaults := range []bool{false, true} {
			r := rand.New(rand.NewSource(5))
			var msgs []formats.Message
			var want []string
			for range 300 {
				m := dynamicpb.NewMessage(desc)
				random(r, m, 0)
				b, err := proto.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				msgs, want = append(msgs, formats.Message{Value: b}), append(want, expect(m, s.Fields, defaults))
			}
			d, err := Format.Decoder(spec(s, name, "read-default-values", fmt.Sprint(defaults)))
			if err != nil {
				t.Fatal(err)
			}
			var b batch.Batch
			b.Reset(s.Types())
			if err := d.Decode(formats.Input{Messages: msgs}, &b, func(_ formats.Message, err error) error { return err }); err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if got := row(&b, s, i); got != want[i] {
					t.Fatalf("%s, defaults %v:\n%s\nwant\n%s", name, defaults, got, want[i])
				}
			}
		}
	}
}

// TestTheLibraryReadsWhatIsWritten writes rows and reads them with Google's library:
// the rows must be those that were read in the first place.
func TestTheLibraryReadsWhatIsWritten(t *testing.T) {
	for _, name := range []string{"shop.Everything", "more.Part"} {
		desc, s := describe(t, name)
		*s = types.Schema{Fields: without(s.Fields, "first", "second")} // of a oneof both are read, as their defaults
		r := rand.New(rand.NewSource(6))
		var msgs []formats.Message
		var want []string
		for range 300 {
			m := dynamicpb.NewMessage(desc)
			random(r, m, 0)
			b, _ := proto.Marshal(m)
			msgs, want = append(msgs, formats.Message{Value: b}), append(want, expect(m, s.Fields, false))
		}
		d, _ := Format.Decoder(spec(s, name))
		var b batch.Batch
		b.Reset(s.Types())
		if err := d.Decode(formats.Input{Messages: msgs}, &b, func(_ formats.Message, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
		e, err := Format.Encoder(spec(s, name))
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Encode(&b, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range out {
			m := dynamicpb.NewMessage(desc)
			if err := proto.Unmarshal(o.Value, m); err != nil {
				t.Fatal(err)
			}
			if got := expect(m, s.Fields, false); got != want[i] {
				t.Fatalf("%s:\n%s\nwant\n%s", name, got, want[i])
			}
		}
	}
}

// without leaves fields out, at every depth.
func without(fields []types.Field, names ...string) (out []types.Field) {
	for _, f := range fields {
		if !slices.Contains(names, f.Name) {
			f.Type.Fields = without(f.Type.Fields, names...)
			out = append(out, f)
		}
	}
	return out
}

func TestContract(t *testing.T) {
	for _, name := range []string{"shop.Everything", "more.Part"} {
		_, s := describe(t, name)
		fields := without(s.Fields, "a_colour", "n_colour", "colours", "size", "inner", "first", "second") // random texts are no enums
		formattest.Messages(t, Format, spec(s, name).Options.Set, types.NewSchema(fields...))
	}
}

// TestOneof: the member that comes last counts, wanted or not; of several columns
// the last one is written.
func TestOneof(t *testing.T) {
	s := columns(types.Field{Name: "second", Type: types.StringType}, types.Field{Name: "first", Type: types.BigIntType})
	e, err := Format.Encoder(spec(s, "more.Part"))
	if err != nil {
		t.Fatal(err)
	}
	var b batch.Batch
	b.Reset(s.Types())
	b.Cols[0].Buf, b.Cols[0].Str, b.Cols[1].I64 = []byte("x"), []batch.View{batch.NewView(0, 1)}, []int64{0}
	b.AppendKind(batch.Insert)
	out, err := e.Encode(&b, nil)
	if err != nil || string(out[0].Value) != "\x48\x00" {
		t.Fatalf("%x, %v", out, err)
	}
	for _, c := range []struct{ value, want string }{
		{"\x52\x01x\x48\x07", `{second="" first=7}`},
		{"\x48\x07\x52\x01x", `{second="x" first=0}`},
		{"\x52\x01x\x4d\x07\x00\x00\x00", `{second="x" first=0}`}, // first as fixed32: not that field
	} {
		for _, schema := range []*types.Schema{s, columns(s.Fields[0])} {
			d, err := Format.Decoder(spec(schema, "more.Part"))
			if err != nil {
				t.Fatal(err)
			}
			b.Reset(schema.Types())
			if err := d.Decode(formats.Input{Messages: []formats.Message{{Value: []byte(c.value)}}}, &b, func(_ formats.Message, err error) error { return err }); err != nil {
				t.Fatal(err)
			}
			if got := row(&b, schema, 0); !strings.HasPrefix(c.want, got[:len(got)-1]) {
				t.Errorf("%x: %s, want %s", c.value, got, c.want)
			}
		}
	}
}

func TestDescriptorSet(t *testing.T) {
	files, err := open(everything)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(files[0])
	b, _ := proto.Marshal(&set)
	file := filepath.Join(t.TempDir(), "shop.desc")
	write(t, file, b)
	for _, name := range []string{"shop.Everything", "com.example.shop.EverythingOuterClass$Everything", "com.example.shop.EverythingOuterClass$Everything$Inner", "more.Part", "more.Part$Deep"} {
		if _, err := load(file, name); err != nil {
			t.Error(err)
		}
		if _, err := load(everything, name); err != nil {
			t.Error(err)
		}
	}
	write(t, file, []byte("no descriptor"))
	alone := &descriptorpb.FileDescriptorSet{File: set.File[len(set.File)-1:]}
	b, _ = proto.Marshal(alone)
	write(t, file+".alone", b)
	write(t, file+".proto", []byte("message {"))
	for _, c := range []struct{ file, name, want string }{
		{file, "x", "is no FileDescriptorSet (what protoc --descriptor_set_out writes)"},
		{file + ".alone", "x", "protoc wants --include_imports"},
		{file + ".proto", "x", "shop.desc.proto:1:9: syntax error"},
		{"testdata/nothing", "x", "no such file or directory"},
		{"testdata/nothing.proto", "x", "no such file or directory"},
		{everything, "shop.Nothing", `has no message "shop.Nothing"; it has google.protobuf.Timestamp, more.Part, more.Part.Deep, shop.Everything, shop.Everything.Grp, shop.Everything.Inner`},
	} {
		if _, err := load(c.file, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.file, err, c.want)
		}
	}
}
