package filesystem

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// escaped are the characters that Hive's paths write as %XX.
const escaped = "\"#%'*/:=?\\\x7f{[]^"

// appendEscaped appends a value in the form it has in a path.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || strings.IndexByte(escaped, c) >= 0 {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// partitionValue appends the value of a partition column that stands in the path.
func (r *reader) partitionValue(v *batch.Vector, c column, path string) error {
	for _, dir := range strings.Split(filepath.ToSlash(filepath.Dir(path)), "/") {
		key, val, ok := strings.Cut(dir, "=")
		if !ok {
			continue
		}
		if k, err := url.PathUnescape(key); err != nil || k != c.part {
			continue
		}
		text, err := url.PathUnescape(val)
		if err != nil {
			text = val
		}
		if text == r.t.Options.String("partition.default-name") {
			v.AppendNull(c.t, 0)
			return nil
		}
		if c.t.IsBytes() {
			off := len(v.Buf)
			v.Buf = append(v.Buf, text...)
			v.Str = append(v.Str, batch.NewView(off, len(text)))
			return nil
		}
		if err := (formats.Scalars{Loose: true}).Append(v, c.t, 0, []byte(text)); err != nil {
			return fmt.Errorf("partition column %s in path %s: %w", types.Ident(c.part), path, err)
		}
		return nil
	}
	return fmt.Errorf("file %s doesn't lie in a directory %s=...", path, c.part)
}

// appendPartition appends a value in its text form, as the real Flink writes it,
// but for DATE and TIME, which it writes as numbers and can't read back.
func appendPartition(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	if t.IsTimestamp() {
		nanos := 0
		if t.Length > 6 {
			nanos = int(v.Hi[i])
		}
		text := string(types.AppendTimestamp(nil, v.I64[i], nanos, 9))
		for k := 0; k < 3; k++ { // whole groups of the fraction, and no seconds of zero, as java.time prints
			text = strings.TrimSuffix(text, "000")
		}
		text = strings.TrimSuffix(strings.TrimSuffix(text, "."), ":00")
		return append(b, strings.Replace(text, " ", "T", 1)...)
	}
	if t.IsBytes() {
		return append(b, v.Bytes(i)...)
	}
	return cast.AppendText(b, t, v, i, nil)
}
