package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestNexmarkDrops compares all of cep3's 200,000 events, of which Flink's answer can't
// be had, with a loop over each partition's bids: from each bid that isn't in a match
// yet on while prices stay above the first less 50, to one below, within five seconds.
func TestNexmarkDrops(t *testing.T) {
	text, err := os.ReadFile("../examples/nexmark/cep3.sql")
	if err != nil {
		t.Fatal(err)
	}
	tables, query, ok := strings.Cut(string(text), "\nSELECT *")
	if !ok {
		t.Fatal("cep3 has no SELECT *")
	}
	ask := func(query string) []string {
		var out bytes.Buffer
		if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "cep3", Text: tables + "\nSELECT " + query}, &sink{w: &out}); err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
	type bid struct {
		Auction, Bidder, Price int64
		DateTime               string `json:"dateTime"`
		at                     time.Time
	}
	parts := map[[2]int64][]bid{}
	for _, line := range ask("auction, bidder, price, `dateTime` FROM bid;") {
		var b bid
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatal(err)
		}
		if b.at, err = time.Parse("2006-01-02 15:04:05.000", b.DateTime); err != nil {
			t.Fatal(err)
		}
		k := [2]int64{b.Auction, b.Bidder}
		parts[k] = append(parts[k], b)
	}
	var want []string
	for _, p := range parts {
		sort.SliceStable(p, func(i, j int) bool { return p[i].at.Before(p[j].at) })
		for a := 0; a < len(p); a++ {
			for c := a + 1; c < len(p) && p[c].at.Sub(p[a].at) < 5*time.Second && p[c].Price != p[a].Price-50; c++ {
				if p[c].Price < p[a].Price-50 {
					want = append(want, fmt.Sprintf(`{"auction":%d,"bidder":%d,"start_time":"%s","drop_time":"%s","dropped":%d}`, p[a].Auction, p[a].Bidder, p[a].DateTime, p[c].DateTime, p[a].Price-p[c].Price))
					a = c
					break
				}
			}
		}
	}
	got := ask("*" + query)
	sort.Strings(got)
	sort.Strings(want)
	if len(got) != len(want) {
		t.Fatalf("%d matches, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("match %d: %s, want %s", i, got[i], want[i])
		}
	}
	t.Logf("%d matches", len(got))
}
