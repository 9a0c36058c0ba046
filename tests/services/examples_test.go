package services

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealExampleKafkaToKafka runs the example on topics of its own.
func TestRealExampleKafkaToKafka(t *testing.T) {
	addr := Need(t, "kafka")
	text, err := os.ReadFile("../../examples/kafka-to-kafka/job.sql")
	if err != nil {
		t.Fatal(err)
	}
	run := fmt.Sprintf("example-%d-", time.Now().UnixNano())
	newTopic(t, addr, run+"orders", 3)
	newTopic(t, addr, run+"orders-per-minute", 2)
	sql := strings.NewReplacer("127.0.0.1:39092", addr, "= 'orders", "= '"+run+"orders").Replace(string(text))
	script := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(script, []byte(sql), 0o666); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(millrace(t), "run", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if want := `{"customers":20,"minutes":168,"orders":100000}`; !strings.Contains(string(said), want) {
		t.Fatalf("%s\nwant %s", said, want)
	}
}

// TestRealExampleKafkaToMySQL runs the example on topics of its own.
func TestRealExampleKafkaToMySQL(t *testing.T) {
	addr := Need(t, "kafka")
	for _, name := range []string{"mysql", "mariadb"} {
		t.Run(name, func(t *testing.T) {
			at := Need(t, name)
			tables, err := os.Open("../../examples/kafka-to-mysql/tables.sql")
			if err != nil {
				t.Fatal(err)
			}
			defer tables.Close()
			fill := exec.Command("../../scripts/services", "sql", name)
			fill.Stdin = tables
			if said, err := fill.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			text, err := os.ReadFile("../../examples/kafka-to-mysql/job.sql")
			if err != nil {
				t.Fatal(err)
			}
			topic := fmt.Sprintf("example-%d-shop-orders", time.Now().UnixNano())
			newTopic(t, addr, topic, 2)
			sql := strings.NewReplacer("127.0.0.1:39092", addr, "127.0.0.1:39308", at, "'shop-orders'", "'"+topic+"'").Replace(string(text))
			script := filepath.Join(t.TempDir(), "job.sql")
			if err := os.WriteFile(script, []byte(sql), 0o666); err != nil {
				t.Fatal(err)
			}
			said, err := exec.Command(millrace(t), "run", script).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if want := `{"countries":3,"orders":10000}`; !strings.Contains(string(said), want) {
				t.Fatalf("%s\nwant %s", said, want)
			}
		})
	}
}
