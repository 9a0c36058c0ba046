// Package s3test is an S3 service in memory, for tests that need no server: objects,
// conditional writes, lists and multipart uploads, without signatures. It can fail
// as services and networks do. Listing open uploads finds those
// of a whole key alone, as with MinIO.
package s3test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is one. Everything lies in buckets that exist as they are named, but for
// "missing".
type Server struct {
	URL string
	// Fault, when it isn't nil, is asked about every request before it is served.
	Fault func(r *http.Request) Fault

	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]*open
	n       int
	deaf    bool
}

type open struct {
	path  string
	parts map[int][]byte
}

// Fault is what goes wrong with a request.
type Fault int

const (
	None  Fault = iota
	Error       // 503 before anything is done
	Lost        // done, and the connection ends without an answer
	Cut         // an answer that ends in its middle
)

// New starts one that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{objects: map[string][]byte{}, uploads: map[string]*open{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// Option is the settings of a session that uses it.
func (s *Server) Option(key, def string) string {
	switch key {
	case "s3.endpoint":
		return s.URL
	case "s3.access-key", "s3.secret-key":
		return "test"
	}
	return def
}

// Deaf makes it take no notice of conditions, as old services do.
func (s *Server) Deaf() { s.deaf = true }

// Keys are the objects, as bucket/key, sorted.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.objects))
	for k := range s.objects {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Object is the content of one, "" when there is none.
func (s *Server) Object(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.objects[path])
}

// Set puts one there.
func (s *Server) Set(path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[path] = []byte(content)
}

// Uploads is how many are open.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

func etag(b []byte) string {
	h := md5.Sum(b)
	return `"` + hex.EncodeToString(h[:]) + `"`
}

type failure struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

func fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = xml.NewEncoder(w).Encode(failure{Code: code, Message: code})
	}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := None
	if s.Fault != nil {
		fault = s.Fault(r)
	}
	switch fault {
	case Error:
		fail(w, r, http.StatusServiceUnavailable, "SlowDown")
	case Lost:
		s.serve(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case Cut:
		rec := httptest.NewRecorder()
		s.serve(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
		panic(http.ErrAbortHandler)
	default:
		s.serve(w, r)
	}
}

// body is what a request sends; the client may send it in signed chunks.
func body(r *http.Request) (out []byte, whole bool) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, false // its sender died
	}
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return b, true
	}
	for {
		head, rest, ok := strings.Cut(string(b), "\r\n")
		if !ok {
			return nil, false
		}
		size, _, _ := strings.Cut(head, ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil || int(n) > len(rest) {
			return nil, false
		}
		if n == 0 {
			return out, true
		}
		out = append(out, rest[:n]...)
		b = []byte(strings.TrimPrefix(rest[n:], "\r\n"))
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	bucket, key, _ := strings.Cut(path, "/")
	q := r.URL.Query()
	content, whole := body(r)
	if !whole {
		fail(w, r, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bucket == "missing" {
		fail(w, r, http.StatusNotFound, "NoSuchBucket")
		return
	}
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/xml")
		_ = xml.NewEncoder(w).Encode(v)
	}
	have, there := s.objects[path]
	refused := func() bool {
		if s.deaf {
			return false
		}
		m, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
		if none == "*" && there || m != "" && (!there || m != etag(have)) {
			fail(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
			return true
		}
		return false
	}
	switch {
	case key == "" && q.Has("uploads"):
		type upload struct {
			Key, UploadId string
			Initiated     time.Time
		}
		var out struct {
			XMLName xml.Name `xml:"ListMultipartUploadsResult"`
			Upload  []upload
		}
		for id, u := range s.uploads {
			if u.path == bucket+"/"+q.Get("prefix") {
				out.Upload = append(out.Upload, upload{q.Get("prefix"), id, time.Unix(1700000000, 0).UTC()})
			}
		}
		answer(out)
	case key == "":
		s.listObjects(answer, bucket, q.Get("prefix"), q.Get("delimiter"), q.Get("continuation-token"))
	case r.Method == http.MethodPost && q.Has("uploads"):
		s.n++
		id := fmt.Sprint("upload-", s.n)
		s.uploads[id] = &open{path: path, parts: map[int][]byte{}}
		answer(struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadId string
		}{UploadId: id})
	case q.Has("uploadId"):
		u := s.uploads[q.Get("uploadId")]
		switch {
		case u == nil:
			fail(w, r, http.StatusNotFound, "NoSuchUpload")
		case r.Method == http.MethodPut:
			n, _ := strconv.Atoi(q.Get("partNumber"))
			u.parts[n] = content
			w.Header().Set("ETag", etag(content))
		case r.Method == http.MethodDelete:
			delete(s.uploads, q.Get("uploadId"))
			w.WriteHeader(http.StatusNoContent)
		default:
			if refused() {
				return
			}
			var want struct {
				Part []struct {
					PartNumber int
					ETag       string
				}
			}
			_ = xml.Unmarshal(content, &want)
			var all []byte
			for _, p := range want.Part {
				if b, ok := u.parts[p.PartNumber]; !ok || strings.Trim(p.ETag, `"`) != strings.Trim(etag(b), `"`) {
					fail(w, r, http.StatusBadRequest, "InvalidPart")
					return
				}
				all = append(all, u.parts[p.PartNumber]...)
			}
			s.objects[path] = all
			delete(s.uploads, q.Get("uploadId"))
			answer(struct {
				XMLName                xml.Name `xml:"CompleteMultipartUploadResult"`
				Bucket, Key, ETag, Loc string
			}{Bucket: bucket, Key: key, ETag: etag(all)})
		}
	case r.Method == http.MethodPut:
		if refused() {
			return
		}
		s.objects[path] = content
		w.Header().Set("ETag", etag(content))
	case r.Method == http.MethodDelete:
		delete(s.objects, path)
		w.WriteHeader(http.StatusNoContent)
	case !there:
		fail(w, r, http.StatusNotFound, "NoSuchKey")
	case refused():
	default:
		w.Header().Set("ETag", etag(have))
		w.Header().Set("Last-Modified", time.Unix(1700000000, 0).UTC().Format(http.TimeFormat))
		var from, to int
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); n == 2 {
			to = min(to+1, len(have))
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(have)))
			w.Header().Set("Content-Length", strconv.Itoa(to-from))
			w.WriteHeader(http.StatusPartialContent)
			have = have[from:to]
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(have)))
		}
		if r.Method != http.MethodHead {
			_, _ = w.Write(have)
		}
	}
}

type content struct {
	Key, ETag    string
	Size         int
	LastModified time.Time
}

// page is how many entries a list has: few, so that lists are continued.
const page = 5

func (s *Server) listObjects(answer func(any), bucket, prefix, delimiter, after string) {
	type common struct{ Prefix string }
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []content
		CommonPrefixes        []common
	}
	var keys []string
	for p := range s.objects {
		if b, k, _ := strings.Cut(p, "/"); b == bucket && strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	n, last := 0, ""
	for _, k := range keys {
		at := k
		if i := strings.Index(k[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			at = k[:len(prefix)+i+1]
		}
		if at <= after || at == last {
			continue
		}
		if n == page {
			out.IsTruncated, out.NextContinuationToken = true, last
			break
		}
		n, last = n+1, at
		if at != k {
			out.CommonPrefixes = append(out.CommonPrefixes, common{at})
			continue
		}
		b := s.objects[bucket+"/"+k]
		out.Contents = append(out.Contents, content{Key: k, ETag: etag(b), Size: len(b), LastModified: time.Unix(1700000000, 0).UTC()})
	}
	answer(out)
}
