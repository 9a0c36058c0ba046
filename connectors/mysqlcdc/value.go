package mysqlcdc

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// column is what a column's values need beside its SQL type.
type column struct {
	base      string // int, varchar, ...
	unsigned  bool
	size      int      // of BINARY(n), bits of BIT(n)
	labels    []string // of ENUM and SET
	collation string
	decode    encoding.Encoding // nil: UTF-8 or bytes
	unknown   string            // the charset, when it can't be decoded
}

func newColumn(c colDef) column {
	s := strings.ToLower(c.Type)
	base := s
	if i := strings.IndexAny(s, " ("); i >= 0 {
		base = s[:i]
	}
	out := column{base: base, unsigned: strings.Contains(s, "unsigned") || strings.Contains(s, "zerofill"), collation: c.Collation, size: 1}
	if i := strings.IndexByte(s, '('); i >= 0 {
		_, _ = fmt.Sscanf(s[i:], "(%d", &out.size)
	}
	if base == "enum" || base == "set" {
		out.labels = labels(c.Type)
	}
	switch cs := out.charset(); cs {
	case "", "utf8", "utf8mb3", "utf8mb4", "ascii", "binary":
	case "latin1":
		out.decode = charmap.Windows1252
	case "latin2":
		out.decode = charmap.ISO8859_2
	case "cp1250":
		out.decode = charmap.Windows1250
	case "cp1251":
		out.decode = charmap.Windows1251
	case "koi8r":
		out.decode = charmap.KOI8R
	case "greek":
		out.decode = charmap.ISO8859_7
	case "hebrew":
		out.decode = charmap.ISO8859_8
	case "latin5":
		out.decode = charmap.ISO8859_9
	case "gbk", "gb2312":
		out.decode = simplifiedchinese.GBK
	case "gb18030":
		out.decode = simplifiedchinese.GB18030
	case "big5":
		out.decode = traditionalchinese.Big5
	case "sjis", "cp932":
		out.decode = japanese.ShiftJIS
	case "ujis", "eucjpms":
		out.decode = japanese.EUCJP
	case "euckr":
		out.decode = korean.EUCKR
	case "ucs2", "utf16":
		out.decode = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case "utf16le":
		out.decode = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	default:
		out.unknown = cs
	}
	return out
}

// charset is the first part of a collation's name.
func (c *column) charset() string {
	cs, _, _ := strings.Cut(c.collation, "_")
	return cs
}

// labels are the words of enum('a','b”c').
func labels(s string) (out []string) {
	for i := strings.IndexByte(s, '\''); i >= 0 && i < len(s); {
		var w strings.Builder
		for i++; i < len(s); i++ {
			if s[i] == '\'' {
				if i+1 < len(s) && s[i+1] == '\'' {
					i++
				} else {
					break
				}
			}
			w.WriteByte(s[i])
		}
		out = append(out, w.String())
		next := strings.IndexByte(s[min(i+1, len(s)):], '\'')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return out
}

// ordered says that a key's literals compare as cdc.Compare does.
func (c *column) ordered() bool {
	switch c.base {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "date", "datetime", "timestamp", "binary", "varbinary":
		return true
	}
	return false
}

// queried makes a cell that a query gave what the log's would be.
func (c *column) queried(x *sqldb.Cell) {
	if c.base == "json" && c.collation == "" && x.Kind == sqldb.Text {
		x.B = normalJSON(x.B)
	}
}

// cell is a value of the log as a query would have given it.
func (c *column) cell(v any) (sqldb.Cell, error) {
	text := func(s string) sqldb.Cell {
		return sqldb.Cell{Kind: sqldb.Text, B: unsafe.Slice(unsafe.StringData(s), len(s))}
	}
	integer := func(x int64, width int) sqldb.Cell {
		if c.unsigned && x < 0 {
			if width == 64 {
				return sqldb.Cell{Kind: sqldb.Uint, I: x}
			}
			x += 1 << width
		}
		return sqldb.Cell{Kind: sqldb.Int, I: x}
	}
	switch v := v.(type) {
	case nil:
		return sqldb.Cell{}, nil
	case int8:
		return integer(int64(v), 8), nil
	case int16:
		return integer(int64(v), 16), nil
	case int32:
		if c.base == "mediumint" {
			return integer(int64(v), 24), nil
		}
		return integer(int64(v), 32), nil
	case int:
		return sqldb.Cell{Kind: sqldb.Int, I: int64(v)}, nil
	case uint8:
		return sqldb.Cell{Kind: sqldb.Int, I: int64(v)}, nil
	case uint16:
		return sqldb.Cell{Kind: sqldb.Int, I: int64(v)}, nil
	case uint32:
		return sqldb.Cell{Kind: sqldb.Int, I: int64(v)}, nil
	case uint64:
		if v <= math.MaxInt64 {
			return sqldb.Cell{Kind: sqldb.Int, I: int64(v)}, nil
		}
		return sqldb.Cell{Kind: sqldb.Uint, I: int64(v)}, nil
	case int64:
		switch c.base {
		case "enum":
			if v < 1 || int(v) > len(c.labels) {
				return text(""), nil // MySQL's mark of a value that wasn't valid
			}
			return text(c.labels[v-1]), nil
		case "set":
			var w []string
			for u := uint64(v); u != 0; u &= u - 1 {
				if i := bits.TrailingZeros64(u); i < len(c.labels) {
					w = append(w, c.labels[i])
				}
			}
			return text(strings.Join(w, ",")), nil
		case "bit":
			b := make([]byte, (c.size+7)/8)
			for i, u := len(b)-1, uint64(v); i >= 0; i, u = i-1, u>>8 {
				b[i] = byte(u)
			}
			return sqldb.Cell{Kind: sqldb.Text, B: b}, nil
		}
		return integer(v, 64), nil
	case float32:
		return sqldb.Cell{Kind: sqldb.Float, F: float64(v)}, nil
	case float64:
		return sqldb.Cell{Kind: sqldb.Float, F: v}, nil
	case string:
		return c.bytes(unsafe.Slice(unsafe.StringData(v), len(v)))
	case []byte:
		return c.bytes(v)
	}
	return text(fmt.Sprint(v)), nil
}

// bytes is a text or binary value.
func (c *column) bytes(b []byte) (sqldb.Cell, error) {
	switch c.base {
	case "binary": // the log leaves trailing zeros out
		if len(b) < c.size {
			b = append(append(make([]byte, 0, c.size), b...), make([]byte, c.size-len(b))...)
		}
	case "json":
		if c.collation == "" {
			b = normalJSON(b)
		}
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		if c.unknown != "" {
			return sqldb.Cell{}, fmt.Errorf("not supported yet: character set %s", c.unknown)
		}
		if c.decode != nil && !ascii(b) || c.charset() == "ucs2" || c.charset() == "utf16" || c.charset() == "utf16le" {
			d, err := c.decode.NewDecoder().Bytes(b)
			if err != nil {
				return sqldb.Cell{}, fmt.Errorf("text in %s: %w", c.charset(), err)
			}
			b = d
		}
	}
	return sqldb.Cell{Kind: sqldb.Text, B: b}, nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// keyLiteral appends a key's value as SQL.
func keyLiteral(b []byte, col *sqldb.Column, c sqldb.Cell) ([]byte, error) {
	switch c.Kind {
	case sqldb.Null:
		return b, fmt.Errorf("key column %q is NULL", col.Name)
	case sqldb.Int:
		return strconv.AppendInt(b, c.I, 10), nil
	case sqldb.Uint:
		return strconv.AppendUint(b, uint64(c.I), 10), nil
	case sqldb.Float:
		return strconv.AppendFloat(b, c.F, 'g', -1, 64), nil
	}
	switch {
	case col.Type.IsBytes():
		return append(hex.AppendEncode(append(b, "x'"...), c.B), '\''), nil
	case col.Type.Kind == types.Decimal:
		return append(b, c.B...), nil
	}
	return append(b, (&sqldb.Encoder{Dialect: sqldb.MySQL{}}).String(string(c.B))...), nil
}
