// Package libm computes the elementary functions with the digits that Flink gives,
// so that results can be compared to the last bit. Go's own are off by one unit in
// the last place for a quarter to a half of all arguments.
//
// Flink calls Java's Math. Where that uses the processor vendor's routines (sin, cos,
// tan, exp, log, log10, pow), results are nearly always the correctly rounded ones:
// rounded.go computes in pairs of numbers (pair.go) and rounds once. The others (asin,
// acos, atan, atan2, sinh, cosh, tanh) are by definition those of Sun's library
// fdlibm: strict.go follows its algorithms operation by operation.
package libm
