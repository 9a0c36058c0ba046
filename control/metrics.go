package control

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/operators"
)

// family is one metric with its samples, in Prometheus' text format.
type family struct {
	name, kind, help string
	body             bytes.Buffer
}

// metricsText collects families in order.
type metricsText struct{ list []*family }

func (m *metricsText) add(name, kind, help string, value float64, labels ...string) {
	var f *family
	for _, x := range m.list {
		if x.name == name {
			f = x
		}
	}
	if f == nil {
		f = &family{name: name, kind: kind, help: help}
		m.list = append(m.list, f)
	}
	f.body.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		f.body.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&f.body, "%s=\"%s\"", labels[i], escape.Replace(labels[i+1]))
	}
	if len(labels) > 0 {
		f.body.WriteByte('}')
	}
	f.body.WriteByte(' ')
	f.body.WriteString(strconv.FormatFloat(value, 'g', -1, 64))
	f.body.WriteByte('\n')
}

// escape is for label values.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// metrics answers /metrics. Names carry their unit; a job is its name, an operator
// its name and number in the plan.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	m := &metricsText{}
	for _, j := range s.jobs.All() {
		if !j.Query {
			m.job(j)
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for _, f := range m.list {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s", f.name, f.help, f.name, f.kind, f.body.Bytes())
	}
}

func (m *metricsText) job(j *engine.Job) {
	status := j.Status()
	for _, x := range []engine.Status{engine.Running, engine.Canceling, engine.Finished, engine.Canceled, engine.Failed} {
		v := 0.0
		if x == status {
			v = 1
		}
		m.add("millrace_job_status", "gauge", "1 for the status the job has.", v, "job", j.Name, "status", string(x))
	}
	r := j.Report()
	if r.At.IsZero() {
		return
	}
	m.add("millrace_job_uptime_seconds", "gauge", "Seconds since the job began.", r.At.Sub(r.Began).Seconds(), "job", j.Name)
	c := r.Checkpoints
	m.add("millrace_checkpoints_total", "counter", "Checkpoints made.", float64(c.Made), "job", j.Name)
	m.add("millrace_checkpoint_failures_total", "counter", "Checkpoints that failed.", float64(c.Failed), "job", j.Name)
	if c.Last > 0 {
		m.add("millrace_checkpoint_last_duration_seconds", "gauge", "From the order to the manifest.", c.LastTook.Seconds(), "job", j.Name)
		m.add("millrace_checkpoint_duration_seconds_total", "counter", "Over all checkpoints made.", c.Took.Seconds(), "job", j.Name)
		m.add("millrace_checkpoint_pause_seconds", "gauge", "How long a task stood still at a barrier: 99 of the last 100 took no longer.", c.Pause.Seconds(), "job", j.Name)
		m.add("millrace_checkpoint_size_bytes", "gauge", "Bytes the last checkpoint wrote.", float64(c.LastBytes), "job", j.Name)
		m.add("millrace_checkpoint_last_success_timestamp_seconds", "gauge", "When the last one was made.", seconds(c.LastAt), "job", j.Name)
	}
	for _, o := range r.Operators {
		l := []string{"job", j.Name, "operator", o.Name + "-" + strconv.Itoa(o.ID)}
		m.add("millrace_operator_records_in_total", "counter", "Rows received.", float64(o.RowsIn), l...)
		m.add("millrace_operator_records_out_total", "counter", "Rows sent.", float64(o.RowsOut), l...)
		if d := r.At.Sub(r.Began).Seconds() * float64(o.Parallelism); d > 0 {
			m.add("millrace_operator_busy_ratio", "gauge", "Share of its time since the job began.", o.Busy.Seconds()/d, l...)
			m.add("millrace_operator_backpressured_ratio", "gauge", "Share of its time it waited for consumers.", o.Blocked.Seconds()/d, l...)
		}
		if o.Watermark != operators.MinWatermark && o.Watermark != operators.MaxWatermark {
			at := time.UnixMilli(o.Watermark)
			m.add("millrace_watermark_timestamp_seconds", "gauge", "Event time reached.", seconds(at), l...)
			m.add("millrace_watermark_lag_seconds", "gauge", "How far event time is behind the clock.", r.At.Sub(at).Seconds(), l...)
		}
		if o.Late > 0 {
			m.add("millrace_late_records_total", "counter", "Rows dropped because they came too late.", float64(o.Late), l...)
		}
		if o.Bad > 0 {
			m.add("millrace_bad_records_total", "counter", "Rows that couldn't be decoded.", float64(o.Bad), l...)
		}
		if o.StateSize > 0 {
			m.add("millrace_state_keys", "gauge", "Keys in state.", float64(o.StateKeys), l...)
			m.add("millrace_state_bytes", "gauge", "Bytes of state.", float64(o.StateSize), l...)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
