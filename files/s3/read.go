package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/files"
)

const (
	// stall is how long a read may bring nothing before it is begun anew.
	stall = 30 * time.Second
	// tries is how often in a row.
	tries = 5
	// A block is what ReadAt fetches at once; that many are kept.
	block  = 512 << 10
	blocks = 64
)

// Open asks for the object's size and version; all reads are of that version.
func (f *FS) Open(ctx context.Context, p string) (files.File, error) {
	bucket, key := split(p)
	o, err := f.core.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return nil, f.explain(err, p)
	}
	return &object{fs: f, ctx: ctx, info: files.Info{Path: p, Size: o.Size, Modified: o.LastModified}, etag: o.ETag, kept: map[int64][]byte{}}, nil
}

// object reads one, from its beginning to its end or a range at a time.
type object struct {
	fs   *FS
	ctx  context.Context
	info files.Info
	etag string

	at   int64
	body *body

	mu    sync.Mutex
	kept  map[int64][]byte // blocks by number
	order []int64          // of kept, the oldest first
}

// body is the answer to one GET; it is given up when nothing comes for long.
type body struct {
	io.ReadCloser
	timer  *time.Timer
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(stall)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	return n, err
}

func (b *body) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}

// get asks for bytes from to end; end < 0: all.
func (o *object) get(from, end int64) (*body, error) {
	bucket, key := split(o.info.Path)
	var opts minio.GetObjectOptions
	if end < 0 {
		end = o.info.Size
	}
	if err := opts.SetRange(from, end-1); err != nil {
		return nil, err
	}
	if o.etag != "" {
		if err := opts.SetMatchETag(o.etag); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(o.ctx)
	b := &body{cancel: cancel, timer: time.AfterFunc(stall, cancel)}
	in, _, _, err := o.fs.core.GetObject(ctx, bucket, key, opts)
	if err != nil {
		b.timer.Stop()
		cancel()
		if refused(err) {
			return nil, fmt.Errorf("%s was replaced while it was read: files of a table are written once", o.fs.URL(o.info.Path))
		}
		return nil, o.fs.explain(err, o.info.Path)
	}
	b.ReadCloser = in
	return b, nil
}

// Read reads on; a connection that breaks is made anew where it was.
func (o *object) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var last error
	for try := 0; try < tries; try++ {
		if o.at >= o.info.Size {
			return 0, io.EOF
		}
		if err := pause(o.ctx, try); err != nil {
			return 0, err
		}
		if o.body == nil {
			b, err := o.get(o.at, -1)
			if err != nil {
				return 0, err // the client has tried several times
			}
			o.body = b
		}
		n, err := o.body.Read(p)
		o.at += int64(n)
		if err != nil {
			_ = o.body.Close()
			o.body = nil
		}
		if n > 0 {
			return n, nil
		}
		last = err
	}
	if errors.Is(last, io.EOF) {
		last = io.ErrUnexpectedEOF
	}
	return 0, o.fs.explain(last, o.info.Path)
}

// pause waits before another try; not before the first.
func pause(ctx context.Context, try int) error {
	if try == 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		return nil
	}
}

// Seek moves where Read goes on.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.info.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	if offset != o.at && o.body != nil {
		_ = o.body.Close()
		o.body = nil
	}
	o.at = offset
	return offset, nil
}

// ReadAt reads whole blocks and keeps the newest.
func (o *object) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && off < o.info.Size {
		b, err := o.block(off / block)
		if err != nil {
			return n, err
		}
		c := copy(p[n:], b[off%block:])
		n, off = n+c, off+int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (o *object) block(n int64) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b := o.kept[n]; b != nil {
		return b, nil
	}
	from, end := n*block, min((n+1)*block, o.info.Size)
	b := make([]byte, end-from)
	var err error
	for try := 0; try < tries; try++ {
		if err := pause(o.ctx, try); err != nil {
			return nil, err
		}
		var in *body
		if in, err = o.get(from, end); err != nil {
			return nil, err
		}
		_, err = io.ReadFull(in, b)
		_ = in.Close()
		if err == nil {
			break
		}
	}
	if err != nil {
		return nil, o.fs.explain(err, o.info.Path)
	}
	if len(o.order) == blocks {
		delete(o.kept, o.order[0])
		o.order = o.order[1:]
	}
	o.kept[n], o.order = b, append(o.order, n)
	return b, nil
}

func (o *object) Info() files.Info { return o.info }

func (o *object) Close() error {
	if o.body == nil {
		return nil
	}
	b := o.body
	o.body = nil
	return b.Close()
}
