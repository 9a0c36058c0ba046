package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/millrace/millrace/formats"
)

// memoryLimit reads --memory. Without it the limit is three quarters of what the
// cgroup or the machine has, 0 (none) where neither says. The garbage collector
// works harder from there on.
func memoryLimit(flag string) (int64, error) {
	limit := available() / 4 * 3
	if flag != "" {
		var err error
		if limit, err = formats.ParseMemory(flag); err != nil || limit <= 0 {
			return 0, fmt.Errorf("--memory %s: expected a size such as 512mb or 4gb", flag)
		}
	}
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	return limit, nil
}

// available is the memory this process may use, in bytes: the cgroup's limit, or
// what the machine has; 0 when unknown.
func available() int64 {
	least := int64(0)
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && n < 1<<50 {
			least = n
		}
	}
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return least
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "MemTotal:" {
			continue
		}
		if kb, err := strconv.ParseInt(fields[1], 10, 64); err == nil && (least == 0 || kb<<10 < least) {
			least = kb << 10
		}
	}
	return least
}
