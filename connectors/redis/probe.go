package redis

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/connectors"
)

// Probe looks whether the server answers and takes the commands of a sink: they are
// queued in a transaction that is given up, for the server refuses what the user may
// not do, and what a replica doesn't take, when a command is queued.
func (s *sink) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	c, err := s.open(ctx)
	if err != nil {
		f.Fail(err)
		return f
	}
	defer c.Close()
	f.See("%s answers", s.options.Addr)
	conn := c.Conn()
	defer conn.Close()
	key := s.prefix + "?"
	refused := false
	for _, args := range [][]any{{"MULTI"}, {"DEL", key}, {"HSET", key, "f", "v"}, {"DISCARD"}} {
		if err := conn.Do(ctx, args...).Err(); err != nil && !(refused && args[0] == "DISCARD") {
			f.Fail(s.fault(err))
			refused = true
		}
	}
	if !refused {
		f.See("this user may write keys that begin with %q", s.prefix)
	}
	return f
}

// Probe looks whether the server answers and lets this user read hashes.
func (l *lookup) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	c, err := l.open(ctx)
	if err != nil {
		f.Fail(err)
		return f
	}
	defer c.Close()
	f.See("%s answers", l.options.Addr)
	keys, _, err := c.Scan(ctx, 0, glob.Replace(l.prefix)+"*", 1000).Result()
	if err != nil && !redis.HasErrorPrefix(err, "NOPERM") { // the job itself needs no SCAN
		f.Fail(l.fault(err))
		return f
	}
	key := l.prefix + "?"
	if len(keys) > 0 {
		key = keys[0]
	}
	switch err := c.HGetAll(ctx, key).Err(); {
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		f.Fail(l.notHash(key))
	case err != nil:
		f.Fail(l.fault(err))
	default:
		f.See("this user may read keys that begin with %q", l.prefix)
	}
	return f
}

// glob quotes what SCAN's patterns take for wildcards.
var glob = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`)
