package s3

import (
	"encoding/json"
	"strings"
	"time"
)

// Rewrite makes a lock or a marker that of another process of this machine.
func Rewrite(text string, pid int) string {
	var m map[string]any
	text, rest, whole := strings.Cut(text, "\n")
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		panic(err)
	}
	o := self()
	o.Pid, o.Started = pid, started(pid)
	if o.Started == "" {
		o.Started = "never"
	}
	m["Owner"] = o
	b, _ := json.Marshal(m)
	if whole {
		return string(b) + "\n" + rest
	}
	return string(b)
}

// Hasten makes the pauses before an upload counts as lost short.
func Hasten() { completion = time.Millisecond }
