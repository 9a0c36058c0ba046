package bind

import (
	"strings"

	"github.com/millrace/millrace/sqlerr"
)

// faults are what is wrong with a statement, gathered while the parts of it that
// don't depend on each other are bound: the columns of a SELECT, the sides of a
// join, the arguments of a call. What stands on a part at fault isn't bound, so that
// one mistake is told once.
type faults struct{ list sqlerr.List }

// try runs f and notes its failure instead of passing it on.
func (x *faults) try(f func()) (ok bool) {
	defer func() {
		r := recover()
		switch r := r.(type) {
		case nil:
			ok = true
		case failure:
			x.list = append(x.list, sqlerr.All(r.err)...)
		default:
			if len(x.list) == 0 { // a bug; but after a fault, what it left half done
				panic(r)
			}
		}
	}()
	f()
	return
}

// check fails with what was noted.
func (x *faults) check() {
	if err := x.list.Sort().Err(); err != nil {
		fail(err)
	}
}

// both binds two parts and fails if one does.
func both(f, g func()) {
	var x faults
	x.try(f)
	x.try(g)
	x.check()
}

// nearFunction is the function of the nearest name, for messages.
func (b *Binder) nearFunction(name string) string {
	all, ok := b.Functions.(interface{ Names() []string })
	if !ok {
		return ""
	}
	return sqlerr.DidYouMean(strings.ToLower(name), all.Names())
}
