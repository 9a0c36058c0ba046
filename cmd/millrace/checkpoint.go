package main

import (
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// checkpointVerb looks into state directories and savepoints.
func checkpointVerb(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "checkpoint", Short: "List, show and verify checkpoints"}
	for _, x := range []struct {
		use, short string
		do         func(dir *checkpoint.Dir, list []uint64) (ok bool)
	}{
		{"list DIR", "List the checkpoints in a state directory, a job's directory in it, or a savepoint", listCheckpoints},
		{"show DIR [N]", "Show what a checkpoint holds (default: the newest)", showCheckpoints},
		{"verify DIR [N]", "Read a checkpoint whole and check every byte of it (default: all)", verifyCheckpoints},
	} {
		c.AddCommand(&cobra.Command{Use: x.use, Short: x.short, Args: cobra.RangeArgs(1, 2), RunE: func(cmd *cobra.Command, args []string) error {
			config, err := f.config(nil)
			if err != nil {
				return err
			}
			fs, path, err := checkpoint.Find(args[0], engine.New(config).Option, nil)
			if err != nil {
				return err
			}
			dirs, err := checkpoint.Below(fs, path)
			if err != nil {
				return err
			}
			ok := true
			for _, d := range dirs {
				list, err := d.List()
				if err != nil {
					return err
				}
				if len(args) == 2 {
					n, err := strconv.ParseUint(args[1], 10, 64)
					if err != nil {
						return fmt.Errorf("%q isn't a checkpoint's number", args[1])
					}
					list = []uint64{n}
				}
				ok = x.do(d, list) && ok
			}
			if !ok {
				return exit{exitState}
			}
			return nil
		}})
	}
	return c
}

func listCheckpoints(d *checkpoint.Dir, list []uint64) bool {
	fmt.Println(d.Path())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  CHECKPOINT\tMADE\tFILES\tBYTES\tKEYS\tREMARK")
	ok := true
	for _, n := range list {
		m, err := d.Read(n)
		if err != nil {
			ok = false
			fmt.Fprintf(w, "  %d\t\t\t\t\t%v\n", n, err)
			continue
		}
		bytes, keys := int64(0), int64(0)
		for _, f := range m.Files {
			bytes += f.Bytes
		}
		for _, v := range m.Vertices {
			keys += v.Keys
		}
		remark := ""
		switch {
		case m.Final:
			remark = "the job has ended"
		case m.Savepoint:
			remark = "savepoint"
		}
		fmt.Fprintf(w, "  %d\t%s\t%d\t%s\t%d\t%s\n", n, time.UnixMilli(m.Made).UTC().Format("2006-01-02 15:04:05"), len(m.Files), byteSize(bytes), keys, remark)
	}
	_ = w.Flush()
	return ok
}

func showCheckpoints(d *checkpoint.Dir, list []uint64) bool {
	if len(list) == 0 {
		return true
	}
	m, err := d.Read(list[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return false
	}
	fmt.Printf("checkpoint %d of job %s, %s\nformat %d, made %s\n", m.N, m.Job, d.Path(), m.Version, time.UnixMilli(m.Made).UTC().Format(time.RFC3339))
	for _, s := range m.Sources {
		done := 0
		for _, x := range s.Splits {
			if x.Done {
				done++
			}
		}
		fmt.Printf("source %s: %d splits, %d of them read to the end\n", s.Table, len(s.Splits), done)
	}
	bytes := map[state.Identity]int64{}
	ok := true
	for _, f := range m.Files {
		if err := d.Blocks(f, func(b state.Block) error { bytes[b.Identity] += int64(len(b.Data)); return nil }); err != nil {
			fmt.Fprintf(os.Stderr, "error: %v\n", err)
			ok = false
		}
	}
	kept := m.Kept()
	for _, v := range m.Vertices {
		if len(v.Tables) == 0 {
			continue
		}
		fmt.Printf("%s: %d keys, %s, parallelism %d\n", v.Text, v.Keys, byteSize(bytes[v.Identity]), len(v.Subtasks))
		for _, k := range kept {
			if k.Vertex.Identity == v.Identity {
				fmt.Printf("  %s: %s\n", k.Name, k.Table.Layout)
			}
		}
	}
	for _, s := range m.Sinks {
		fmt.Printf("sink %s: %d results prepared\n", s.Table, len(s.Pending))
	}
	return ok
}

func verifyCheckpoints(d *checkpoint.Dir, list []uint64) bool {
	ok := true
	for _, n := range list {
		m, err := d.Check(n)
		if err != nil {
			fmt.Printf("%s: %v\n", d.Path(), err)
			ok = false
			continue
		}
		bytes := int64(0)
		for _, f := range m.Files {
			bytes += f.Bytes
		}
		fmt.Printf("%s: checkpoint %d is whole (%d files, %s)\n", d.Path(), n, len(m.Files), byteSize(bytes))
	}
	return ok
}
