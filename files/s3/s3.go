// Package s3 is files in the buckets of a service that speaks S3.
//
// A path is bucket/key. A draft is a multipart upload: Finish has sent its parts,
// Publish completes it, which is one step for everybody who reads. Beside it lies a
// marker object, .NAME.inprogress, for as long as it isn't published: it tells a
// later run whose uploads to abort (not all services list those below a directory),
// and a second Publish whether the first one had done it.
//
// s3.go has settings and objects; read.go reads them, write.go writes drafts;
// state.go is a directory that one process at a time writes, lease.go its lock.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/millrace/millrace/files"
)

// Scheme says that a path begins as those of this package do.
func Scheme(s string) bool { return s == "s3" || s == "s3a" || s == "s3p" }

// Config says which service, and as whom.
type Config struct {
	Endpoint             string // host:port or URL; "": Amazon's
	Region               string
	AccessKey, SecretKey string // "": from the environment, ~/.aws/credentials or the machine's role
	Token                string // of temporary keys
	PathStyle            bool   // the bucket stands in the path, not in the host's name
}

// Settings reads Flink's settings, and the environment's AWS_* where one isn't made.
func Settings(option func(key, def string) string) Config {
	get := func(env []string, keys ...string) string {
		for _, k := range keys {
			if v := option(k, ""); v != "" {
				return v
			}
		}
		for _, e := range env {
			if v := os.Getenv(e); v != "" {
				return v
			}
		}
		return ""
	}
	return Config{
		Endpoint:  get([]string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, "s3.endpoint"),
		Region:    get([]string{"AWS_REGION", "AWS_DEFAULT_REGION"}, "s3.region", "s3.endpoint.region"),
		AccessKey: get(nil, "s3.access-key", "s3.access.key"),
		SecretKey: get(nil, "s3.secret-key", "s3.secret.key"),
		Token:     get(nil, "s3.session-token", "s3.session.token"),
		PathStyle: strings.EqualFold(get(nil, "s3.path.style.access", "s3.path-style-access"), "true"),
	}
}

const amazon = "s3.amazonaws.com"

// FS is a service.
type FS struct {
	core     minio.Core
	endpoint string // for messages
}

// New makes a client; nothing is asked of the service yet.
func New(c Config) (*FS, error) {
	host, secure := c.Endpoint, true
	if scheme, rest, ok := strings.Cut(host, "://"); ok {
		switch scheme {
		case "http":
			secure = false
		case "https":
		default:
			return nil, fmt.Errorf("s3.endpoint is %q; it begins with http:// or https://", c.Endpoint)
		}
		host = strings.TrimSuffix(rest, "/")
	}
	if host == "" {
		host = amazon
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return nil, errors.New("s3.access-key and s3.secret-key are set both or not at all")
	}
	o := &minio.Options{Secure: secure, Region: c.Region, MaxRetries: 6}
	switch {
	case c.AccessKey != "":
		o.Creds = credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.Token)
	case strings.Contains(host, "amazonaws.com"):
		o.Creds = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})
	default: // another service's keys aren't to be had from the machine's role
		o.Creds = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
	}
	if c.PathStyle {
		o.BucketLookup = minio.BucketLookupPath
	}
	if o.Region == "" && !strings.Contains(host, "amazonaws.com") {
		o.Region = "us-east-1" // what such services call themselves; without it each bucket is asked
	}
	core, err := minio.NewCore(host, o)
	if err != nil {
		return nil, fmt.Errorf("s3.endpoint %q: %w", c.Endpoint, err)
	}
	return &FS{core: *core, endpoint: host}, nil
}

// split is the bucket and the key of a path.
func split(p string) (bucket, key string) {
	bucket, key, _ = strings.Cut(p, "/")
	return bucket, key
}

// URL is a path as people write it.
func (f *FS) URL(p string) string { return "s3://" + p }

// explain says what a failure is about in words that help, and makes what isn't there
// fs.ErrNotExist.
func (f *FS) explain(err error, p string) error {
	if err == nil {
		return nil
	}
	bucket, _ := split(p)
	r := minio.ToErrorResponse(err)
	var lost *url.Error
	switch {
	case r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && r.Code == "":
		return &fs.PathError{Op: "open", Path: f.URL(p), Err: fs.ErrNotExist}
	case r.Code == minio.NoSuchBucket:
		return fmt.Errorf("%s: there is no bucket %q at %s: make it, or mend the path", f.URL(p), bucket, f.endpoint)
	case r.Code == minio.InvalidAccessKeyID || r.Code == minio.SignatureDoesNotMatch:
		return fmt.Errorf("%s: %s refuses the keys (%s): set s3.access-key and s3.secret-key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", f.URL(p), f.endpoint, r.Code)
	case r.Code == minio.AccessDenied:
		return fmt.Errorf("%s: %s: access denied: the keys (s3.access-key, or AWS_ACCESS_KEY_ID) lack a right for it, or there are none", f.URL(p), f.endpoint)
	case errors.As(err, &lost) && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: no answer from the S3 service %s: %w", f.URL(p), f.endpoint, err)
	}
	return fmt.Errorf("%s: %w", f.URL(p), err)
}

// refused says that a condition of a request didn't hold.
func refused(err error) bool {
	r := minio.ToErrorResponse(err)
	return r.StatusCode == http.StatusPreconditionFailed || r.StatusCode == http.StatusConflict
}

// Children are the names right below a directory, those of directories too.
func (f *FS) Children(ctx context.Context, dir string) ([]string, error) {
	var out []string
	err := f.list(ctx, dir, "/", func(key string, _ minio.ObjectInfo) error {
		out = append(out, path.Base(key))
		return nil
	})
	return out, err
}

// list visits the objects below a directory; with a delimiter also the common
// beginnings of deeper ones, in place of them.
func (f *FS) list(ctx context.Context, dir, delimiter string, visit func(key string, o minio.ObjectInfo) error) error {
	bucket, prefix := split(dir)
	if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	token := ""
	for {
		page, err := f.listPage(ctx, bucket, prefix, token, delimiter)
		if err != nil {
			return f.explain(err, dir)
		}
		for _, o := range page.Contents {
			if strings.HasSuffix(o.Key, "/") {
				continue // stands for a directory
			}
			if err := visit(o.Key, o); err != nil {
				return err
			}
		}
		for _, p := range page.CommonPrefixes {
			if err := visit(strings.TrimSuffix(p.Prefix, "/"), minio.ObjectInfo{}); err != nil {
				return err
			}
		}
		if !page.IsTruncated || page.NextContinuationToken == "" {
			return nil
		}
		token = page.NextContinuationToken
	}
}

func (f *FS) listPage(ctx context.Context, bucket, prefix, token, delimiter string) (minio.ListBucketV2Result, error) {
	if err := ctx.Err(); err != nil {
		return minio.ListBucketV2Result{}, err
	}
	return f.core.ListObjectsV2(bucket, prefix, "", token, delimiter, 1000)
}

// Walk lists the objects below root, or root itself when it is one.
func (f *FS) Walk(ctx context.Context, root string, skip func(name string) bool, visit func(files.Info) error) error {
	bucket, prefix := split(root)
	found := false
	err := f.list(ctx, root, "", func(key string, o minio.ObjectInfo) error {
		found = true
		for _, name := range strings.Split(strings.TrimPrefix(strings.TrimPrefix(key, prefix), "/"), "/") {
			if skip(name) {
				return nil
			}
		}
		return visit(files.Info{Path: bucket + "/" + key, Size: o.Size, Modified: o.LastModified})
	})
	if err != nil || found || prefix == "" {
		return err
	}
	o, err := f.core.StatObject(ctx, bucket, prefix, minio.StatObjectOptions{})
	if err != nil {
		return f.explain(err, root)
	}
	return visit(files.Info{Path: root, Size: o.Size, Modified: o.LastModified})
}

// Glob lists what lies below the part of the pattern that has no signs.
func (f *FS) Glob(ctx context.Context, pattern string) ([]string, error) {
	parts := strings.Split(pattern, "/")
	fixed := 0
	for fixed < len(parts) && !strings.ContainsAny(parts[fixed], "*?[") {
		fixed++
	}
	if fixed == 0 {
		return nil, fmt.Errorf("%s: the name of the bucket can't be a pattern", f.URL(pattern))
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", f.URL(pattern), err)
	}
	bucket := parts[0]
	var out []string
	seen := map[string]bool{}
	err := f.list(ctx, strings.Join(parts[:fixed], "/"), "", func(key string, _ minio.ObjectInfo) error {
		have := strings.Split(bucket+"/"+key, "/")
		if len(have) < len(parts) {
			return nil
		}
		p := strings.Join(have[:len(parts)], "/")
		if ok, _ := path.Match(pattern, p); ok && !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// Mkdir does nothing: directories are beginnings of keys.
func (f *FS) Mkdir(context.Context, string) error { return nil }

// Put writes an object.
func (f *FS) Put(ctx context.Context, p string, content []byte) error {
	_, err := f.put(ctx, p, content, minio.PutObjectOptions{})
	return f.explain(err, p)
}

func (f *FS) put(ctx context.Context, p string, content []byte, o minio.PutObjectOptions) (etag string, err error) {
	bucket, key := split(p)
	o.DisableMultipart = true
	info, err := f.core.Client.PutObject(ctx, bucket, key, bytes.NewReader(content), int64(len(content)), o)
	return info.ETag, err
}

// Remove removes an object.
func (f *FS) Remove(ctx context.Context, p string) error {
	bucket, key := split(p)
	return f.explain(f.core.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}), p)
}

// Settle does nothing: what is published is durable.
func (f *FS) Settle(context.Context, string, string) error { return nil }
