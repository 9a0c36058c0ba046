package math

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
)

// floats computes every row; single rounds to FLOAT.
func floats(op byte, single bool) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		o := out.F64[:n]
		a, b := args[0].F64[:len(o)], args[1].F64[:len(o)]
		switch op {
		case '+':
			for i := range o {
				o[i] = a[i] + b[i]
			}
		case '-':
			for i := range o {
				o[i] = a[i] - b[i]
			}
		case '*':
			for i := range o {
				o[i] = a[i] * b[i]
			}
		case '/':
			for i := range o {
				o[i] = a[i] / b[i]
			}
		}
		if single {
			for i, x := range o {
				o[i] = float64(float32(x))
			}
		}
		return 0, nil
	})
}
