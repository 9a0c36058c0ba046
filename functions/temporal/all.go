package temporal

import "github.com/millrace/millrace/functions"

// All is every temporal function.
var All = []*functions.Scalar{}
