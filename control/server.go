package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/why"
)

// Server answers for the jobs of this process.
type Server struct {
	jobs   *engine.JobList
	http   *http.Server
	remove []string
}

// Listen begins to answer on a socket in the state directory, or, without one, in
// the runtime directory.
func Listen(jobs *engine.JobList, stateDir string) (*Server, error) {
	l, remove, err := listen(stateDir)
	s := &Server{jobs: jobs, remove: remove}
	if err != nil {
		s.clean()
		return nil, err
	}
	s.http = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }()
	return s, nil
}

// Metrics serves /metrics alone on a TCP address.
func (s *Server) Metrics(address string) (net.Addr, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(l) }()
	return l.Addr(), nil
}

// Close ends the answers; those under way get a moment.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.http.Shutdown(ctx)
	s.clean()
}

func (s *Server) clean() {
	for _, p := range s.remove {
		_ = os.Remove(p)
	}
}

// watchFor is how long a job that has sent rows is watched for more.
const watchFor = 3 * time.Second

// Handler is the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /v1/jobs", func(w http.ResponseWriter, r *http.Request) {
		out := Jobs{Schema: JobsSchema, Jobs: []Job{}}
		for _, j := range s.jobs.All() {
			out.Jobs = append(out.Jobs, describe(j))
		}
		answer(w, out)
	})
	one := func(pattern string, f func(w http.ResponseWriter, r *http.Request, j *engine.Job)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			j := s.jobs.Find(r.PathValue("job"))
			if j == nil {
				fail(w, http.StatusNotFound, errors.New("no such job"))
				return
			}
			f(w, r, j)
		})
	}
	one("GET /v1/jobs/{job}", func(w http.ResponseWriter, _ *http.Request, j *engine.Job) {
		answer(w, Jobs{Schema: JobsSchema, Jobs: []Job{describe(j)}})
	})
	one("GET /v1/jobs/{job}/state", func(w http.ResponseWriter, _ *http.Request, j *engine.Job) {
		out := State{Schema: StateSchema, Job: j.Name, Operators: []OperatorState{}}
		for _, o := range j.Report().Operators {
			if o.StateSize > 0 {
				out.Operators = append(out.Operators, OperatorState{Operator: o.Name, Text: o.Text, Keys: o.StateKeys, Bytes: o.StateSize})
			}
		}
		answer(w, out)
	})
	one("GET /v1/jobs/{job}/why", func(w http.ResponseWriter, r *http.Request, j *engine.Job) {
		answer(w, Why{Schema: WhySchema, Job: j.Name, Finding: why.Now(r.Context(), j.Report, watchFor)})
	})
	one("GET /v1/jobs/{job}/analyze", func(w http.ResponseWriter, _ *http.Request, j *engine.Job) {
		answer(w, Analysis{Schema: AnalysisSchema, Job: j.Name, Text: j.Analyze()})
	})
	one("GET /v1/jobs/{job}/snapshot", func(w http.ResponseWriter, r *http.Request, j *engine.Job) {
		dir, err := j.Snapshot(r.Context())
		if err != nil {
			fail(w, http.StatusConflict, err)
			return
		}
		w.Header().Set("Content-Type", "application/x-tar")
		_ = dir.Pack(w)
	})
	mux.HandleFunc("GET /v1/tables/{table}", func(w http.ResponseWriter, r *http.Request) {
		rows, ok := s.jobs.SystemRows(r.PathValue("table"), r.URL.Query().Get("running") == "true")
		if !ok {
			fail(w, http.StatusNotFound, errors.New("no such table"))
			return
		}
		answer(w, Table{Schema: TableSchema, Process: os.Getpid(), SystemRows: rows})
	})
	one("POST /v1/jobs/{job}/savepoint", func(w http.ResponseWriter, r *http.Request, j *engine.Job) {
		var q SavepointRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&q); err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		path, err := j.Savepoint(engine.SavepointOptions{Dir: q.Dir, Stop: q.Stop, Drain: q.Drain})
		if err != nil {
			fail(w, http.StatusConflict, err)
			return
		}
		answer(w, Savepoint{Schema: SavepointSchema, Path: path})
	})
	one("POST /v1/jobs/{job}/stop", func(w http.ResponseWriter, _ *http.Request, j *engine.Job) {
		j.Stop()
		<-j.Done()
		ended(w, j)
	})
	one("POST /v1/jobs/{job}/cancel", func(w http.ResponseWriter, _ *http.Request, j *engine.Job) {
		if err := j.Cancel(); err != nil {
			fail(w, http.StatusConflict, err)
			return
		}
		ended(w, j)
	})
	return mux
}

func ended(w http.ResponseWriter, j *engine.Job) {
	if j.Status() == engine.Failed {
		fail(w, http.StatusConflict, j.Err())
		return
	}
	answer(w, Jobs{Schema: JobsSchema, Jobs: []Job{describe(j)}})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Error{Schema: ErrorSchema, Msg: err.Error()})
}

// describe is a job as the answers have it.
func describe(j *engine.Job) Job {
	r := j.Report()
	began, end := j.Times()
	out := Job{ID: j.ID, Name: j.Name, Status: string(j.Status()), SQL: j.SQL, Process: os.Getpid(), Began: began, Checkpoints: checkpoints(r.Checkpoints)}
	if !end.IsZero() {
		out.Ended = &end
	}
	if err := j.Err(); err != nil {
		out.Error = err.Error()
	}
	low := int64(operators.MaxWatermark)
	for _, o := range r.Operators {
		if len(o.Inputs) == 0 {
			out.RowsIn += o.RowsOut
			low = min(low, o.Watermark)
		}
		out.Late += o.Late
		out.Bad += o.Bad
		out.StateKeys += o.StateKeys
		out.StateBytes += o.StateSize
	}
	for _, o := range sinks(r) {
		out.RowsOut += o.RowsIn
	}
	if low != operators.MaxWatermark && low != operators.MinWatermark {
		at := time.UnixMilli(low).UTC()
		out.Watermark = &at
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func checkpoints(c job.Checkpoints) Checkpoints {
	out := Checkpoints{Made: c.Made, Failed: c.Failed, Last: c.Last, LastTookS: c.LastTook.Seconds(), LastBytes: c.LastBytes, PauseMs: ms(c.Pause), FreezeMs: ms(c.Freeze), Restored: c.Restored}
	if !c.LastAt.IsZero() {
		out.LastAt = &c.LastAt
	}
	return out
}

// sinks are the operators nobody reads.
func sinks(r job.Report) (out []job.OperatorReport) {
	read := map[int]bool{}
	for _, o := range r.Operators {
		for _, i := range o.Inputs {
			read[i] = true
		}
	}
	for _, o := range r.Operators {
		if !read[o.ID] {
			out = append(out, o)
		}
	}
	return out
}
