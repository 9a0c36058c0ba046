// Package collection is the constructors ARRAY[..], MAP[..] and ROW(..), access
// to elements, and the functions of arrays and maps.
//
// An array or map is a view (first, count) into the vector's Kids. Functions
// whose result is made of the input's own elements append to the result's Kids;
// elements are compared by batch.Equal, so NULL equals NULL.
//
// Special syntax arrives as plain calls:
//
//	ARRAY[a, b]     ARRAY(a, b)
//	MAP[k, v, ...]  MAP(k, v, ...)
//	ROW(a, b)       ROW(a, b); fields are named EXPR$0, EXPR$1, ...
//	c[i]            ITEM(c, i) for arrays and maps
//
// All is the list. Start with construct.go.
package collection
