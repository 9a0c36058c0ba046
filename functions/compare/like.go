package compare

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// like is LIKE. A constant pattern is classified once; others when they change.
var like = &functions.Scalar{
	Name: "LIKE", Doc: functions.Doc{Group: "comparison", Usage: "string LIKE pattern [ESCAPE character]", Text: "Whether the whole string fits the pattern: % stands for any characters, _ for one.", Example: []string{"'abc' LIKE 'a%' -> TRUE"}},
	Sigs: []functions.Sig{{
		Params: []functions.Param{functions.StringParam, functions.StringParam, functions.StringParam.Opt()},
		Result: func(args []functions.Arg) (types.Type, error) {
			if len(args) > 1 && args[1].Const != nil && (len(args) < 3 || args[2].Const != nil) {
				var esc []byte
				if len(args) > 2 {
					esc = args[2].Const.Bytes(0)
				}
				if _, err := compileLike(args[1].Const.Bytes(0), esc, len(args) > 2); err != nil {
					return types.Type{}, err
				}
			}
			return types.BooleanType.WithNull(functions.AnyNull(args)), nil
		},
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		if k := c.Args[1].Const; k != nil && !k.Null(0) && len(c.Args) == 2 {
			p, err := compileLike(k.Bytes(0), nil, false)
			return likeConst(p), err
		}
		return functions.KernelFunc(likeKernel()), nil
	},
}

// likeConst matches one pattern.
func likeConst(p *likePattern) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		s := &args[0]
		functions.Each(n, sel, func(i int) { out.I64[i] = bit(p.match(s.Bytes(i))) })
		return 0, nil
	})
}

func likeKernel() functions.KernelFunc {
	var last, lastEsc string
	var p *likePattern
	return func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		s, pattern := &args[0], &args[1]
		return functions.Try(n, sel, func(i int) (err error) {
			var esc []byte
			if len(args) > 2 {
				esc = args[2].Bytes(i)
			}
			if b := pattern.Bytes(i); p == nil || string(b) != last || string(esc) != lastEsc {
				last, lastEsc = string(b), string(esc)
				if p, err = compileLike(b, esc, len(args) > 2); err != nil {
					p = nil
					return err
				}
			}
			out.I64[i] = bit(p.match(s.Bytes(i)))
			return nil
		})
	}
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// likeClass is how a pattern is matched.
type likeClass uint8

const (
	likeEqual likeClass = iota
	likePrefix
	likeSuffix
	likeContains
	likePieces // texts between %, no _
	likeGeneral
)

// Tokens of a general pattern beside plain bytes.
const (
	tokenOne = -1 // _
	tokenAny = -2 // %
)

// likePattern is a LIKE pattern, classified.
type likePattern struct {
	class  likeClass
	text   []byte
	tokens []int16
	pieces [][]byte // of likePieces: the texts between the %, empty at an end that is open
}

// compileLike reads a pattern; escaped says that esc was given.
func compileLike(p, esc []byte, escaped bool) (*likePattern, error) {
	mark := rune(-1)
	if escaped && len(esc) > 0 { // an empty one is none
		r, w := utf8.DecodeRune(esc)
		if w != len(esc) || r > 0xFFFF || r == 0 {
			return nil, fmt.Errorf("Invalid escape character '%s'", esc)
		}
		mark = r
	}
	out := &likePattern{}
	for at := 0; at < len(p); {
		r, w := utf8.DecodeRune(p[at:])
		switch {
		case r == mark:
			next, nw := utf8.DecodeRune(p[at+w:])
			if nw == 0 || next != '%' && next != '_' && next != mark {
				return nil, fmt.Errorf("Invalid escape sequence '%s', %d", p, utf8.RuneCount(p[:at]))
			}
			out.literal(p[at+w : at+w+nw])
			w += nw
		case r == '%':
			if n := len(out.tokens); n == 0 || out.tokens[n-1] != tokenAny {
				out.tokens = append(out.tokens, tokenAny)
			}
		case r == '_':
			out.tokens = append(out.tokens, tokenOne)
		default:
			out.literal(p[at : at+w])
		}
		at += w
	}
	out.classify()
	return out, nil
}

func (p *likePattern) literal(b []byte) {
	for _, c := range b {
		p.tokens = append(p.tokens, int16(c))
	}
	p.text = append(p.text, b...)
}

func (p *likePattern) classify() {
	anys, n := 0, len(p.tokens)
	for _, t := range p.tokens {
		if t == tokenOne {
			p.class = likeGeneral
			return
		}
		if t == tokenAny {
			anys++
		}
	}
	starts, ends := n > 0 && p.tokens[0] == tokenAny, n > 0 && p.tokens[n-1] == tokenAny
	switch {
	case anys == 0:
		p.class = likeEqual
	case anys == 1 && ends:
		p.class = likePrefix
	case anys == 1 && starts:
		p.class = likeSuffix
	case anys == 2 && starts && ends:
		p.class = likeContains
	default:
		p.class = likePieces
		rest := p.text
		p.pieces = [][]byte{nil}
		for _, t := range p.tokens {
			if t == tokenAny {
				p.pieces = append(p.pieces, nil)
				continue
			}
			k := len(p.pieces) - 1
			p.pieces[k] = append(p.pieces[k], rest[0])
			rest = rest[1:]
		}
	}
}

func (p *likePattern) match(s []byte) bool {
	switch p.class {
	case likeEqual:
		return string(s) == string(p.text)
	case likePrefix:
		return bytes.HasPrefix(s, p.text)
	case likeSuffix:
		return bytes.HasSuffix(s, p.text)
	case likeContains:
		return bytes.Contains(s, p.text)
	case likePieces:
		return p.inOrder(s)
	}
	return p.general(s)
}

// inOrder wants the first piece at the start, the last at the end, and each other
// one at the first place behind the one before.
func (p *likePattern) inOrder(s []byte) bool {
	first, last := p.pieces[0], p.pieces[len(p.pieces)-1]
	if len(s) < len(first)+len(last) || !bytes.HasPrefix(s, first) || !bytes.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, piece := range p.pieces[1 : len(p.pieces)-1] {
		at := bytes.Index(s, piece)
		if at < 0 {
			return false
		}
		s = s[at+len(piece):]
	}
	return true
}

// general goes back to the last % where it fails. Bytes are compared, which is
// right because UTF-8 characters begin nowhere else; _ takes a whole one.
func (p *likePattern) general(s []byte) bool {
	t := p.tokens
	i, j, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case j < len(t) && t[j] == int16(s[i]):
			i, j = i+1, j+1
		case j < len(t) && t[j] == tokenAny:
			star, mark = j, i
			j++
		case j < len(t) && t[j] == tokenOne:
			i, j = i+width(s[i:]), j+1
		case star >= 0:
			mark += width(s[mark:])
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(t) && t[j] == tokenAny {
		j++
	}
	return j == len(t)
}

func width(s []byte) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, w := utf8.DecodeRune(s)
	return w
}
