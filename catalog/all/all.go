// Package all is the list of the sorts of catalog there are.
package all

import (
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/catalog/file"
	"github.com/millrace/millrace/catalog/jdbc"
	"github.com/millrace/millrace/catalog/memory"
)

// Kinds are what CREATE CATALOG's option type may be.
var Kinds = []*catalog.Kind{memory.Kind, file.Kind, jdbc.Kind}
