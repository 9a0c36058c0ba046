package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// dryRun looks at what scripts would meet. What was found goes to standard output, a
// paragraph per table and use; what is wrong with the SQL goes to standard error.
func dryRun(ctx context.Context, f *flags, args []string, out, complain io.Writer) error {
	srcs, s, err := f.open(args)
	if err != nil {
		return err
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	var all []*engine.Probed
	code := exitOK
	for _, src := range srcs {
		found, err := s.DryRun(ctx, src)
		all = append(all, found...)
		if err != nil {
			fmt.Fprint(complain, sqlerr.Render(err))
			code = exitSQL
		}
	}
	if *f.short["jsonl"] {
		err = json.NewEncoder(out).Encode(map[string]any{"schema": "millrace.dry-run/1", "found": plainProbes(all)})
	} else {
		printProbes(out, all)
	}
	if err != nil {
		return err
	}
	faults := 0
	for _, x := range all {
		faults += len(x.Faults)
		if x.State != nil && code == exitOK {
			code = exitState
		}
	}
	if faults > 0 {
		s := "s"
		if faults == 1 {
			s = ""
		}
		fmt.Fprintf(complain, "error: the job would fail: %d fault%s outside\n", faults, s)
		if code != exitSQL {
			code = exitExternal
		}
	}
	if code == exitOK {
		return nil
	}
	return exit{code}
}

// printProbes writes findings for people.
func printProbes(w io.Writer, all []*engine.Probed) {
	for _, x := range all {
		if x.Job != "" {
			fmt.Fprintf(w, "state of job %s\n", x.Job)
		} else {
			fmt.Fprintf(w, "%s: %s, %s by %s\n", x.At, x.Table, x.Use, x.Connector)
		}
		for _, t := range x.Seen {
			fmt.Fprintf(w, "  ok           %s\n", t)
		}
		for _, t := range x.Unknown {
			fmt.Fprintf(w, "  not checked  %s\n", t)
		}
		for _, err := range x.Faults {
			fmt.Fprintf(w, "  fault        %s\n", err)
		}
		if x.State != nil {
			fmt.Fprintf(w, "  fault        %s\n", strings.ReplaceAll(x.State.Error(), "\n", "\n               "))
		}
	}
}

// plainProbe is a Probed in JSON.
type plainProbe struct {
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Column    int      `json:"column"`
	Table     string   `json:"table,omitempty"`
	Job       string   `json:"job,omitempty"`
	Connector string   `json:"connector,omitempty"`
	Use       string   `json:"use"`
	OK        []string `json:"ok"`
	Unchecked []string `json:"not_checked"`
	Faults    []string `json:"faults"`
}

func plainProbes(all []*engine.Probed) []plainProbe {
	out := []plainProbe{}
	for _, x := range all {
		p := plainProbe{Table: x.Table, Job: x.Job, Connector: x.Connector, Use: x.Use, OK: append([]string{}, x.Seen...), Unchecked: append([]string{}, x.Unknown...), Faults: []string{}}
		p.Line, p.Column = x.At.Position()
		if !x.At.IsZero() {
			p.File = x.At.Src.Name
		}
		for _, err := range x.Faults {
			p.Faults = append(p.Faults, err.Error())
		}
		if x.State != nil {
			p.Faults = append(p.Faults, x.State.Error())
		}
		out = append(out, p)
	}
	return out
}
