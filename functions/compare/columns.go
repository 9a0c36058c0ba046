package compare

// columns compares two columns of numbers, every row: garbage where a row is NULL
// or not selected costs less than looking. Floating numbers compare as IEEE says:
// nothing holds with NaN but <>.
func columns[T int64 | float64](op string, o []int64, a, b []T) {
	a, b = a[:len(o)], b[:len(o)]
	switch op {
	case "=":
		for i := range o {
			o[i] = bit(a[i] == b[i])
		}
	case "<>":
		for i := range o {
			o[i] = bit(a[i] != b[i])
		}
	case "<":
		for i := range o {
			o[i] = bit(a[i] < b[i])
		}
	case "<=":
		for i := range o {
			o[i] = bit(a[i] <= b[i])
		}
	case ">":
		for i := range o {
			o[i] = bit(a[i] > b[i])
		}
	case ">=":
		for i := range o {
			o[i] = bit(a[i] >= b[i])
		}
	}
}

// columnConst compares a column with a constant.
func columnConst(op string, o, a []int64, k int64) {
	a = a[:len(o)]
	switch op {
	case "=":
		for i, x := range a {
			o[i] = bit(x == k)
		}
	case "<>":
		for i, x := range a {
			o[i] = bit(x != k)
		}
	case "<":
		for i, x := range a {
			o[i] = bit(x < k)
		}
	case "<=":
		for i, x := range a {
			o[i] = bit(x <= k)
		}
	case ">":
		for i, x := range a {
			o[i] = bit(x > k)
		}
	case ">=":
		for i, x := range a {
			o[i] = bit(x >= k)
		}
	}
}
