package math

import (
	"errors"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// lcg is java.util.Random: seeds give the numbers they give in Flink.
type lcg uint64

func seeded(seed int64) lcg { return lcg(uint64(seed)^0x5DEECE66D) & (1<<48 - 1) }

func (g *lcg) next(bits uint) int32 {
	*g = (*g*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return int32(*g >> (48 - bits))
}

func (g *lcg) double() float64 {
	hi := int64(g.next(26)) << 27
	return float64(hi+int64(g.next(27))) / (1 << 53)
}

func (g *lcg) below(n int32) int32 {
	if n&-n == n {
		return int32(int64(n) * int64(g.next(31)) >> 31)
	}
	for {
		b := g.next(31)
		if v := b % n; b-v+(n-1) >= 0 {
			return v
		}
	}
}

// source gives the generator for a row: one for the whole query when the seed is
// constant or not given, a fresh one when it is a column.
func source(c functions.Call, seedAt int) func(args []batch.Vector, i int) *lcg {
	g := new(lcg)
	if seedAt < 0 {
		*g = seeded(c.Session.Rand(c.Name).Int63())
		return func([]batch.Vector, int) *lcg { return g }
	}
	if k := c.Args[seedAt].Const; k != nil && !k.Null(0) {
		*g = seeded(k.I64[0])
		return func([]batch.Vector, int) *lcg { return g }
	}
	return func(args []batch.Vector, i int) *lcg {
		*g = seeded(args[seedAt].I64[i])
		return g
	}
}

var random = &functions.Scalar{
	Name: "RAND", Class: functions.PerRow,
	Doc:  functions.Doc{Group: "arithmetic", Usage: "RAND([seed])", Text: "A random DOUBLE from 0 up to 1, without 1. With a seed the numbers are those of java.util.Random."},
	Sigs: []functions.Sig{{Params: []functions.Param{functions.IntParam.Opt()}, Result: functions.Strict(types.DoubleType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		from := source(c, len(c.Args)-1)
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) { out.F64[i] = from(args, i).double() })
			return 0, nil
		}), nil
	},
}

var errBound = errors.New("the bound of RAND_INTEGER must be positive")

var randomInteger = &functions.Scalar{
	Name: "RAND_INTEGER", Class: functions.PerRow,
	Doc: functions.Doc{Group: "arithmetic", Usage: "RAND_INTEGER([seed,] bound)", Text: "A random INT from 0 up to the bound, without the bound. With a seed the numbers are those of java.util.Random."},
	Sigs: []functions.Sig{
		{Params: []functions.Param{functions.IntParam}, Result: functions.Strict(types.IntType)},
		{Params: []functions.Param{functions.IntParam, functions.IntParam}, Result: functions.Strict(types.IntType)},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		bound := len(c.Args) - 1
		from := source(c, bound-1)
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			return functions.Try(n, sel, func(i int) error {
				b := args[bound].I64[i]
				if b <= 0 {
					return errBound
				}
				out.I64[i] = int64(from(args, i).below(int32(b)))
				return nil
			})
		}), nil
	},
}
