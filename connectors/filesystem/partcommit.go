package filesystem

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/functions/temporal"
	"github.com/millrace/millrace/types"
)

// partitionCommit tells readers that a partition is complete: when it is due, a
// success file is written into it. Late files make it due again.
type partitionCommit struct {
	on      bool
	byTime  bool // partition-time: by the watermark; else by the clock
	delay   time.Duration
	zone    *time.Location
	pattern string
	file    string
	form    string // of the time's text; "": yyyy-MM-dd HH:mm:ss or yyyy-MM-dd
	read    func(text string) (micros int64, ok bool)
}

// partitionDone is a partition that isn't committed yet.
type partitionDone struct {
	Dir     string `json:"dir"`
	Created int64  `json:"created"` // ms
}

func newPartitionCommit(t connectors.Table) (*partitionCommit, error) {
	o := t.Options
	p := &partitionCommit{byTime: strings.EqualFold(o.String("sink.partition-commit.trigger"), "partition-time"), delay: o.Duration("sink.partition-commit.delay"),
		pattern: o.String("partition.time-extractor.timestamp-pattern"), file: o.String("sink.partition-commit.success-file.name")}
	for _, k := range strings.Split(o.String("sink.partition-commit.policy.kind"), ",") {
		switch k = strings.ToLower(strings.TrimSpace(k)); k {
		case "":
		case "success-file":
			p.on = len(t.Parts) > 0
		case "metastore":
			return nil, fmt.Errorf("table %s: option 'sink.partition-commit.policy.kind': metastore is for Hive's tables, not for those of a filesystem; there is success-file", t.Path)
		case "custom":
			return nil, fmt.Errorf("table %s: not supported yet: partition commit policy custom ('sink.partition-commit.policy.class' is a Java class, which can't be loaded); there is success-file, for whose file another program can look", t.Path)
		default:
			return nil, fmt.Errorf("table %s: option 'sink.partition-commit.policy.kind': there is no policy %q; there is success-file", t.Path, k)
		}
	}
	switch kind := strings.ToLower(o.String("partition.time-extractor.kind")); kind {
	case "default":
	case "custom":
		return nil, fmt.Errorf("table %s: not supported yet: partition time extractor custom ('partition.time-extractor.class' is a Java class, which can't be loaded); write the form of the time with 'partition.time-extractor.timestamp-pattern' and '.timestamp-formatter'", t.Path)
	default:
		return nil, fmt.Errorf("table %s: option 'partition.time-extractor.kind': there is no extractor %q; there is default", t.Path, kind)
	}
	if p.form = o.String("partition.time-extractor.timestamp-formatter"); p.form != "" {
		read, err := temporal.WallReader(p.form)
		if err != nil {
			return nil, fmt.Errorf("table %s: option 'partition.time-extractor.timestamp-formatter': %w", t.Path, err)
		}
		p.read = read
	}
	var err error
	if p.zone, err = time.LoadLocation(o.String("sink.partition-commit.watermark-time-zone")); err != nil {
		return nil, fmt.Errorf("table %s: option 'sink.partition-commit.watermark-time-zone': %w", t.Path, err)
	}
	return p, nil
}

// add notes that a partition has got a file.
func (p *partitionCommit) add(list []partitionDone, e entry) []partitionDone {
	if !p.on {
		return list
	}
	for _, d := range list {
		if d.Dir == e.Dir {
			return list
		}
	}
	return append(list, partitionDone{Dir: e.Dir, Created: e.Opened})
}

// commit writes the success files that are due and returns what isn't due.
func (p *partitionCommit) commit(ctx context.Context, fs files.FS, root string, c connectors.Commit, list []partitionDone) (rest []partitionDone, err error) {
	for _, d := range list {
		due := c.Final
		if !due {
			if due, err = p.due(d, c); err != nil {
				return nil, err
			}
		}
		if !due {
			rest = append(rest, d)
			continue
		}
		if err := fs.Put(ctx, path.Join(root, d.Dir, p.file), nil); err != nil {
			return nil, fmt.Errorf("partition %s: %w", d.Dir, err)
		}
	}
	return rest, nil
}

func (p *partitionCommit) due(d partitionDone, c connectors.Commit) (bool, error) {
	if !p.byTime {
		return c.Now.UnixMilli() >= d.Created+p.delay.Milliseconds(), nil
	}
	at, err := p.time(d.Dir)
	return err == nil && c.Watermark > at+p.delay.Milliseconds(), err
}

// time is a partition's time in ms, from its values.
func (p *partitionCommit) time(dir string) (int64, error) {
	text, first := p.pattern, ""
	for i, part := range strings.Split(dir, "/") {
		key, val, _ := strings.Cut(part, "=")
		if v, err := url.PathUnescape(val); err == nil {
			val = v
		}
		if i == 0 {
			first = val
		}
		text = strings.ReplaceAll(text, "$"+key, val)
	}
	if p.pattern == "" {
		text = first
	}
	micros, ok := int64(0), false
	form := p.form
	if p.read != nil {
		micros, ok = p.read(text)
	} else {
		micros, _, ok = types.ParseTimestamp([]byte(text))
		form = "yyyy-MM-dd HH:mm:ss"
	}
	if !ok {
		return 0, fmt.Errorf("the time of partition %s: %q isn't %s; set 'partition.time-extractor.timestamp-pattern' and 'partition.time-extractor.timestamp-formatter'", dir, text, form)
	}
	return types.FromLocal(micros, p.zone) / 1000, nil
}
