package filesystem

import (
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/millrace/millrace/files"
)

// decompress is the content of a file by its name's ending, as Flink knows them:
// .gz .gzip .bz2 .xz .zst .deflate (zlib); any other is read as it is.
func decompress(f files.File) (io.Reader, func() error, error) {
	none := func() error { return nil }
	switch strings.ToLower(filepath.Ext(f.Info().Path)) {
	case ".gz", ".gzip":
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case ".bz2":
		return bzip2.NewReader(f), none, nil
	case ".deflate":
		z, err := zlib.NewReader(f)
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case ".zst", ".zstd":
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, func() error { z.Close(); return nil }, nil
	case ".xz":
		z, err := xz.NewReader(f)
		return z, none, err
	}
	return f, none, nil
}
