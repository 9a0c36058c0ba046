// Package control is how a process that runs jobs is spoken to from outside: HTTP
// and JSON on a Unix socket that only its user can open.
//
//	GET  /v1/jobs                    all jobs of the process
//	GET  /v1/jobs/{job}              one, by ID, the beginning of an ID, or name
//	GET  /v1/jobs/{job}/state        keys and bytes of each stateful operator
//	GET  /v1/jobs/{job}/why          what holds it back
//	GET  /v1/jobs/{job}/analyze      its plan with what each operator has done
//	GET  /v1/jobs/{job}/snapshot     its state at one point of its input: a checkpoint's files as a tar archive
//	GET  /v1/tables/{table}          rows of a table of database sys; ?running=true: of running jobs alone
//	POST /v1/jobs/{job}/savepoint    {"dir", "stop", "drain"}: answers where it is
//	POST /v1/jobs/{job}/stop         a last checkpoint, then the end
//	POST /v1/jobs/{job}/cancel       the end at once
//	GET  /metrics                    for Prometheus
//
// Every answer names its schema and version. Server is the process's side, Client
// the verbs'. Start with Listen, then Find.
package control

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/files/place"
	"github.com/millrace/millrace/why"
)

// Versions of the answers.
const (
	JobsSchema      = "millrace.jobs/1"
	StateSchema     = "millrace.state/1"
	SavepointSchema = "millrace.savepoint/1"
	WhySchema       = "millrace.why/1"
	AnalysisSchema  = "millrace.analysis/1"
	TableSchema     = "millrace.table/1"
	ErrorSchema     = "millrace.error/1"
)

// Jobs is what a process runs and has run.
type Jobs struct {
	Schema string `json:"schema"`
	Jobs   []Job  `json:"jobs"`
}

// Job is one.
type Job struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Status      string      `json:"status"`
	SQL         string      `json:"sql"`
	Process     int         `json:"pid"`
	Began       time.Time   `json:"began"`
	Ended       *time.Time  `json:"ended,omitempty"`
	Error       string      `json:"error,omitempty"`
	RowsIn      int64       `json:"rows_in"`
	RowsOut     int64       `json:"rows_out"`
	Late        int64       `json:"late_rows"`
	Bad         int64       `json:"bad_rows"`
	Watermark   *time.Time  `json:"watermark,omitempty"`
	StateKeys   int64       `json:"state_keys"`
	StateBytes  int64       `json:"state_bytes"`
	Checkpoints Checkpoints `json:"checkpoints"`
}

// Checkpoints is what a job has kept since it began.
type Checkpoints struct {
	Made      int64      `json:"made"`
	Failed    int64      `json:"failed"`
	Last      uint64     `json:"last"`
	LastAt    *time.Time `json:"last_at,omitempty"`
	LastTookS float64    `json:"last_took_s"`
	LastBytes int64      `json:"last_bytes"`
	PauseMs   float64    `json:"pause_p99_ms"`  // of a task at a barrier, over the last ones: 99 of 100 are shorter
	FreezeMs  float64    `json:"freeze_p99_ms"` // of that, the state's part
	Restored  uint64     `json:"restored,omitempty"`
}

// State is what a job's operators hold.
type State struct {
	Schema    string          `json:"schema"`
	Job       string          `json:"job"`
	Operators []OperatorState `json:"operators"`
}

// OperatorState is one operator's, over its subtasks, as measured within the last
// second.
type OperatorState struct {
	Operator string `json:"operator"`
	Text     string `json:"text"`
	Keys     int64  `json:"keys"`
	Bytes    int64  `json:"bytes"`
}

// SavepointRequest asks for a savepoint.
type SavepointRequest struct {
	Dir   string `json:"dir,omitempty"`
	Stop  bool   `json:"stop,omitempty"`
	Drain bool   `json:"drain,omitempty"`
}

// Savepoint is where it is.
type Savepoint struct {
	Schema string `json:"schema"`
	Path   string `json:"path"`
}

// Why is what holds a job back.
type Why struct {
	Schema string `json:"schema"`
	Job    string `json:"job"`
	*why.Finding
}

// Analysis is a job's plan with its numbers, as EXPLAIN ANALYZE prints it.
type Analysis struct {
	Schema string `json:"schema"`
	Job    string `json:"job"`
	Text   string `json:"text"`
}

// Table is rows of a table of database sys.
type Table struct {
	Schema  string `json:"schema"`
	Process int    `json:"pid"`
	engine.SystemRows
}

// Error is an answer with a status that isn't 200.
type Error struct {
	Schema string `json:"schema"`
	Msg    string `json:"error"`
}

// RuntimeDir is where processes without a state directory have their sockets, and
// those with one a link to theirs.
func RuntimeDir() string {
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "millrace")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("millrace-%d", os.Getuid()))
}

// maxSocketPath is what every system allows for a socket's name.
const maxSocketPath = 100

// socketDir is the directory for sockets of a state directory; "": it lies in a place
// that has none.
func socketDir(stateDir string) string {
	if place.Remote(stateDir) {
		return ""
	}
	return place.Path(stateDir)
}

// listen opens a socket: in the state directory, where there is one and its path
// isn't too long, else in the runtime directory.
func listen(stateDir string) (l net.Listener, remove []string, err error) {
	run := RuntimeDir()
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, nil, err
	}
	known := filepath.Join(run, fmt.Sprintf("%d.sock", os.Getpid()))
	path := known
	if stateDir = socketDir(stateDir); stateDir != "" {
		if err := os.MkdirAll(stateDir, 0o777); err != nil {
			return nil, nil, err
		}
		p, err := filepath.Abs(filepath.Join(stateDir, "control.sock"))
		if err != nil {
			return nil, nil, err
		}
		if alive(p) { // another process runs other jobs here
			p = filepath.Join(filepath.Dir(p), fmt.Sprintf("control-%d.sock", os.Getpid()))
		}
		if len(p) <= maxSocketPath {
			path = p
		}
	}
	_ = os.Remove(path)
	if path != known {
		_ = os.Remove(known)
		if err := os.Symlink(path, known); err == nil {
			remove = append(remove, known)
		}
	}
	l, err = net.Listen("unix", path)
	if err != nil {
		return nil, remove, err
	}
	remove = append(remove, path)
	return l, remove, os.Chmod(path, 0o600)
}

func alive(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
