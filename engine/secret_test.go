package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// SET lists names of secrets, not their values; SHOW CREATE shows everything, as in Flink,
// so that it can be run.
func TestSecretSettings(t *testing.T) {
	out := &lines{}
	err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "s", Text: "SET 's3.secret-key' = 'geheim'; SET 's3.access-key' = 'me'; SET;" +
		"CREATE TABLE j (a INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:mysql://h/d', 'table-name' = 't', 'password' = 'offen'); SHOW CREATE TABLE j;"}, out)
	text := strings.Join(out.rows, "\n")
	if err != nil || strings.Contains(text, "geheim") || !strings.Contains(text, "s3.secret-key|******") || !strings.Contains(text, "s3.access-key|me") || !strings.Contains(text, "'password' = 'offen'") {
		t.Errorf("%v\n%s", err, text)
	}
}
