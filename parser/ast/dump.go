package ast

import (
	"fmt"
	"reflect"
	"strings"
)

// Dump shows the tree for tests and for EXPLAIN AST: a node a line, its plain
// fields beside it, its children indented below with the field's name. Fields
// with their zero value are left out.
func Dump(n Node) string {
	var b strings.Builder
	dump(&b, reflect.ValueOf(n), "", 0)
	return b.String()
}

func dump(b *strings.Builder, v reflect.Value, label string, depth int) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			dump(b, v.Index(i), label, depth)
		}
		return
	}
	b.WriteString(strings.Repeat("  ", depth))
	if label != "" {
		b.WriteString(label + ": ")
	}
	b.WriteString(v.Type().Name())
	if s, ok := inline(v); ok {
		b.WriteString(" " + s + "\n")
		return
	}
	attributes(b, v)
	b.WriteByte('\n')
	for i := range v.NumField() {
		ft := v.Type().Field(i)
		if !ft.Anonymous && !plain(v.Field(i)) {
			dump(b, v.Field(i), ft.Name, depth+1)
		}
	}
}

// attributes writes the plain fields of a node on its line.
func attributes(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		f, ft := v.Field(i), v.Type().Field(i)
		switch {
		case ft.Type == posType:
		case ft.Anonymous: // TypePos
			attributes(b, f)
		case !plain(f) || f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0:
		case f.Kind() == reflect.Bool:
			b.WriteString(" " + ft.Name)
		default:
			s, ok := inline(f)
			if !ok {
				s = fmt.Sprint(f.Interface())
			}
			fmt.Fprintf(b, " %s=%s", ft.Name, s)
		}
	}
}

// plain says whether a field is shown on its node's line.
func plain(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return true
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.String, reflect.Int:
			return true
		}
		return v.Type() == reflect.TypeFor[[]Ident]()
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return true
	}
	_, ok := inline(v)
	return ok && !v.Type().Implements(reflect.TypeFor[Expr]())
}

// inline shows names, texts and literals in a few characters.
func inline(v reflect.Value) (string, bool) {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case Ident:
		return (&printer{}).ident(x.Name), true
	case []Ident:
		return "(" + (&printer{}).idents(x) + ")", true
	case Name:
		return (&printer{}).path(&x), true
	case Text:
		return quote(x.Value), true
	case String:
		return quote(x.Value), true
	case Number:
		return x.Text, true
	case Bool:
		return fmt.Sprint(x.Value), true
	case string:
		return x, true
	}
	return "", false
}
