// Package json is the functions of JSON text and of VARIANT.
//
// A document is parsed into a tree of nodes that lie in one slice and are reused
// from row to row; a path is compiled at bind time and walked over it; results
// are printed into the output's buffer.
//
// Special syntax arrives as plain calls. Keywords are constants of kind
// types.Symbol with upper-case text. Arguments in this order, none left out:
//
//	s IS JSON [what]      IS_JSON(s, what)   what: VALUE, SCALAR, ARRAY, OBJECT;
//	                      negation is the caller's NOT
//	JSON_EXISTS           JSON_EXISTS(s, path, onError)   onError: TRUE, FALSE, UNKNOWN, ERROR
//	JSON_VALUE            JSON_VALUE(s, path, returning, onEmpty, emptyDefault, onError, errorDefault)
//	                      returning: an untyped or typed NULL constant whose type is
//	                      the returning type (STRING when left out); onEmpty, onError:
//	                      NULL, ERROR, DEFAULT; defaults: values, NULL constants when
//	                      there are none
//	JSON_QUERY            JSON_QUERY(s, path, returning, wrapper, onEmpty, onError)
//	                      returning: a NULL constant of type STRING or ARRAY<STRING>;
//	                      wrapper: WITHOUT, CONDITIONAL, UNCONDITIONAL; onEmpty,
//	                      onError: NULL, EMPTY_ARRAY, EMPTY_OBJECT, ERROR
//	JSON_OBJECT           JSON_OBJECT(onNull, key, value, key, value, ...)
//	JSON_ARRAY            JSON_ARRAY(onNull, value, ...)   onNull: NULL, ABSENT
//
// JSON_VALUE and JSON_QUERY may also be called with (s, path) alone, JSON_EXISTS
// too. A value of JSON_OBJECT and JSON_ARRAY that is itself a call of
// JSON_OBJECT, JSON_ARRAY or JSON_QUERY is to be embedded as it is: the caller
// wraps it in a call JSON(value), whose type JSON_OBJECT and JSON_ARRAY know.
//
//	v['field'], v[1] of a VARIANT   ITEM of package collection for arrays and maps;
//	                                VARIANT_ITEM(v, key) here
//
// A VARIANT is kept as its JSON text in canonical form: compact, keys sorted.
//
// All is the list. Start with node.go (parsing and printing), path.go, then
// value.go.
package json
