package libm

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// functionsOf are the functions by the columns of testdata/flink.csv, of its x, its y
// (within [-1, 1]) and its z (within [-5, 5]).
var functionsOf = map[string]func(x, y, z float64) float64{
	"sin": func(x, _, _ float64) float64 { return Sin(x) }, "cos": func(x, _, _ float64) float64 { return Cos(x) },
	"tan": func(x, _, _ float64) float64 { return Tan(x) }, "atan": func(x, _, _ float64) float64 { return Atan(x) },
	"asin": func(_, y, _ float64) float64 { return Asin(y) }, "acos": func(_, y, _ float64) float64 { return Acos(y) },
	"sinh": func(_, _, z float64) float64 { return Sinh(z) }, "cosh": func(_, _, z float64) float64 { return Cosh(z) },
	"tanh": func(_, _, z float64) float64 { return Tanh(z) }, "exp": func(_, _, z float64) float64 { return Exp(z) },
	"ln": func(x, _, _ float64) float64 { return Log(math.Abs(x) + 0.1) }, "log10": func(x, _, _ float64) float64 { return Log10(math.Abs(x) + 0.1) },
	"power": func(x, _, z float64) float64 { return Pow(math.Abs(x), z) }, "atan2": func(x, _, z float64) float64 { return Atan2(x, z) },
}

// byDefinition are the functions that must be equal in every digit. The others may be
// off by one unit where Java's own result isn't the nearest: once in some hundred.
var byDefinition = map[string]bool{"atan": true, "asin": true, "acos": true, "sinh": true, "cosh": true, "tanh": true, "atan2": true}

// TestFlink compares with what Flink 2.3 answered for the numbers of testdata/flink.csv.
func TestFlink(t *testing.T) {
	f, err := os.Open("testdata/flink.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	differ := map[string]int{}
	for _, row := range rows[1:] {
		v := make([]float64, len(row))
		for i, s := range row {
			if v[i], err = strconv.ParseFloat(s, 64); err != nil {
				t.Fatal(err)
			}
		}
		for i, name := range rows[0][3:] {
			got, want := functionsOf[name](v[0], v[1], v[2]), v[i+3]
			if got == want {
				continue
			}
			differ[name]++
			if byDefinition[name] || math.Nextafter(got, want) != want {
				t.Errorf("%s of x=%v y=%v z=%v is %v, Flink's %v", name, v[0], v[1], v[2], got, want)
			}
		}
	}
	for name, n := range differ {
		if n > len(rows)/100 {
			t.Errorf("%s differs in %d of %d", name, n, len(rows)-1)
		}
	}
}

// TestNearStandard holds every function, over all magnitudes, against the standard
// library's, which is off by a few units at most.
func TestNearStandard(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ones := map[string][2]func(float64) float64{
		"sin": {Sin, math.Sin}, "cos": {Cos, math.Cos}, "tan": {Tan, math.Tan}, "asin": {Asin, math.Asin}, "acos": {Acos, math.Acos},
		"atan": {Atan, math.Atan}, "sinh": {Sinh, math.Sinh}, "cosh": {Cosh, math.Cosh}, "tanh": {Tanh, math.Tanh},
		"exp": {Exp, math.Exp}, "log": {Log, math.Log}, "log10": {Log10, math.Log10},
	}
	specials := []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, -5e-324, math.MaxFloat64, 709.7, 709.9, -745.1, -746, 710.4, 710.5, 0x1p-1022, 0.5, -0.5, 1 << 30, 1e9}
	near := func(a, b float64) bool {
		return a == b && math.Signbit(a) == math.Signbit(b) || a != a && b != b || math.Abs(a-b) <= 1e-13*math.Abs(b)+5e-323
	}
	for i := range 200_000 {
		x := math.Ldexp(2*r.Float64()-1, r.IntN(60)-40)
		y := math.Ldexp(2*r.Float64()-1, r.IntN(20)-10)
		if i < len(specials)*len(specials) {
			x, y = specials[i%len(specials)], specials[i/len(specials)]
		}
		for name, f := range ones {
			if name[:3] == "log" && x > 0 && x < 0x1p-1022 { // the standard's is wrong there
				continue
			}
			if a, b := f[0](x), f[1](x); !near(a, b) && !(math.Abs(x) > 1e6 && math.Abs(a-b) < 1e-9) && (math.Abs(x) < 700 || a != 0 && !math.IsInf(a, 0)) {
				t.Fatalf("%s(%v) is %v, the standard's %v", name, x, a, b)
			}
		}
		if a, b := Atan2(y, x), math.Atan2(y, x); !near(a, b) && (y == 0 || y/x != 0) { // the standard's loses the sign of a quotient too small
			t.Fatalf("atan2(%v, %v) is %v, the standard's %v", y, x, a, b)
		}
		a, b := Pow(math.Abs(x), y), math.Pow(math.Abs(x), y)
		if math.Abs(x) == 1 && (y != y || math.IsInf(y, 0)) {
			b = math.NaN()
		}
		if !near(a, b) && !(math.Abs(a-b) <= 1e-10*math.Abs(b)) {
			t.Fatalf("pow(%v, %v) is %v, the standard's %v", math.Abs(x), y, a, b)
		}
	}
}

// TestExact: results that are numbers themselves come out as they are.
func TestExact(t *testing.T) {
	for k := -1074; k < 1024; k++ {
		if got, want := Pow(2, float64(k)), math.Ldexp(1, k); got != want {
			t.Errorf("2^%d is %v", k, got)
		}
	}
	p := 1.0
	for k := range 23 {
		if Pow(10, float64(k)) != p || k > 0 && Log10(p) != float64(k) || Pow(-10, float64(k)) != math.Copysign(p, float64(1-2*(k&1))) {
			t.Errorf("10^%d is %v, its logarithm %v", k, Pow(10, float64(k)), Log10(p))
		}
		p *= 10
	}
	for i := 1.0; i < 1000; i++ {
		if Pow(i*i, 0.5) != i || Pow(i*i*i, 1.0/3) > i || Log(1) != 0 || Exp(0) != 1 {
			t.Errorf("a root of %v", i)
		}
	}
}

// TestPowBeyond: exponents whose product with the logarithm is no number any more.
func TestPowBeyond(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range [][3]float64{{10, 1e308, inf}, {0.1, -1e308, inf}, {0.1, 1e308, 0}, {10, -1e308, 0}, {-10, 1e308, inf}, {1, 1e308, 1}, {-1, 1e308, 1},
		{math.MaxFloat64, math.MaxFloat64, inf}, {5e-324, -1e306, inf}, {math.Nextafter(1, 2), 1e300, inf}, {math.Nextafter(1, 0), 1e300, 0}} {
		if got := Pow(c[0], c[1]); got != c[2] {
			t.Errorf("pow(%v, %v) is %v, not %v", c[0], c[1], got, c[2])
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	x := make([]float64, 1024)
	for i := range x {
		x[i] = float64(i)*0.013 + 0.1
	}
	for name, f := range map[string]func(float64) float64{"sin": Sin, "tan": Tan, "exp": Exp, "log": Log, "pow": func(x float64) float64 { return Pow(x, 1.7) }, "atan": Atan, "standard-pow": func(x float64) float64 { return math.Pow(x, 1.7) }} {
		b.Run(name, func(b *testing.B) {
			var s float64
			for i := range b.N {
				s += f(x[i&1023])
			}
			sink = s
		})
	}
}

var sink float64
