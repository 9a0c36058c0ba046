package services

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestRealRedisKilled kills a job that keeps groups in Redis at random points and starts
// it again until its input has ended; then the hashes must be the groups, those that came
// and went gone. CRASH_KILLS is how many kills, over as many jobs as that takes.
func TestRealRedisKilled(t *testing.T) {
	addr := Need(t, "redis")
	const rows, groups, db = 300_000, 5_003, 8
	k := newKiller(t)
	c := redis.NewClient(&redis.Options{Addr: addr, DB: db})
	defer c.Close()
	ctx := context.Background()
	var input bytes.Buffer
	count, sum := [groups]int{}, [groups]int{}
	for i := range rows {
		g, v := k.random.Intn(groups), i%97
		fmt.Fprintf(&input, `{"g":%d,"v":%d}`+"\n", g, v)
		count[g]++
		sum[g] += v
	}
	resumed := 0
	for job := 0; k.killed < k.kills; job++ {
		if err := c.FlushDB(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		script := filepath.Join(dir, "job.sql")
		text := fmt.Sprintf(`
CREATE TABLE input (g INT, v INT) WITH ('connector' = 'filesystem', 'path' = '%s/input.json', 'format' = 'json');
CREATE TABLE kept (g INT, n BIGINT, s BIGINT, PRIMARY KEY (g) NOT ENFORCED) WITH ('connector' = 'redis', 'url' = 'redis://%s/%d', 'key-prefix' = 'g:');
INSERT INTO kept SELECT g, COUNT(*), SUM(v) FROM input GROUP BY g HAVING MOD(COUNT(*), 3) <> 0;
`, dir, addr, db)
		for name, content := range map[string][]byte{"job.sql": []byte(text), "input.json": input.Bytes()} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, said := range k.run(t, dir, script) {
			if strings.Contains(said, "goes on from checkpoint") {
				resumed++
			}
		}
		stay := 0
		for g := range groups {
			want := map[string]string{"n": strconv.Itoa(count[g]), "s": strconv.Itoa(sum[g])}
			if count[g]%3 == 0 {
				want = map[string]string{}
			} else {
				stay++
			}
			if got := c.HGetAll(ctx, fmt.Sprintf("g:%d", g)).Val(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("job %d, %d kills: group %d is %v, want %v", job, k.killed, g, got, want)
			}
		}
		if n := c.DBSize(ctx).Val(); int(n) != stay || stay == groups {
			t.Fatalf("job %d, %d kills: %d hashes of %d groups, want %d", job, k.killed, n, groups, stay)
		}
		t.Logf("job %d: %d kills so far, %d runs went on from a checkpoint; %d of %d groups stay", job, k.killed, resumed, stay, groups)
	}
	c.FlushDB(ctx)
}
