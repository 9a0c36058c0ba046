package json

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
)

func doc(usage, text string, example ...string) functions.Doc {
	return functions.Doc{Group: "json", Usage: usage, Text: text, Example: example}
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// rows is a kernel of a function of one row.
func rows(f func(i int, args []batch.Vector, out *batch.Vector) error) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		if sel == nil {
			for i := 0; i < n; i++ {
				if err := f(i, args, out); err != nil {
					return i, err
				}
			}
			return 0, nil
		}
		for _, i := range sel {
			if err := f(int(i), args, out); err != nil {
				return int(i), err
			}
		}
		return 0, nil
	})
}
