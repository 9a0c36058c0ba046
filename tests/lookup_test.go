package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestNexmarkLookup runs q13, which Flink can't (its filesystem tables aren't looked
// up): the side table has i under i, so each bid's value is known.
func TestNexmarkLookup(t *testing.T) {
	t.Chdir("..")
	text, err := os.ReadFile("examples/nexmark/q13.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "q13", Text: string(text)}, &sink{w: &out}); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var row struct {
			Auction int64
			Value   int64 `json:"value,string"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if row.Value != row.Auction%10000 {
			t.Fatalf("auction %d has value %d", row.Auction, row.Value)
		}
		rows++
	}
	if bids := 200000 / 50 * 46; rows != bids {
		t.Errorf("%d rows of %d bids", rows, bids)
	}
}
