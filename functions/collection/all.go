package collection

import "github.com/millrace/millrace/functions"

// All is every collection function.
var All = []*functions.Scalar{}
