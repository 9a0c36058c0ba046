package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/files"
)

const (
	// firstPart is the size of the first parts of an upload; an upload has 10,000 at
	// most, so later ones are larger.
	firstPart = 8 << 20
	// inFlight is how many parts of an upload are sent at once.
	inFlight = 2
	// foreign is how old the upload of another machine must be to count as dead.
	foreign = time.Hour
)

func partSize(n int) int { return firstPart * (1 + n/500) }

// upload is a multipart upload being written.
type upload struct {
	fs          *FS
	ctx         context.Context
	bucket, key string
	id          string // "": not begun
	buf         []byte
	size        int64
	sending     sync.WaitGroup
	slots       chan struct{}

	mu    sync.Mutex
	parts []files.Part
	err   error // the first failure of a part
}

func (f *FS) upload(ctx context.Context, p string) *upload {
	u := &upload{fs: f, ctx: ctx, slots: make(chan struct{}, inFlight)}
	u.bucket, u.key = split(p)
	return u
}

func (u *upload) path() string { return u.bucket + "/" + u.key }

func (u *upload) begin() (err error) {
	if u.id == "" {
		u.id, err = u.fs.core.NewMultipartUpload(u.ctx, u.bucket, u.key, minio.PutObjectOptions{})
	}
	return u.fs.explain(err, u.path())
}

func (u *upload) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// write takes bytes and sends the parts that are full.
func (u *upload) write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		most := partSize(len(u.parts))
		k := min(most-len(u.buf), len(b))
		u.buf = append(u.buf, b[:k]...)
		b = b[k:]
		if len(u.buf) == most {
			if err := u.send(); err != nil {
				return n - len(b), err
			}
		}
	}
	u.size += int64(n)
	return n, u.failed()
}

// send uploads the buffer as the next part, beside others.
func (u *upload) send() error {
	if err := u.begin(); err != nil {
		return err
	}
	if err := u.failed(); err != nil {
		return err
	}
	u.mu.Lock()
	n := len(u.parts)
	u.parts = append(u.parts, files.Part{})
	u.mu.Unlock()
	buf := u.buf
	u.buf = nil
	u.slots <- struct{}{}
	u.sending.Add(1)
	go func() {
		defer u.sending.Done()
		defer func() { <-u.slots }()
		p, err := u.fs.core.PutObjectPart(u.ctx, u.bucket, u.key, u.id, n+1, bytes.NewReader(buf), int64(len(buf)), minio.PutObjectPartOptions{})
		u.mu.Lock()
		defer u.mu.Unlock()
		u.parts[n].ETag = p.ETag
		if err != nil && u.err == nil {
			u.err = u.fs.explain(err, u.path())
		}
	}()
	return nil
}

// finish sends what is left and waits for all parts.
func (u *upload) finish() error {
	err := u.failed()
	if err == nil && (len(u.buf) > 0 || len(u.parts) == 0) {
		err = u.send()
	}
	u.sending.Wait()
	return errors.Join(err, u.failed())
}

// abort gives the upload up; a failure leaves it to the service, which expires it.
func (u *upload) abort() {
	u.sending.Wait()
	if u.id != "" {
		_ = u.fs.core.AbortMultipartUpload(context.WithoutCancel(u.ctx), u.bucket, u.key, u.id)
		u.id = ""
	}
}

// marker is what lies beside an upload from before it is begun until it is published. A
// draft of one part is no upload: it lies whole behind its marker, a line, until it is
// published. A service that is cut off from its client while it completes an upload may
// lose it (MinIO does); an object that is put is there or isn't.
type marker struct{ Owner owner }

func markerOf(p string) string { return files.Hidden(p) }

// draft is an upload with a marker.
type draft struct {
	*upload
	begun bool
}

// Create begins one. Nothing is sent before the first part is full or the draft
// finished.
func (f *FS) Create(ctx context.Context, p string) (files.Writer, error) {
	return &draft{upload: f.upload(ctx, p)}, nil
}

func (d *draft) mark() error {
	if d.begun {
		return nil
	}
	b, err := json.Marshal(marker{Owner: self()})
	if err == nil {
		err = d.fs.Put(d.ctx, markerOf(d.path()), b)
	}
	if d.begun = err == nil; !d.begun {
		return err
	}
	return d.begin()
}

func (d *draft) Write(b []byte) (int, error) {
	if len(d.buf)+len(b) >= partSize(len(d.parts)) {
		if err := d.mark(); err != nil {
			return 0, err
		}
	}
	return d.write(b)
}

// Sync does nothing: an upload that is cut short can't be published.
func (d *draft) Sync() error { return nil }

func (d *draft) Finish() (files.Draft, error) {
	if !d.begun {
		head, err := json.Marshal(marker{Owner: self()})
		if err == nil {
			err = d.fs.Put(d.ctx, markerOf(d.path()), append(append(head, '\n'), d.buf...))
		}
		return files.Draft{Path: d.path(), Size: d.size}, err
	}
	err := d.mark()
	if err == nil {
		err = d.finish()
	}
	if err != nil {
		return files.Draft{}, err
	}
	return files.Draft{Path: d.path(), Size: d.size, Upload: d.id, Parts: d.parts}, nil
}

// Close gives an upload up that isn't finished.
func (d *draft) Close() error {
	d.abort()
	if d.begun {
		return d.fs.Remove(context.WithoutCancel(d.ctx), markerOf(d.path()))
	}
	return nil
}

// Grows is false.
func (f *FS) Grows() bool { return false }

func complete(parts []files.Part) []minio.CompletePart {
	out := make([]minio.CompletePart, len(parts))
	for i, p := range parts {
		out[i] = minio.CompletePart{PartNumber: i + 1, ETag: p.ETag}
	}
	return out
}

// A service may still be completing an upload that a process asked it to complete before it
// was killed: it knows the upload or its parts no longer, and doesn't show the object yet. It
// is asked again, at pauses that begin with completion and double.
var completion = 100 * time.Millisecond

const completing = 6

// Publish completes the upload and removes its marker. An upload that isn't there any
// more was completed before when the marker is gone, or when the object is there.
func (f *FS) Publish(ctx context.Context, d files.Draft) error {
	if d.Upload == "" {
		return f.publishWhole(ctx, d)
	}
	bucket, key := split(d.Path)
	for n := 0; ; n++ {
		_, err := f.core.CompleteMultipartUpload(ctx, bucket, key, d.Upload, complete(d.Parts), minio.PutObjectOptions{})
		if err == nil {
			break
		}
		if r := minio.ToErrorResponse(err); r.Code != minio.NoSuchUpload && r.Code != minio.InvalidPart {
			return f.explain(err, d.Path)
		}
		done, serr := f.published(ctx, d)
		if serr != nil {
			return serr
		}
		if done {
			break
		}
		if n == completing {
			return fmt.Errorf("%w: %s: the service has dropped its upload %s, of %d bytes (%w)", files.ErrLost, f.URL(d.Path), d.Upload, d.Size, err)
		}
		select {
		case <-time.After(completion << n):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return f.Remove(ctx, markerOf(d.Path))
}

// publishWhole publishes a draft of one part. Without its marker it was published before.
func (f *FS) publishWhole(ctx context.Context, d files.Draft) error {
	b, err := f.read(ctx, markerOf(d.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, content, ok := bytes.Cut(b, []byte("\n"))
	if !ok || int64(len(content)) != d.Size {
		return fmt.Errorf("%w: %s has %d bytes, %d were written", files.ErrLost, f.URL(markerOf(d.Path)), len(content), d.Size)
	}
	if err := f.Put(ctx, d.Path, content); err != nil {
		return err
	}
	return f.Remove(ctx, markerOf(d.Path))
}

func (f *FS) published(ctx context.Context, d files.Draft) (bool, error) {
	bucket, key := split(d.Path)
	o, err := f.core.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	if err == nil {
		return o.Size == d.Size, nil
	}
	if err := f.explain(err, d.Path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	_, mark := split(markerOf(d.Path))
	_, err = f.core.StatObject(ctx, bucket, mark, minio.StatObjectOptions{})
	if err = f.explain(err, d.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return err != nil, nil // without a marker it was published, and somebody has taken it away since
}

// Abandon aborts the uploads whose markers lie below root. One of another process of
// this machine that lives is left, and one of another machine that isn't old.
func (f *FS) Abandon(ctx context.Context, root, prefix string, keep func(p string) bool) error {
	bucket, _ := split(root)
	me := self()
	return f.list(ctx, root, "", func(key string, o minio.ObjectInfo) error {
		dir, name := path.Split(key)
		name, ok := strings.CutPrefix(name, ".")
		if !ok || !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, ".inprogress") {
			return nil
		}
		p := bucket + "/" + dir + strings.TrimSuffix(name, ".inprogress")
		if keep(p) {
			return nil
		}
		b, err := f.read(ctx, bucket+"/"+key)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var m marker
		head, _, _ := bytes.Cut(b, []byte("\n"))
		if err := json.Unmarshal(head, &m); err != nil {
			return fmt.Errorf("%s isn't the marker of an upload: %w", f.URL(bucket+"/"+key), err)
		}
		if m.Owner.Host != me.Host && time.Since(o.LastModified) < foreign || m.Owner.Host == me.Host && m.Owner != me && m.Owner.lives() {
			return nil
		}
		_, up := split(p)
		for u := range f.core.ListIncompleteUploads(ctx, bucket, up, true) {
			if u.Err == nil && u.Key == up {
				u.Err = f.core.AbortMultipartUpload(ctx, bucket, up, u.UploadID)
			}
			if u.Err != nil && minio.ToErrorResponse(u.Err).Code != minio.NoSuchUpload {
				return f.explain(u.Err, p)
			}
		}
		return f.Remove(ctx, bucket+"/"+key)
	})
}

// read reads a small object.
func (f *FS) read(ctx context.Context, p string) ([]byte, error) {
	b, _, err := f.get(ctx, p)
	return b, err
}
