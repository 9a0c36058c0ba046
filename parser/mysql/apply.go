package mysql

import (
	"fmt"
	"slices"
	"strings"
)

// Apply makes a change of a column or the key to what is known of a table. Names of
// columns are matched as MySQL does, without regard to case. Changes of whole tables
// are the caller's.
func (t *Table) Apply(c Change) error {
	find := func(name string) int {
		return slices.IndexFunc(t.Columns, func(x Column) bool { return strings.EqualFold(x.Name, name) })
	}
	missing := func(name string) error {
		return fmt.Errorf("mysql: table %s has no column %q", t.Name, name)
	}
	place := func(col Column, at int) error {
		switch {
		case c.First:
			at = 0
		case c.After != "":
			if at = find(c.After) + 1; at == 0 {
				return missing(c.After)
			}
		}
		t.Columns = slices.Insert(t.Columns, at, col)
		return nil
	}
	rename := func(from, to string) {
		for i, k := range t.Key {
			if strings.EqualFold(k, from) {
				t.Key[i] = to
			}
		}
	}
	switch c.Kind {
	case Add:
		if find(c.Column.Name) >= 0 {
			return fmt.Errorf("mysql: table %s has a column %q already", t.Name, c.Column.Name)
		}
		return place(c.Column, len(t.Columns))
	case Modify:
		i := find(c.From)
		if i < 0 {
			return missing(c.From)
		}
		col := c.Column
		if slices.ContainsFunc(t.Key, func(k string) bool { return strings.EqualFold(k, c.From) }) {
			col.Type = col.Type.NotNullable()
		}
		t.Columns = slices.Delete(t.Columns, i, i+1)
		rename(c.From, col.Name)
		return place(col, i)
	case RenameColumn:
		i := find(c.From)
		if i < 0 {
			return missing(c.From)
		}
		t.Columns[i].Name = c.Column.Name
		rename(c.From, c.Column.Name)
	case DropColumn:
		i := find(c.From)
		if i < 0 {
			return missing(c.From)
		}
		t.Columns = slices.Delete(t.Columns, i, i+1)
		t.Key = slices.DeleteFunc(t.Key, func(k string) bool { return strings.EqualFold(k, c.From) })
	case SetKey:
		t.Key = c.Key
		for _, k := range c.Key {
			if i := find(k); i >= 0 {
				t.Columns[i].Type = t.Columns[i].Type.NotNullable()
			}
		}
	case DropKey:
		t.Key = nil
	}
	return nil
}
