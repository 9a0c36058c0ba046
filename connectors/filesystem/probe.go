package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
)

// sample is how many rows of a file a dry run reads at most.
const sample = 100

// Probe lists the files, and reads the first rows of the first and of the last one.
func (s *source) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	splits, err := s.Splits(ctx, nil, 1)
	switch {
	case err != nil:
		f.Fail(err)
		return f
	case len(splits) == 0:
		f.See("%s has no file to read", s.fs.URL(s.root))
		return f
	}
	if n := len(splits); n == 1 {
		f.See("1 file in %s", s.fs.URL(s.root))
	} else {
		f.See("%d files in %s", n, s.fs.URL(s.root))
	}
	s.probe(ctx, splits[0], &f)
	if last := len(splits) - 1; last > 0 {
		s.probe(ctx, splits[last], &f)
	}
	return f
}

func (s *source) probe(ctx context.Context, split connectors.Split, f *connectors.Findings) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bad, passed := false, s.t.Session != nil && !strings.EqualFold(s.t.Session.Option("millrace.on-error."+s.t.Path[strings.LastIndexByte(s.t.Path, '.')+1:], "fail"), "fail")
	wake := make(chan struct{}, 1)
	env := connectors.ReadEnv{Rows: sample, Session: s.t.Session, Of: 1, Wake: func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}, Bad: func(b connectors.BadRow) error {
		switch {
		case bad:
		case passed:
			f.Wonder("how many rows can't be decoded: %s, offset %d: %v", b.Split, b.Offset, b.Reason)
		default:
			f.Fail(fmt.Errorf("table %s: %s at offset %d can't be decoded: %v", s.t.Path, b.Split, b.Offset, b.Reason))
		}
		bad = true
		return nil
	}}
	r, err := s.Read(ctx, split, nil, env)
	if err != nil {
		f.Fail(fmt.Errorf("table %s: %s: %w", s.t.Path, split.Name, err))
		return
	}
	defer r.Close()
	for {
		_, err := r.Next()
		if errors.Is(err, connectors.ErrNotReady) {
			select {
			case <-wake:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != nil && err != io.EOF {
			f.Fail(fmt.Errorf("table %s: %s: %w", s.t.Path, split.Name, err))
		} else if !bad {
			f.See("%s: its first rows can be read", split.Name)
		}
		return
	}
}

// Probe looks whether files can be made in the directory.
func (s *sink) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	url := s.fs.URL(s.root)
	if w, ok := s.fs.(interface{ Writable(dir string) error }); ok {
		if err := w.Writable(s.root); err != nil {
			f.Fail(fmt.Errorf("table %s: %w", s.t.Path, err))
		} else {
			f.See("files can be made in %s", url)
		}
		return f
	}
	stop := errors.New("one is enough")
	err := s.fs.Walk(ctx, s.root, hidden, func(files.Info) error { return stop })
	if err != nil && !errors.Is(err, stop) && !errors.Is(err, fs.ErrNotExist) {
		f.Fail(fmt.Errorf("table %s: %w", s.t.Path, err))
		return f
	}
	f.See("%s answers for these keys", url)
	f.Wonder("whether these keys may write: only writing shows")
	return f
}
