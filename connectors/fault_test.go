package connectors

import (
	"errors"
	"testing"
)

func TestOfTable(t *testing.T) {
	cause := errors.New("no such file")
	once := OfTable("table", "c.d.t", cause)
	if once.Error() != "table c.d.t: no such file" || !errors.Is(once, cause) {
		t.Error(once)
	}
	if twice := OfTable("sink", "c.d.t", once); twice != once {
		t.Error(twice)
	}
	if other := OfTable("sink", "c.d.t2", once); other.Error() != "sink c.d.t2: table c.d.t: no such file" {
		t.Error(other)
	}
	if OfTable("table", "t", nil) != nil {
		t.Error("an error was made")
	}
}
