package protobuf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// load finds a message in a descriptor file: by its name, or by that of the Java
// class that protoc makes of it.
func load(file, name string) (protoreflect.MessageDescriptor, error) {
	files, err := open(file)
	if err != nil {
		return nil, err
	}
	var found protoreflect.MessageDescriptor
	var all []string
	for _, f := range withImports(files) {
		each(f.Messages(), func(m protoreflect.MessageDescriptor) {
			all = append(all, string(m.FullName()))
			if string(m.FullName()) == name || javaClass(m) == name {
				found = m
			}
		})
	}
	if found == nil {
		slices.Sort(all)
		if len(all) > 20 {
			all = append(all[:20], "...")
		}
		return nil, fmt.Errorf("'protobuf.message-class-name': %s has no message %q; it has %s", file, name, strings.Join(all, ", "))
	}
	return found, nil
}

// withImports are the files and those they import, each once.
func withImports(files []protoreflect.FileDescriptor) (out []protoreflect.FileDescriptor) {
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		out = append(out, f)
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
	}
	for _, f := range files {
		add(f)
	}
	return out
}

// each visits messages and those inside of them, but not the entries of maps.
func each(ms protoreflect.MessageDescriptors, visit func(protoreflect.MessageDescriptor)) {
	for i := range ms.Len() {
		if m := ms.Get(i); !m.IsMapEntry() {
			visit(m)
			each(m.Messages(), visit)
		}
	}
}

// open reads a .proto file or a FileDescriptorSet.
func open(file string) (out []protoreflect.FileDescriptor, err error) {
	if strings.EqualFold(filepath.Ext(file), ".proto") {
		c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{filepath.Dir(file)}})}
		files, err := c.Compile(context.Background(), filepath.Base(file))
		if err != nil {
			return nil, fmt.Errorf("'protobuf.descriptor-file': %s: %w", filepath.Dir(file), err)
		}
		for _, f := range files {
			out = append(out, f)
		}
		return out, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("'protobuf.descriptor-file': %w", err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("'protobuf.descriptor-file': %s is no FileDescriptorSet (what protoc --descriptor_set_out writes): %w", file, err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("'protobuf.descriptor-file': %s: %w (protoc wants --include_imports)", file, err)
	}
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		out = append(out, f)
		return true
	})
	return out, nil
}

// javaClass is the class that protoc's Java generator makes of a message, as
// Class.forName knows it: classes inside of others behind a $.
func javaClass(m protoreflect.MessageDescriptor) string {
	name := string(m.Name())
	d := m.Parent()
	for ; ; d = d.Parent() {
		outer, ok := d.(protoreflect.MessageDescriptor)
		if !ok {
			break
		}
		name = string(outer.Name()) + "$" + name
	}
	f := m.ParentFile()
	options, _ := f.Options().(*descriptorpb.FileOptions)
	pkg := string(f.Package())
	if options != nil && options.JavaPackage != nil {
		pkg = options.GetJavaPackage()
	}
	if !options.GetJavaMultipleFiles() {
		outer := options.GetJavaOuterClassname()
		if outer == "" {
			outer = outerClass(f)
		}
		name = outer + "$" + name
	}
	if pkg != "" {
		name = pkg + "." + name
	}
	return name
}

// outerClass is the class for a whole file where it names none: the file's name in
// camel case, with OuterClass behind it when something in the file is called so.
func outerClass(f protoreflect.FileDescriptor) string {
	base := strings.TrimSuffix(filepath.Base(f.Path()), filepath.Ext(f.Path()))
	var b strings.Builder
	up := true
	for _, c := range base {
		switch {
		case c >= 'a' && c <= 'z':
			if up {
				c -= 'a' - 'A'
			}
			b.WriteRune(c)
			up = false
		case c >= 'A' && c <= 'Z':
			b.WriteRune(c)
			up = false
		case c >= '0' && c <= '9':
			b.WriteRune(c)
			up = true
		default:
			up = true
		}
	}
	name := b.String()
	taken := false
	each(f.Messages(), func(m protoreflect.MessageDescriptor) { taken = taken || string(m.Name()) == name })
	if taken || f.Enums().ByName(protoreflect.Name(name)) != nil || f.Services().ByName(protoreflect.Name(name)) != nil {
		name += "OuterClass"
	}
	return name
}
