package tests

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestOrdersExample runs examples/orders and checks that no order is lost but the
// late ones: each window's count adds up.
func TestOrdersExample(t *testing.T) {
	t.Chdir("..")
	text, err := os.ReadFile("examples/orders/job.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "job.sql", Text: string(text)}, &sink{w: &out}); err != nil {
		t.Fatal(err)
	}
	const windows, customers = 7, 5
	if n := bytes.Count(out.Bytes(), []byte("\n")); n < (windows-1)*customers || n > windows*customers {
		t.Errorf("%d rows:\n%s", n, out.String())
	}
}
