// Command record asks a real Flink what it makes of every function on edge values
// and keeps the answers as files, one per group, that the tests compare without
// Flink.
//
//	record -flink CMD [-to DIR] [-only REGEX]    REGEX is matched with "group: call"
//
// CMD is called with the path of a SQL script and prints the query's changelog as
// JSON lines. For each line of calls.txt 30 tuples are drawn from the pools of
// pools.go, the same for the same line; one statement computes them as columns of
// a VALUES list. A statement that fails is halved until the failing rows are
// known.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

//go:embed calls.txt
var calls string

// tuples is how many are drawn for each call.
const tuples = 30

// call is a line of calls.txt: an expression with {pool} for its arguments.
type call struct {
	group, text string
	pools       []string
	expr        string // with a, b, c.. for the arguments
	rows        [][]string
	result      string // its type
	answers     []string
	err         error
}

var slot = regexp.MustCompile(`\{(\w+)\}`)

func main() {
	flink := flag.String("flink", "", "the command that asks Flink")
	dir := flag.String("to", "tests/flink/functions", "where the answers go")
	only := flag.String("only", "", "only calls that match")
	flag.Parse()
	if *flink == "" {
		fmt.Fprintln(os.Stderr, "say how to ask Flink: record -flink CMD")
		os.Exit(2)
	}
	if err := run(*flink, *dir, *only); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(flink, dir, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	var groups []string
	byGroup := map[string][]*call{}
	var all []*call
	group := ""
	for _, line := range strings.Split(calls, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "--"):
		case strings.HasPrefix(line, "# "):
			group = line[2:]
			groups = append(groups, group)
		default:
			c, err := newCall(group, line)
			if err != nil {
				return err
			}
			if pattern.MatchString(group + ": " + line) {
				all = append(all, c)
			}
			byGroup[group] = append(byGroup[group], c)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, g := range groups {
		var asked []*call
		for _, c := range all {
			if c.group == g {
				asked = append(asked, c)
			}
		}
		if len(asked) == 0 {
			continue
		}
		ask(flink, asked)
		for _, c := range asked {
			if c.err != nil {
				return c.err
			}
		}
		if err := write(filepath.Join(dir, g+".txt"), byGroup[g], only == ""); err != nil {
			return err
		}
	}
	return nil
}

// newCall draws the tuples of a line. Each argument is NULL once while the others
// aren't.
func newCall(group, line string) (*call, error) {
	c := &call{group: group, text: line}
	n := 0
	c.expr = slot.ReplaceAllStringFunc(line, func(s string) string {
		c.pools = append(c.pools, s[1:len(s)-1])
		n++
		return string(rune('a' + n - 1))
	})
	h := fnv.New64a()
	h.Write([]byte(line))
	r := rand.New(rand.NewSource(int64(h.Sum64())))
	for _, p := range c.pools {
		if len(pools[p].values) == 0 {
			return nil, fmt.Errorf("%s: there is no pool %s", line, p)
		}
	}
	want := tuples
	if len(c.pools) == 0 {
		want = 1
	} else if len(c.pools) == 1 {
		p := pools[c.pools[0]]
		want = min(tuples, len(p.values)+len(p.more)+1)
	}
	for k := 0; len(c.rows) < want; k++ {
		row := make([]string, len(c.pools))
		for i, p := range c.pools {
			v := pools[p].values
			switch {
			case k < len(c.pools) && i == k:
				row[i] = "NULL"
			case len(c.pools) == 1:
				row[i] = append(v[:len(v):len(v)], pools[p].more...)[k-1]
			default:
				row[i] = v[r.Intn(len(v))]
			}
		}
		c.rows = append(c.rows, row)
	}
	return c, nil
}

// query is the statement for some rows.
func (c *call) query(rows []int, expr string) string {
	var b strings.Builder
	if c.group == "temporal" {
		b.WriteString("SET 'table.local-time-zone' = 'Europe/Berlin';\n")
	}
	names := []string{"i"}
	for k := range c.pools {
		names = append(names, string(rune('a'+k)))
	}
	fmt.Fprintf(&b, "SELECT i, %s AS r FROM (VALUES ", expr)
	for n, i := range rows {
		if n > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d", i)
		for k, v := range c.rows[i] {
			fmt.Fprintf(&b, ", CAST(%s AS %s)", v, pools[c.pools[k]].typ)
		}
		b.WriteString(")")
	}
	fmt.Fprintf(&b, ") AS t(%s);\n", strings.Join(names, ", "))
	return b.String()
}

func ask(flink string, all []*call) {
	work := make(chan *call)
	var wait sync.WaitGroup
	for range 2 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for c := range work {
				c.ask(flink)
				fmt.Fprintf(os.Stderr, "%s: %s\n", c.text, c.result)
			}
		}()
	}
	for _, c := range all {
		work <- c
	}
	close(work)
	wait.Wait()
}

func (c *call) ask(flink string) {
	c.answers = make([]string, len(c.rows))
	rows := make([]int, len(c.rows))
	for i := range rows {
		rows[i] = i
	}
	c.halve(flink, rows)
	// The type wants no value: the first row, or the last where that one fails.
	for _, i := range []int{0, len(rows) - 1} {
		out, ok := c.script(flink, c.query([]int{i}, "TYPEOF("+c.expr+")"))
		if ok && len(out) == 1 {
			json.Unmarshal(out[i], &c.result)
			break
		}
	}
}

// halve asks for rows and, where that fails, for either half.
func (c *call) halve(flink string, rows []int) {
	if c.err != nil {
		return
	}
	out, ok := c.script(flink, c.query(rows, c.expr))
	if ok {
		for _, i := range rows {
			c.answers[i] = string(out[i])
		}
		return
	}
	if len(rows) == 1 {
		c.answers[rows[0]] = "error"
		return
	}
	c.halve(flink, rows[:len(rows)/2])
	c.halve(flink, rows[len(rows)/2:])
}

// script runs a script and gives the second column by the first; ok is false when
// Flink refuses it or fails. When it isn't Flink's answer at all, c.err says so.
func (c *call) script(flink, text string) (rows map[int]json.RawMessage, ok bool) {
	f, err := os.CreateTemp("", "record*.sql")
	if err != nil {
		return nil, false
	}
	defer os.Remove(f.Name())
	f.WriteString(text)
	f.Close()
	out, err := exec.Command(flink, f.Name()).Output()
	if err != nil {
		x, is := err.(*exec.ExitError)
		if !is || x.ExitCode() != 1 || bytes.Contains(x.Stderr, []byte("NoResourceAvailable")) {
			c.err = fmt.Errorf("%s: Flink doesn't answer: %v", c.text, err)
		}
		return nil, false
	}
	rows = map[int]json.RawMessage{}
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var line struct {
			Row struct {
				I int             `json:"i"`
				R json.RawMessage `json:"r"`
			}
		}
		if json.Unmarshal(s.Bytes(), &line) == nil {
			rows[line.Row.I] = line.Row.R
		}
	}
	return rows, true
}

// write puts a group's answers into its file. Unless whole, calls that weren't
// asked keep what the file has.
func write(path string, cs []*call, whole bool) error {
	old := map[string]string{}
	if !whole {
		text, _ := os.ReadFile(path)
		for _, block := range strings.Split(string(text), "\n\n") {
			head, _, _ := strings.Cut(strings.TrimSpace(block), "\n")
			old[head] = strings.TrimSpace(block)
		}
	}
	var b strings.Builder
	for _, c := range cs {
		if c.answers == nil {
			if kept := old[c.expr]; kept != "" {
				b.WriteString(kept + "\n\n")
			}
			continue
		}
		fmt.Fprintln(&b, c.expr)
		for k, p := range c.pools {
			fmt.Fprintf(&b, "%c %s\n", 'a'+k, pools[p].typ)
		}
		fmt.Fprintf(&b, "type %s\n", c.result)
		for i, row := range c.rows {
			fmt.Fprintf(&b, "%s => %s\n", strings.Join(row, " | "), c.answers[i])
		}
		b.WriteByte('\n')
	}
	return os.WriteFile(path, []byte(strings.TrimSpace(b.String())+"\n"), 0o644)
}
