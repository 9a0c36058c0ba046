package filesystem

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// writer is one subtask's files: at most one open per partition.
type writer struct {
	s       *sink
	ctx     context.Context // of the run
	env     connectors.WriterEnv
	ts      []types.Type
	id      string // of this run, in file names
	files   int
	open    map[string]*file
	ready   []entry  // closed since the last Prepare
	held    []string // files that the sink holds for this writer, and some it has let go of
	rows    map[string][]int32
	order   []string
	at      []byte
	data    batch.Batch
	maxSize int64
	maxAge  time.Duration
	maxIdle time.Duration
	mergeTo int64 // bytes of a merged file
}

// file is an open file of one partition.
type file struct {
	dir, name     string
	f             files.Writer
	out           *bufio.Writer
	enc           formats.Encoder
	blocks        formats.FileWriter
	msgs          []formats.Message
	delim         []byte
	size          int64
	opened, wrote time.Time
}

// entry is a file as it stands in what Prepare returns.
type entry struct {
	Dir    string       `json:"dir"`  // below the root, "" for the root
	Name   string       `json:"name"` // without the dot and the suffix of hidden files
	Size   int64        `json:"size"` // what is durable of it
	Open   bool         `json:"open,omitempty"`
	Opened int64        `json:"opened"` // ms, when the file was begun
	Upload string       `json:"upload,omitempty"`
	Parts  []files.Part `json:"parts,omitempty"`

	merge merge // of its pending
}

// pending is what Prepare returns, in JSON.
type pending struct {
	Files      []entry         `json:"files,omitempty"`
	Partitions []partitionDone `json:"partitions,omitempty"`
	Merge      *merge          `json:"merge,omitempty"` // the files have hidden names, and are merged by Commit
}

// jobMark is in the names of all files of a job.
func jobMark(job string) string {
	h := fnv.New32a()
	h.Write([]byte(job))
	return hex.EncodeToString(h.Sum(nil))
}

func (s *sink) Open(ctx context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	if err := s.fs.Mkdir(ctx, s.root); err != nil {
		return nil, err
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	s.writers.Add(1)
	o := s.t.Options
	w := &writer{s: s, ctx: ctx, env: env, ts: s.t.Schema.Types(), id: jobMark(env.Job) + "-" + hex.EncodeToString(random[:]), open: map[string]*file{}, rows: map[string][]int32{},
		maxSize: o.Bytes("sink.rolling-policy.file-size"), maxAge: o.Duration("sink.rolling-policy.rollover-interval"), maxIdle: o.Duration("sink.rolling-policy.inactivity-interval")}
	w.mergeTo = w.maxSize
	if o.Has("compaction.file-size") {
		w.mergeTo = o.Bytes("compaction.file-size")
	}
	return w, nil
}

// Write deals the rows out to the files of their partitions.
func (w *writer) Write(b *batch.Batch) error {
	w.data = batch.Batch{Len: b.Len, Sel: b.Sel, Kinds: b.Kinds, Cols: w.data.Cols[:0]}
	for _, c := range w.s.data {
		w.data.Cols = append(w.data.Cols, b.Cols[c])
	}
	if len(w.s.parts) == 0 {
		return w.append("", &w.data)
	}
	w.order = w.order[:0]
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		w.partition(b, i)
		sel, ok := w.rows[string(w.at)]
		if !ok || len(sel) == 0 {
			w.order = append(w.order, string(w.at))
		}
		w.rows[string(w.at)] = append(sel, int32(i))
	}
	for _, dir := range w.order {
		w.data.Sel = w.rows[dir]
		if err := w.append(dir, &w.data); err != nil {
			return err
		}
		w.rows[dir] = w.rows[dir][:0]
	}
	return nil
}

// partition makes w.at the directory of row i: k=v/k=v.
func (w *writer) partition(b *batch.Batch, i int) {
	w.at = w.at[:0]
	var text [64]byte
	for n, c := range w.s.parts {
		if n > 0 {
			w.at = append(w.at, '/')
		}
		w.at = append(appendEscaped(w.at, w.s.t.Parts[n]), '=')
		val := text[:0]
		if !b.Cols[c].Null(i) {
			val = appendPartition(val, w.ts[c], &b.Cols[c], i)
		}
		if len(val) == 0 {
			val = append(val, w.s.t.Options.String("partition.default-name")...)
		}
		w.at = appendEscaped(w.at, string(val))
	}
}

// append writes the live rows of b to the open file of dir.
func (w *writer) append(dir string, b *batch.Batch) error {
	f := w.open[dir]
	if f == nil {
		var err error
		if f, err = w.create(dir); err != nil {
			return err
		}
		w.open[dir] = f
	}
	f.wrote = w.env.Now()
	if err := f.write(b); err != nil {
		return err
	}
	if f.size >= w.maxSize {
		return w.finish(f)
	}
	return nil
}

func (w *writer) create(dir string) (*file, error) {
	f := &file{dir: dir, name: fmt.Sprintf("part-%s-%d-%d", w.id, w.env.Subtask, w.files), opened: w.env.Now(), delim: []byte{'\n'}}
	w.files++
	if w.s.compacting {
		f.name = uncompacted + f.name
	}
	format := w.s.t.Format.Format
	if format.Delimiter != nil {
		if d := format.Delimiter(w.s.spec.Options); d != nil {
			f.delim = d
		}
	}
	var err error
	if f.f, err = w.s.fs.Create(w.ctx, path.Join(w.s.root, dir, f.name)); err != nil {
		return nil, err
	}
	w.s.hold(path.Join(dir, f.name), nil)
	if w.held = append(w.held, path.Join(dir, f.name)); len(w.held)%64 == 0 {
		w.held = slices.DeleteFunc(w.held, func(name string) bool { return !w.s.held(name) })
	}
	f.out = bufio.NewWriterSize(f.f, 1<<17)
	if format.CreateFile != nil {
		f.blocks, err = format.CreateFile(w.s.spec, f.out)
	} else {
		f.enc, err = format.Encoder(w.s.spec)
	}
	if err != nil {
		f.f.Close()
		return nil, err
	}
	return f, nil
}

func (f *file) write(b *batch.Batch) (err error) {
	if f.blocks != nil {
		err = f.blocks.Write(b)
		f.size = f.blocks.Size()
		return err
	}
	if f.msgs, err = f.enc.Encode(b, f.msgs[:0]); err != nil {
		return err
	}
	for _, m := range f.msgs {
		if m.Value == nil {
			return errors.New("a row without a value (a NULL in format raw) has no place in a file")
		}
		if _, err = f.out.Write(m.Value); err == nil {
			_, err = f.out.Write(f.delim)
		}
		if err != nil {
			return err
		}
		f.size += int64(len(m.Value) + len(f.delim))
	}
	return nil
}

// sync makes what was written durable.
func (f *file) sync() error {
	if err := f.out.Flush(); err != nil {
		return err
	}
	return f.f.Sync()
}

// finish closes a file for good: it is ready to be committed.
func (w *writer) finish(f *file) error {
	if f.blocks != nil {
		if err := f.blocks.Close(); err != nil {
			return err
		}
	}
	if err := f.out.Flush(); err != nil {
		return err
	}
	d, err := f.f.Finish()
	if err != nil {
		return err
	}
	delete(w.open, f.dir) // still held: a Commit of when it was open may be under way
	w.s.hold(path.Join(f.dir, f.name), d.Hold)
	w.ready = append(w.ready, entry{Dir: f.dir, Name: f.name, Size: d.Size, Opened: f.opened.UnixMilli(), Upload: d.Upload, Parts: d.Parts})
	return nil
}

// Flush makes the written rows durable, though hidden.
func (w *writer) Flush(context.Context) error {
	for _, f := range w.open {
		if err := f.sync(); err != nil {
			return err
		}
	}
	return nil
}

// Prepare finishes the files that are due and lists them; what stays open is listed
// with the length that is durable. Files of blocks have no half, and no file has one
// where it can't be cut to its length: all are finished, and so are those that will be
// merged.
func (w *writer) Prepare(context.Context, uint64) ([]byte, error) {
	now := w.env.Now()
	var p pending
	for _, dir := range sortedDirs(w.open) {
		f := w.open[dir]
		if f.blocks != nil || !w.s.fs.Grows() || w.s.compacting || now.Sub(f.opened) >= w.maxAge || now.Sub(f.wrote) >= w.maxIdle {
			if err := w.finish(f); err != nil {
				return nil, err
			}
			continue
		}
		if err := f.sync(); err != nil {
			return nil, err
		}
		p.Files = append(p.Files, entry{Dir: f.dir, Name: f.name, Size: f.size, Open: true, Opened: f.opened.UnixMilli()})
	}
	p.Files = append(p.Files, w.ready...)
	w.ready = nil
	if len(p.Files) == 0 {
		return nil, nil
	}
	if w.s.compacting {
		p.Merge = &merge{Target: w.mergeTo, Form: w.s.form}
	}
	return json.Marshal(p)
}

// Close closes the open files; they stay hidden.
func (w *writer) Close() error {
	var first error
	for _, name := range w.held {
		w.s.letGo(name)
	}
	for _, f := range w.open {
		if err := f.f.Close(); err != nil && first == nil {
			first = err
		}
	}
	w.open = map[string]*file{}
	return first
}
