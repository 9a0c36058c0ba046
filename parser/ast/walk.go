package ast

import (
	"reflect"
)

// The functions of this file look at nodes through reflection: the tree has a
// hundred types, a text is parsed once, and a forgotten field in a hand-written
// walk would be silent.

var (
	nodeType = reflect.TypeFor[Node]()
	posType  = reflect.TypeFor[Pos]()
)

// Walk calls f for n and the nodes below it, parents first, in the order of
// their fields. Where f is false the node's children are left out. Structs that
// stand in a field by value (SelectItem, Ident, Option ...) are visited as
// pointers to the field.
func Walk(n Node, f func(Node) bool) {
	v := reflect.ValueOf(n)
	if n == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return
	}
	if f(n) {
		children(reflect.Indirect(v), f)
	}
}

// children visits the nodes in v's fields.
func children(v reflect.Value, f func(Node) bool) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if ft := v.Type().Field(i); ft.Type != posType && ft.IsExported() {
				child(v.Field(i), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			child(v.Index(i), f)
		}
	}
}

func child(v reflect.Value, f func(Node) bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			if n, ok := v.Interface().(Node); ok {
				Walk(n, f)
			}
		}
	case reflect.Slice:
		children(v, f)
	case reflect.Struct:
		if v.Type().Name() == "TypePos" {
			return
		}
		if v.CanAddr() && v.Addr().Type().Implements(nodeType) {
			Walk(v.Addr().Interface().(Node), f)
		}
	}
}

// Equal says whether two trees are the same but for their spans.
func Equal(a, b Node) bool {
	return equal(reflect.ValueOf(a), reflect.ValueOf(b))
}

func equal(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return equal(a.Elem(), b.Elem())
	case reflect.Struct:
		if a.Type() == posType {
			return true
		}
		for i := range a.NumField() {
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
