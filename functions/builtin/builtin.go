// Package builtin is the list of the scalar functions every session has: each
// group's package gives its own, this one joins them. Start with Scalars.
package builtin

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/bitmap"
	"github.com/millrace/millrace/functions/collection"
	"github.com/millrace/millrace/functions/compare"
	"github.com/millrace/millrace/functions/cond"
	"github.com/millrace/millrace/functions/json"
	"github.com/millrace/millrace/functions/math"
	"github.com/millrace/millrace/functions/meta"
	"github.com/millrace/millrace/functions/object"
	"github.com/millrace/millrace/functions/temporal"
	"github.com/millrace/millrace/functions/text"
)

// Scalars lists every built-in scalar function and operator.
func Scalars() []*functions.Scalar {
	return slices.Concat(compare.All, math.All, cond.All, text.All, temporal.All, json.All, collection.All, meta.All, bitmap.All, object.All)
}

// Tables lists every built-in table function.
func Tables() []*functions.Table { return collection.Tables }

// Lookup finds a function by its name or an alias, in any case; nil when there is
// none.
func Lookup(name string) *functions.Scalar {
	name = strings.ToUpper(name)
	for _, f := range Scalars() {
		if f.Name == name || slices.Contains(f.Aliases, name) {
			return f
		}
	}
	return nil
}
