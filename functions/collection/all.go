package collection

import "github.com/millrace/millrace/functions"

// All is every collection function.
var All = []*functions.Scalar{
	Array, Map, Row, Item, Cardinality, Element,
	ArrayAppend, ArrayPrepend, ArrayRemove, ArrayConcat, ArrayDistinct, ArrayUnion, ArrayExcept, ArrayIntersect, ArrayReverse,
	ArraySlice, ArraySort, ArrayContains, ArrayPosition, ArrayMax, ArrayMin, ArrayJoin, Split, StrToMap,
	MapKeys, MapValues, MapEntries, MapUnion, MapFromArrays,
}
