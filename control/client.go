package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sort"
	"strings"

	"github.com/millrace/millrace/state/checkpoint"
)

// Client speaks to one process.
type Client struct {
	Socket string
	http   *http.Client
}

// Dial makes a client of a socket; it doesn't connect yet.
func Dial(socket string) *Client {
	return &Client{Socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}}
}

// Processes are the ones that answer: those on a state directory, or, without one,
// all of this user's.
func Processes(stateDir string) []*Client {
	pattern := filepath.Join(RuntimeDir(), "*.sock")
	if stateDir = socketDir(stateDir); stateDir != "" {
		pattern = filepath.Join(stateDir, "control*.sock")
	}
	names, _ := filepath.Glob(pattern)
	sort.Strings(names)
	var out []*Client
	seen := map[string]bool{}
	for _, name := range names {
		// a process that was killed leaves a link to its state directory's socket, where
		// its successor listens
		at, err := filepath.EvalSymlinks(name)
		if err != nil || seen[at] || !alive(name) {
			continue
		}
		seen[at] = true
		out = append(out, Dial(name))
	}
	return out
}

// Find is the process and the job of that ID, beginning of an ID, or name. An
// empty name is the only job that runs.
func Find(ctx context.Context, stateDir, name string) (*Client, Job, error) {
	var at *Client
	var found Job
	var running []string
	n := 0
	for _, c := range Processes(stateDir) {
		list, err := c.Jobs(ctx)
		if err != nil {
			continue
		}
		for _, j := range list.Jobs {
			if j.Ended == nil {
				running = append(running, fmt.Sprintf("%s %.8s", j.Name, j.ID))
			}
			hit := j.Name == name || j.ID == name || len(name) >= 4 && strings.HasPrefix(j.ID, name)
			if name == "" {
				hit = j.Ended == nil
			}
			if !hit || j.Ended != nil && n > 0 {
				continue
			}
			if n == 0 || found.Ended != nil {
				at, found, n = c, j, 1
			} else {
				n++
			}
		}
	}
	known := "no job runs"
	if n := len(running); n > 0 {
		if n > shownJobs {
			running = append(running[:shownJobs:shownJobs], fmt.Sprintf("and %d more, which `millrace jobs` lists", n-shownJobs))
		}
		known = "running: " + strings.Join(running, ", ")
	}
	switch {
	case n == 1:
		return at, found, nil
	case n > 1 && name == "":
		return nil, found, fmt.Errorf("several jobs run; name one (%s)", known)
	case n > 1:
		return nil, found, fmt.Errorf("several jobs are called %q; name one by its ID", name)
	case name == "":
		return nil, found, errors.New(known)
	}
	return nil, found, &NotFoundError{name, known}
}

// shownJobs is how many running jobs a message names.
const shownJobs = 8

// NotFoundError says that no process runs a job of that name.
type NotFoundError struct{ Name, Known string }

func (e *NotFoundError) Error() string { return fmt.Sprintf("job %q not found (%s)", e.Name, e.Known) }

// send asks and returns the answer's body, to be closed.
func (c *Client) send(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://millrace"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Socket, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var e Error
	if b, err := io.ReadAll(resp.Body); err == nil && json.Unmarshal(b, &e) == nil && e.Msg != "" {
		return nil, errors.New(e.Msg)
	}
	return nil, fmt.Errorf("%s: %s", c.Socket, resp.Status)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	body, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Socket, err)
	}
	var schema struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		return fmt.Errorf("%s: %w", c.Socket, err)
	}
	if s, ok := out.(interface{ schema() string }); ok && s.schema() != schema.Schema {
		return fmt.Errorf("%s answers with %s, and this program reads %s", c.Socket, schema.Schema, s.schema())
	}
	return json.Unmarshal(b, out)
}

func (*Jobs) schema() string      { return JobsSchema }
func (*State) schema() string     { return StateSchema }
func (*Savepoint) schema() string { return SavepointSchema }
func (*Why) schema() string       { return WhySchema }
func (*Analysis) schema() string  { return AnalysisSchema }
func (*Table) schema() string     { return TableSchema }

// Jobs lists them.
func (c *Client) Jobs(ctx context.Context) (out Jobs, err error) {
	return out, c.do(ctx, "GET", "/v1/jobs", nil, &out)
}

// State is what a job's operators hold.
func (c *Client) State(ctx context.Context, id string) (out State, err error) {
	return out, c.do(ctx, "GET", "/v1/jobs/"+id+"/state", nil, &out)
}

// Savepoint makes one.
func (c *Client) Savepoint(ctx context.Context, id string, r SavepointRequest) (out Savepoint, err error) {
	return out, c.do(ctx, "POST", "/v1/jobs/"+id+"/savepoint", r, &out)
}

// Stop ends a job in good order.
func (c *Client) Stop(ctx context.Context, id string) (out Jobs, err error) {
	return out, c.do(ctx, "POST", "/v1/jobs/"+id+"/stop", nil, &out)
}

// Cancel ends a job at once.
func (c *Client) Cancel(ctx context.Context, id string) (out Jobs, err error) {
	return out, c.do(ctx, "POST", "/v1/jobs/"+id+"/cancel", nil, &out)
}

// Why is what holds a job back.
func (c *Client) Why(ctx context.Context, id string) (out Why, err error) {
	return out, c.do(ctx, "GET", "/v1/jobs/"+id+"/why", nil, &out)
}

// Analysis is a job's plan with its numbers.
func (c *Client) Analysis(ctx context.Context, id string) (out Analysis, err error) {
	return out, c.do(ctx, "GET", "/v1/jobs/"+id+"/analyze", nil, &out)
}

// Table is the rows of a table of database sys.
func (c *Client) Table(ctx context.Context, name string, running bool) (out Table, err error) {
	path := "/v1/tables/" + url.PathEscape(name)
	if running {
		path += "?running=true"
	}
	return out, c.do(ctx, "GET", path, nil, &out)
}

// Snapshot is a job's state at one point of its input, in memory.
func (c *Client) Snapshot(ctx context.Context, id string) (*checkpoint.Dir, error) {
	body, err := c.send(ctx, "GET", "/v1/jobs/"+id+"/snapshot", nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return checkpoint.Unpack(body)
}
