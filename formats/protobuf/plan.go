package protobuf

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// plan is a message type bound to columns.
type plan struct{ root *message }

// message is a message type of which some fields are wanted. A tree of messages is
// as deep as the table's types, so that no message occurs inside of itself.
type message struct {
	name   string  // path from the root, "" for the root
	fields []field // by column
	order  []int   // of fields, by number: how they are written
	small  []int16 // field+1 by number, 0 for none, where numbers are small
	large  map[protowire.Number]int
	needed []need // required fields, wanted or not
	slots  []slot // of the message being read, by field
	rivals map[protowire.Number]rival
}

// need is a required field of proto2. field is -1 when no column wants it.
type need struct {
	num   protowire.Number
	name  string
	field int
	seen  bool
}

// rival is a member of a oneof: when it comes, the fields of the others are no more.
type rival struct {
	wire   protowire.Type
	others []int
}

// field is a field and its column.
type field struct {
	path     string // from the root: customer.address
	num      protowire.Number
	kind     protoreflect.Kind
	wire     protowire.Type // of one value
	t        types.Type     // of the column
	item     types.Type     // of one value: the element of a list
	kid      types.Type     // of a list's or map's first vector
	repeated bool           // a list or a map
	isMap    bool
	packed   bool // written packed
	presence bool // a default is written too
	required bool
	defaults bool // a missing value is the default, not NULL
	copied   bool // texts and bytes can't view the block
	strict   bool // texts must be UTF-8
	closed   bool // an unknown value of the enum is no value
	sub      *message
	enum     protoreflect.EnumValueDescriptors
	names    map[protoreflect.EnumNumber]string
	numbers  map[string]protoreflect.EnumNumber
	zero     scalar // the default
	later    []int  // columns behind this one that are of the same oneof: the last one is written
}

// scalar is a value that isn't a message: bits of a number, or bytes.
type scalar struct {
	bits uint64
	text []byte
}

// newPlan finds the message and binds it to the columns. All of the table's columns
// are checked, as Flink does.
func newPlan(s formats.Spec) (*plan, error) {
	desc, err := load(s.Options.String("descriptor-file"), s.Options.String("message-class-name"))
	if err != nil {
		return nil, err
	}
	defaults := s.Options.Bool("read-default-values")
	if s.Full != nil {
		if _, err := bind(desc, s.Full.Fields, "", defaults); err != nil {
			return nil, err
		}
	}
	root, err := bind(desc, s.Schema.Fields, "", defaults)
	return &plan{root: root}, err
}

func bind(desc protoreflect.MessageDescriptor, columns []types.Field, path string, defaults bool) (*message, error) {
	m := &message{name: path}
	for _, c := range columns {
		fd := desc.Fields().ByName(protoreflect.Name(c.Name))
		at := c.Name
		if path != "" {
			at = path + "." + c.Name
		}
		if fd == nil {
			return nil, fmt.Errorf("Column %s does not exist in definition of proto class: message %s has %s", at, desc.FullName(), fieldNames(desc))
		}
		f, err := bindField(fd, c.Type, at, defaults)
		if err != nil {
			return nil, err
		}
		m.fields = append(m.fields, f)
	}
	m.slots = make([]slot, len(m.fields))
	m.index()
	for i := range desc.Fields().Len() {
		if fd := desc.Fields().Get(i); fd.Cardinality() == protoreflect.Required {
			m.needed = append(m.needed, need{num: fd.Number(), name: string(fd.Name()), field: m.find(fd.Number())})
		}
	}
	m.bindOneofs(desc)
	return m, nil
}

func (m *message) bindOneofs(desc protoreflect.MessageDescriptor) {
	m.rivals = map[protowire.Number]rival{}
	for i := range desc.Oneofs().Len() {
		of := desc.Oneofs().Get(i)
		if of.IsSynthetic() {
			continue
		}
		var members []int
		for k, f := range m.fields {
			if of.Fields().ByNumber(f.num) != nil {
				members = append(members, k)
			}
		}
		for k, c := range members {
			m.fields[c].later = members[k+1:]
		}
		for k := range of.Fields().Len() {
			fd := of.Fields().Get(k)
			self := m.find(fd.Number())
			others := slices.DeleteFunc(slices.Clone(members), func(c int) bool { return c == self })
			if len(others) > 0 {
				m.rivals[fd.Number()] = rival{wireType(fd.Kind()), others}
			}
		}
	}
}

func fieldNames(desc protoreflect.MessageDescriptor) (out []protoreflect.Name) {
	for i := range desc.Fields().Len() {
		out = append(out, desc.Fields().Get(i).Name())
	}
	return out
}

// index makes fields findable by number, and sorts them by it.
func (m *message) index() {
	const dense = 1024
	m.large = map[protowire.Number]int{}
	for i, f := range m.fields {
		m.order = append(m.order, i)
		if f.num >= dense {
			m.large[f.num] = i
			continue
		}
		for len(m.small) <= int(f.num) {
			m.small = append(m.small, 0)
		}
		m.small[f.num] = int16(i + 1)
	}
	slices.SortFunc(m.order, func(a, b int) int { return int(m.fields[a].num) - int(m.fields[b].num) })
}

// find is the field of a number, -1 for none that is wanted.
func (m *message) find(num protowire.Number) int {
	if int(num) < len(m.small) {
		return int(m.small[num]) - 1
	}
	if i, ok := m.large[num]; ok {
		return i
	}
	return -1
}

func bindField(fd protoreflect.FieldDescriptor, t types.Type, path string, defaults bool) (f field, err error) {
	f = field{path: path, num: fd.Number(), kind: fd.Kind(), t: t, item: t, repeated: fd.IsList() || fd.IsMap(), isMap: fd.IsMap(), packed: fd.IsPacked(),
		presence: fd.HasPresence(), required: fd.Cardinality() == protoreflect.Required, wire: wireType(fd.Kind())}
	switch {
	case fd.IsMap():
		if t.Kind != types.Map {
			return f, mismatch(path, "a map", t, "MAP")
		}
		kt := t.KidTypes()
		f.kid = kt[0]
		f.sub = &message{name: path}
		for i, part := range []protoreflect.FieldDescriptor{fd.MapKey(), fd.MapValue()} {
			k, err := bindField(part, kt[i], path+"."+string(part.Name()), defaults)
			if err != nil {
				return f, err
			}
			k.defaults, k.presence = true, true // an entry has both, and Java writes both
			f.sub.fields = append(f.sub.fields, k)
		}
		f.sub.slots = make([]slot, 2)
		f.sub.index()
		f.defaults = defaults
		return f, nil
	case fd.IsList():
		if t.Kind != types.Array {
			return f, mismatch(path, "repeated", t, "ARRAY")
		}
		f.item, f.kid = t.Elem(), t.Elem()
	}
	f.defaults = defaults
	if fd.Message() != nil {
		if !f.item.IsRow() {
			return f, mismatch(path, "message "+string(fd.Message().FullName()), f.item, "ROW")
		}
		f.sub, err = bind(fd.Message(), f.item.Fields, path, defaults)
		return f, err
	}
	if !fits(f.kind, f.item) {
		return f, mismatch(path, f.kind.String(), f.item, wanted(f.kind))
	}
	if !f.repeated && (fd.ParentFile().Syntax() == protoreflect.Proto3 || !fd.HasPresence()) {
		f.defaults = true // proto3 can't tell, and Flink doesn't ask where it could
	}
	f.bindText(fd)
	f.zero = defaultOf(fd)
	if f.item.Layout() == types.LayoutBytes && len(f.zero.text) > 0 && f.defaults {
		f.copied = true
	}
	return f, nil
}

// bindText prepares texts, bytes and enums.
func (f *field) bindText(fd protoreflect.FieldDescriptor) {
	switch f.kind {
	case protoreflect.StringKind:
		f.strict = fd.ParentFile().Syntax() == protoreflect.Proto3
		if x, ok := fd.(interface{ EnforceUTF8() bool }); ok {
			f.strict = x.EnforceUTF8()
		}
		f.copied = !f.strict
	case protoreflect.EnumKind:
		f.enum, f.closed = fd.Enum().Values(), fd.Enum().IsClosed()
		f.names, f.numbers = map[protoreflect.EnumNumber]string{}, map[string]protoreflect.EnumNumber{}
		for i := range f.enum.Len() {
			v := f.enum.Get(i)
			f.numbers[string(v.Name())] = v.Number()
			if f.names[v.Number()] == "" { // of aliases the first
				f.names[v.Number()] = string(v.Name())
			}
		}
		f.copied = true
	}
}

func mismatch(path, is string, t types.Type, want string) error {
	return fmt.Errorf("Protobuf field type does not match column type: %s is %s and the column %s; it should be %s", path, is, t.Nullable(), want)
}

// fits is Flink's table of types.
func fits(k protoreflect.Kind, t types.Type) bool {
	switch k {
	case protoreflect.BoolKind:
		return t.Kind == types.Boolean
	case protoreflect.BytesKind:
		return t.Kind == types.Binary || t.Kind == types.VarBinary
	case protoreflect.StringKind:
		return t.IsString()
	case protoreflect.DoubleKind:
		return t.Kind == types.Double
	case protoreflect.FloatKind:
		return t.Kind == types.Float
	case protoreflect.EnumKind:
		return t.IsString() || t.IsInteger()
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return t.Kind == types.BigInt
	}
	return t.Kind == types.Int
}

func wanted(k protoreflect.Kind) string {
	switch k {
	case protoreflect.BoolKind:
		return "BOOLEAN"
	case protoreflect.BytesKind:
		return "BYTES"
	case protoreflect.StringKind:
		return "STRING"
	case protoreflect.DoubleKind:
		return "DOUBLE"
	case protoreflect.FloatKind:
		return "FLOAT"
	case protoreflect.EnumKind:
		return "STRING or INT"
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return "BIGINT"
	}
	return "INT"
}

func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return protowire.Fixed64Type
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.Fixed32Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}
