package checkpoint

import "fmt"

// Kept is a table that an operator keeps, under the name by which people ask for it.
type Kept struct {
	Name   string // "GroupAggregate$groups"; of the second such operator "GroupAggregate-2$groups"
	Only   string // the name without the table, when the operator has but one
	Vertex *Vertex
	Table  *Table
}

// Kept are all tables and sets of timers, in the manifest's order.
func (m *Manifest) Kept() (out []Kept) {
	count := map[string]int{}
	for i := range m.Vertices {
		v := &m.Vertices[i]
		if len(v.Tables) == 0 {
			continue
		}
		name := v.Identity.Role
		count[name]++
		if n := count[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		for k := range v.Tables {
			x := Kept{Name: name + "$" + v.Tables[k].Name, Vertex: v, Table: &v.Tables[k]}
			if len(v.Tables) == 1 {
				x.Only = name
			}
			out = append(out, x)
		}
	}
	return out
}
