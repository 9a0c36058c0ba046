// Package parquet reads and writes Parquet files: columns by name, only those the
// plan needs, nested as deep as the types go.
//
// schema.go maps SQL types to Parquet's; a column is a tree of nodes in both
// directions. read.go puts records together from the levels of the leaves that
// leaf.go walks over, write.go takes them apart. The file library is parquet-go;
// it may panic on a damaged file, which becomes an error here.
package parquet

import (
	"fmt"
	"io"
	"strings"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/millrace/millrace/formats"
)

// Format is parquet.
var Format = &formats.Format{
	Name: "parquet", Doc: "Parquet files.",
	Options: []formats.Option{
		{Name: "utc-timezone", Type: formats.BoolOption, Default: "false", Doc: "TIMESTAMP is UTC's wall clock in the file, else the session zone's."},
		{Name: "timestamp.time.unit", Type: formats.EnumOption, Default: "micros", Enum: []string{"nanos", "micros", "millis"}, Doc: "Unit of INT64 timestamps that are written."},
		{Name: "write.int64.timestamp", Type: formats.BoolOption, Default: "false", Doc: "Write timestamps as INT64 instead of INT96."},
		{Name: "compression", Type: formats.EnumOption, Default: "SNAPPY", Enum: []string{"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4_RAW", "LZ4", "BROTLI"}, Doc: "Of pages that are written."},
		{Name: "block.size", Type: formats.IntOption, Default: "134217728", Doc: "Bytes of a row group."},
		{Name: "page.size", Type: formats.IntOption, Default: "1048576", Doc: "Bytes of a page."},
		{Name: "enable.dictionary", Type: formats.BoolOption, Default: "true", Doc: "Accepted; text is written with a dictionary."},
		{Name: "dictionary.page.size", Type: formats.IntOption, Doc: "Accepted."},
		{Name: "writer.version", Doc: "Accepted."},
	},
	OpenFile: func(s formats.Spec, r io.ReaderAt, size int64) (f formats.FileReader, err error) {
		defer recovered(&err)
		return openFile(s, r, size)
	},
	Describe: func(r io.ReaderAt, size int64) (d *formats.Described, err error) {
		defer recovered(&err)
		return describe(r, size)
	},
	CreateFile: func(s formats.Spec, w io.Writer) (f formats.FileWriter, err error) {
		defer recovered(&err)
		return createFile(s, w)
	},
}

// recovered turns the library's panics, which damaged files cause, into errors.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("parquet: the file is damaged: %v", r)
	}
}

// settings are the options, read.
type settings struct {
	zone  *time.Location // of TIMESTAMP in the file
	int64 bool
	unit  string
	codec compress.Codec
	group int64
	page  int
}

func newSettings(s formats.Spec) settings {
	o := settings{zone: time.UTC, int64: s.Options.Bool("write.int64.timestamp"), unit: strings.ToLower(s.Options.String("timestamp.time.unit")),
		group: max(s.Options.Int("block.size"), 1<<16), page: int(max(s.Options.Int("page.size"), 1<<10))}
	if !s.Options.Bool("utc-timezone") && s.Session != nil && s.Session.Zone != nil {
		o.zone = s.Session.Zone
	}
	switch strings.ToUpper(s.Options.String("compression")) {
	case "UNCOMPRESSED":
		o.codec = &pq.Uncompressed
	case "GZIP":
		o.codec = &pq.Gzip
	case "ZSTD":
		o.codec = &pq.Zstd
	case "LZ4", "LZ4_RAW":
		o.codec = &pq.Lz4Raw
	case "BROTLI":
		o.codec = &pq.Brotli
	default:
		o.codec = &pq.Snappy
	}
	return o
}
