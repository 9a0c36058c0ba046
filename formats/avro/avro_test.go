package avro

import (
	"testing"

	"github.com/millrace/millrace/formats/formattest"
)

func TestFile(t *testing.T) {
	s := formattest.Schema(formattest.Everything()...)
	for _, options := range []map[string]string{nil, {"codec": "deflate"}, {"codec": "null"}, {"codec": "xz"}, {"codec": "zstandard", "timestamp_mapping.legacy": "false"}} {
		formattest.File(t, Format, options, s)
	}
}

func FuzzFile(f *testing.F) {
	s := formattest.Schema(formattest.Everything()...)
	whole := formattest.Sample(f, Format, s)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	for i := 0; i < len(whole); i += 97 {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 0x55
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, file []byte) { formattest.Damaged(Format, s, file) })
}
