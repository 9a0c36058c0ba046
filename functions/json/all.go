package json

import "github.com/millrace/millrace/functions"

// All is every JSON function.
var All = []*functions.Scalar{Is, Exists, Value, Query, String, Object, Array, Raw, Quote, Unquote, Parse, TryParse, Item}
