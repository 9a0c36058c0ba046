package functions

// Each calls f for each row of sel, of 0..n-1 when sel is nil.
func Each(n int, sel []int32, f func(i int)) {
	if sel == nil {
		for i := 0; i < n; i++ {
			f(i)
		}
		return
	}
	for _, i := range sel {
		f(int(i))
	}
}

// Try is Each that stops at the first failure and says at which row: what an Eval
// returns.
func Try(n int, sel []int32, f func(i int) error) (badRow int, err error) {
	if sel == nil {
		for i := 0; i < n; i++ {
			if err := f(i); err != nil {
				return i, err
			}
		}
		return 0, nil
	}
	for _, i := range sel {
		if err := f(int(i)); err != nil {
			return int(i), err
		}
	}
	return 0, nil
}
