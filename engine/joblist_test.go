package engine

import "testing"

// TestFind: a name may be had by several jobs, that of a query among them; an ID is
// one's own.
func TestFind(t *testing.T) {
	l := &JobList{}
	for _, j := range []*Job{
		{ID: "aaaa1", Name: "orders", status: Finished},
		{ID: "aaaa2", Name: "orders", status: Running},
		{ID: "bbbb1", Name: "orders", Query: true, status: Running},
		{ID: "cccc1", Name: "orders", status: Failed},
		{ID: "dddd1", Name: "report", status: Finished},
		{ID: "dddd2", Name: "report", status: Failed},
	} {
		l.add(j)
	}
	for _, x := range []struct{ name, id string }{
		{"orders", "aaaa2"}, {"report", "dddd2"}, {"bbbb1", "bbbb1"}, {"cccc", "cccc1"}, {"aaaa", ""}, {"nobody", ""},
	} {
		got := ""
		if j := l.Find(x.name); j != nil {
			got = j.ID
		}
		if got != x.id {
			t.Errorf("Find(%q) is %q; want %q", x.name, got, x.id)
		}
	}
}
