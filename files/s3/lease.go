package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/files"
)

// term is how long a lease is good for without being renewed.
const term = 20 * time.Second

// lease is the lock of a directory: an object that its holder replaces every quarter
// of a term, each time on the condition that nobody else has. Who finds one that
// isn't replaced for a whole term, by its own clock, takes it over; at once when its
// holder was a process of the same machine that is dead.
//
// A holder that was stopped for longer than a term may find itself replaced. It can't
// do harm: its writes are refused (State).
type lease struct {
	s     *State
	path  string
	text  []byte // what was written last
	etag  string
	n     int
	token string
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// record is the object.
type record struct {
	Owner owner
	Token string // of this lease
	N     int    // how often it was renewed
}

func trimETag(s string) string { return strings.Trim(s, `"`) }

func (s *State) lease(p string) (*lease, error) {
	var random [12]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	l := &lease{s: s, path: p, token: hex.EncodeToString(random[:])}
	if err := l.take(); err != nil {
		return nil, err
	}
	if err := l.conditions(); err != nil {
		_ = s.fs.Remove(context.Background(), p)
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.done.Add(1)
	go l.keep(ctx)
	return l, nil
}

// take gets the lease, or says who has it.
func (l *lease) take() error {
	ctx := context.Background()
	me, told := self(), false
	var seen string     // the other's version
	var since time.Time // when it was first seen
	for {
		held, etag, err := l.s.fs.get(ctx, l.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		free := err != nil
		var r record
		if !free {
			if err := json.Unmarshal(held, &r); err != nil {
				return fmt.Errorf("%s isn't the lock of a state directory: %w", l.s.fs.URL(l.path), err)
			}
			switch {
			case r.Owner.Host == me.Host && r.Owner.lives(), seen != "" && etag != seen:
				return &files.Locked{Path: l.s.fs.URL(l.path), By: r.Owner.String()}
			case r.Owner.Host == me.Host:
				free = true
			case seen == "":
				seen, since = etag, time.Now() // wall clock: an interval
			case time.Since(since) > term:
				free = true
			}
		}
		if free {
			l.etag = etag
			err := l.write(ctx)
			if err == nil {
				return nil
			}
			if !refused(err) {
				return l.s.fs.explain(err, l.path)
			}
			seen, since = "", time.Time{} // somebody was faster; look who
			continue
		}
		if !told && l.s.tell != nil {
			l.s.tell(fmt.Sprintf("%s is held by %s; it is taken over if that isn't heard of for %s", l.s.fs.URL(l.path), r.Owner, term))
		}
		told = true
		time.Sleep(time.Second)
	}
}

// write replaces the object that was there last. A refusal is another's doing only if
// the object isn't what was written: an answer may have been lost.
func (l *lease) write(ctx context.Context) error {
	l.n++
	text, err := json.Marshal(record{Owner: self(), Token: l.token, N: l.n})
	if err != nil {
		return err
	}
	var o minio.PutObjectOptions
	if l.etag != "" {
		o.SetMatchETag(l.etag)
	} else {
		o.SetMatchETagExcept("*")
	}
	etag, err := l.s.fs.put(ctx, l.path, text, o)
	if err != nil && refused(err) {
		have, now, gerr := l.s.fs.get(ctx, l.path)
		var r record
		if gerr == nil && (bytes.Equal(have, text) || json.Unmarshal(have, &r) == nil && r.Token == l.token) {
			etag, err = now, nil
		}
	}
	if err == nil {
		l.etag, l.text = etag, text
	}
	return err
}

// conditions tries whether the service heeds them: without, two processes could run
// one job.
func (l *lease) conditions() error {
	var o minio.PutObjectOptions
	o.SetMatchETagExcept("*")
	_, err := l.s.fs.put(context.Background(), l.path, l.text, o)
	switch {
	case err == nil:
		return fmt.Errorf("%s: the S3 service %s doesn't heed If-None-Match, so nothing keeps two processes from running one job: use a local state directory", l.s.fs.URL(l.path), l.s.fs.endpoint)
	case refused(err):
		return nil
	}
	return l.s.fs.explain(err, l.path)
}

// keep renews the lease until it is closed or lost.
func (l *lease) keep(ctx context.Context) {
	defer l.done.Done()
	renewed := time.Now() // wall clock: an interval
	tick := time.NewTicker(term / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := time.Now() // wall clock: an interval
		one, cancel := context.WithTimeout(ctx, term/2)
		err := l.write(one)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			renewed = asked
		case refused(err):
			l.lose(fmt.Errorf("%s was taken over by another process: this one was stopped, or cut off, for longer than %s", l.s.fs.URL(l.path), term))
			return
		case asked.Sub(renewed) > term:
			l.lose(fmt.Errorf("%s couldn't be renewed for %s, and another process may have taken it over: %w", l.s.fs.URL(l.path), term, l.s.fs.explain(err, l.path)))
			return
		}
	}
}

func (l *lease) lose(err error) {
	l.s.mu.Lock()
	l.s.lost = err
	l.s.mu.Unlock()
}

// Close ends the lease; the next process needn't wait.
func (l *lease) Close() error {
	l.stop()
	l.done.Wait()
	l.s.mu.Lock()
	lost := l.s.lost
	l.s.lost = errors.New("the state directory is closed")
	l.s.mu.Unlock()
	if lost != nil {
		return nil
	}
	held, _, err := l.s.fs.get(context.Background(), l.path)
	var r record
	if err != nil || json.Unmarshal(held, &r) != nil || r.Token != l.token {
		return nil
	}
	return l.s.fs.Remove(context.Background(), l.path)
}
