// Package csv is rows of separated fields, by position, without a header: the
// dialect of Jackson's CSV that Flink speaks.
//
// frame cuts records (a quoted field may hold line breaks), split cuts a record
// into fields that are views of the block, decode.go turns them into columns;
// encode.go writes. Only the columns the plan needs are converted.
package csv

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/bytemask"
)

// Format is csv.
var Format = &formats.Format{
	Name: "csv", Doc: "Separated fields, a record a line, no header.",
	Options: []formats.Option{
		{Name: "field-delimiter", Default: ",", Doc: "One character; \\t and the like are understood."},
		{Name: "disable-quote-character", Type: formats.BoolOption, Default: "false", Doc: "No quoting at all."},
		{Name: "quote-character", Default: `"`, Doc: "Encloses fields."},
		{Name: "allow-comments", Type: formats.BoolOption, Default: "false", Doc: "Leave lines out that begin with #."},
		{Name: "ignore-parse-errors", Type: formats.BoolOption, Default: "false", Doc: "A bad field is NULL, a bad record is left out."},
		{Name: "array-element-delimiter", Default: ";", Doc: "Between the elements of an ARRAY and the fields of a ROW."},
		{Name: "escape-character", Doc: "The character after it stands for itself."},
		{Name: "null-literal", Doc: "The text that means NULL."},
		{Name: "write-bigdecimal-in-scientific-notation", Type: formats.BoolOption, Default: "true", Doc: "100.00 is written 1E+2."},
		{Name: "trim-spaces", Type: formats.BoolOption, Default: "false", Doc: "Reading: without blanks around fields."},
		{Name: "ignore-trailing-unmappable", Type: formats.BoolOption, Default: "false", Doc: "Reading: fields beyond the columns are no error."},
		{Name: "allow-trailing-comma", Type: formats.BoolOption, Default: "true", Doc: "Reading: one delimiter at the end is no error."},
		{Name: "fail-on-missing-columns", Type: formats.BoolOption, Default: "false", Doc: "Reading: a record with too few fields fails even with ignore-parse-errors."},
		{Name: "empty-string-as-null", Type: formats.BoolOption, Default: "false", Doc: "Reading: an empty field is NULL."},
	},
	Lines: true,
	Framer: func(v formats.Values) func([]byte, int, []int) []int {
		d, err := newDialect(v)
		if err != nil || d.quote == 0 {
			return nil // Decoder reports the error
		}
		return (&framer{dialect: d}).frame
	},
	Decoder: newDecoder,
	Encoder: newEncoder,
}

// dialect is the options that say how records look. A character of 0 is none.
type dialect struct {
	delim, quote, escape byte
	elem                 string
	null                 []byte
	hasNull              bool
	trim, comments       bool
}

func newDialect(v formats.Values) (d dialect, err error) {
	one := func(name string) byte {
		s := unescape(v.String(name))
		if len(s) != 1 && err == nil {
			err = fmt.Errorf("option 'csv.%s' is %q, must be one character", name, v.String(name))
		}
		if len(s) != 1 {
			return 0
		}
		return s[0]
	}
	d.delim = one("field-delimiter")
	if !v.Bool("disable-quote-character") {
		d.quote = one("quote-character")
	} else if v.Has("quote-character") {
		return d, fmt.Errorf("format cannot define a quote character and disabled quote character at the same time")
	}
	if v.Has("escape-character") {
		d.escape = one("escape-character")
	}
	d.elem = unescape(v.String("array-element-delimiter"))
	d.hasNull = v.Has("null-literal")
	d.null = []byte(v.String("null-literal"))
	d.trim, d.comments = v.Bool("trim-spaces"), v.Bool("allow-comments")
	return d, err
}

// unescape reads \t and the like.
func unescape(s string) string {
	return strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\r`, "\r", `\f`, "\f", `\b`, "\b", `\\`, `\`).Replace(s)
}

// framer finds the ends of records. It belongs to one goroutine.
type framer struct {
	dialect
	masks bytemask.Masks
	hits  []uint32
}

// frame finds ends, as Format.Framer has it. Records without a quote end at a line
// break; both are looked for in the text of many records at a time.
func (d *framer) frame(b []byte, most int, ends []int) []int {
	at := 0
	for from := 0; from < len(b); {
		to := min(len(b), from+min(max(128*most, 1<<10), 64<<10))
		d.masks.Fill(b, from, to, '\n', d.quote)
		d.hits = d.masks.Places(d.hits[:0])
		for _, p := range d.hits {
			p := int(p)
			if p < at { // within a record with quotes
				continue
			}
			if b[p] == '\n' {
				at = p + 1
			} else if n := d.record(b[at:]); n > 0 {
				at += n
			} else {
				return ends
			}
			ends = append(ends, at)
			if most--; most <= 0 {
				return ends
			}
		}
		from = max(to, at)
	}
	return ends
}

// record is the length of the record at the front of b with its line break, 0 when
// its end isn't there.
func (d dialect) record(b []byte) int {
	at := 0
	for {
		for d.trim && at < len(b) && (b[at] == ' ' || b[at] == '\t') {
			at++
		}
		if at < len(b) && b[at] == d.quote {
			n := d.closing(b[at+1:])
			if n < 0 {
				return 0
			}
			at += 1 + n
		}
		for ; at < len(b) && b[at] != d.delim; at++ {
			if b[at] == '\n' {
				return at + 1
			}
			if d.escape != 0 && b[at] == d.escape {
				at++
			}
		}
		if at >= len(b) {
			return 0
		}
		at++
	}
}

// closing is the length of a quoted field's rest with its closing quote, -1
// when there is none.
func (d dialect) closing(b []byte) int {
	if d.escape == 0 {
		for i := 0; ; i += 2 {
			n := bytes.IndexByte(b[i:], d.quote)
			if n < 0 {
				return -1
			}
			if i += n; i+1 == len(b) || b[i+1] != d.quote {
				return i + 1
			}
		}
	}
	for i := 0; i < len(b); i++ {
		switch {
		case d.escape != 0 && b[i] == d.escape:
			i++
		case b[i] == d.quote:
			if i+1 < len(b) && b[i+1] == d.quote && d.escape != d.quote {
				i++
				continue
			}
			return i + 1
		}
	}
	return -1
}
