package engine

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
)

const simulated = `
CREATE TABLE nexmark (
  event_type INT,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, ` + "`dateTime`" + ` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, ` + "`dateTime`" + ` TIMESTAMP(3), extra STRING>,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, ` + "`dateTime`" + ` TIMESTAMP(3), extra STRING>,
  ts AS %sCASE WHEN event_type = 0 THEN person.` + "`dateTime`" + ` WHEN event_type = 1 THEN auction.` + "`dateTime`" + ` ELSE bid.` + "`dateTime`" + ` END%s,
  pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '600', 'splits' = '%s', 'first-event.rate' = '100');
CREATE TABLE names (id BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = 'testdata/names.csv', 'format' = 'csv');
CREATE VIEW bid AS SELECT 1000 + MOD(bid.bidder + bid.price, 40) AS auction, bid.bidder, bid.price, ts, pt FROM nexmark WHERE event_type = 2;
CREATE VIEW auction AS SELECT auction.id, auction.category, ts FROM nexmark WHERE event_type = 1;
`

// simulatedJobs are the operators, each in a job whose result doesn't hang on the
// order in which rows of different splits arrive.
//
// Those that act on event time read one split: with two that are read one after the
// other, all rows of the second are late.
var simulatedJobs = []struct{ name, columns, query string }{
	{"calc", "a BIGINT, b BIGINT", "SELECT auction, price FROM bid WHERE MOD(auction, 3) = 1"},
	{"group", "a BIGINT, b BIGINT, c BIGINT", "SELECT bidder, COUNT(*), SUM(price) FROM bid GROUP BY bidder"},
	{"distinct", "a BIGINT, b BIGINT, c BIGINT", "SELECT MOD(bidder, 10), COUNT(DISTINCT auction), MAX(price) FROM bid GROUP BY MOD(bidder, 10)"},
	{"twice", "a BIGINT, b BIGINT", "SELECT c, COUNT(*) FROM (SELECT bidder, COUNT(*) AS c FROM bid GROUP BY bidder) GROUP BY c"},
	{"join", "a BIGINT, b BIGINT, c BIGINT", "SELECT a.id, a.category, b.price FROM auction a JOIN bid b ON a.id = b.auction"},
	{"outer", "a BIGINT, b BIGINT, c BIGINT", "SELECT b.auction, a.category, b.price FROM bid b LEFT JOIN auction a ON a.id = b.auction"},
	{"top-n", "a BIGINT, b BIGINT, c BIGINT", "SELECT auction, bidder, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, bidder, ts) AS rn FROM bid) WHERE rn <= 2"},
	{"tumble", "a BIGINT, w TIMESTAMP(3), c BIGINT", "SELECT auction, window_start, COUNT(*) FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY auction, window_start, window_end"},
	{"hop", "a BIGINT, w TIMESTAMP(3), c BIGINT", "SELECT auction, window_start, COUNT(*) FROM HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '2' SECOND) GROUP BY auction, window_start, window_end"},
	{"session", "a BIGINT, w TIMESTAMP(3), c BIGINT", "SELECT bidder, window_start, COUNT(*) FROM SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY bidder, window_start, window_end"},
	{"interval", "a BIGINT, b BIGINT", "SELECT a.id, b.price FROM auction a JOIN bid b ON a.id = b.auction AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '2' SECOND"},
	{"window-join", "a BIGINT, b BIGINT", "SELECT a.id, b.price FROM (SELECT * FROM TUMBLE(TABLE auction, DESCRIPTOR(ts), INTERVAL '1' SECOND)) a JOIN (SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND)) b ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.id = b.auction"},
	{"over", "a BIGINT, b BIGINT", "SELECT bidder, SUM(price) OVER (PARTITION BY bidder ORDER BY ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW) FROM bid"},
	{"first", "a BIGINT, b BIGINT, c BIGINT", "SELECT bidder, auction, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder ORDER BY ts) AS rn FROM bid) WHERE rn = 1"},
	{"match", "a BIGINT, b BIGINT, c BIGINT", "SELECT bidder, p, n FROM bid MATCH_RECOGNIZE (PARTITION BY bidder ORDER BY ts MEASURES A.price AS p, LAST(B.price) AS n ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B+ C) DEFINE B AS B.price > A.price, C AS C.price <= A.price) AS m"},
	{"set", "a BIGINT", "SELECT auction FROM bid INTERSECT SELECT id FROM auction"},
	{"look-up", "a BIGINT, b BIGINT, n STRING", "SELECT /*+ LOOKUP('table'='n', 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='3ms', 'max-attempts'='3') */ b.auction, b.price, n.name " +
		"FROM bid b LEFT JOIN names FOR SYSTEM_TIME AS OF b.pt AS n ON MOD(b.auction, 10) = n.id"},
	{"two sinks", "a BIGINT, b BIGINT", "SELECT auction, COUNT(*) FROM bid GROUP BY auction;\nINSERT INTO r2 SELECT bidder, price FROM bid WHERE MOD(auction, 2) = 1"},
}

// late makes bids come out of order: a tenth is half a second behind, which is waited
// for, and a tenth three seconds.
const late = "TIMESTAMPADD(MILLISECOND, CASE MOD(COALESCE(bid.price, 0), 10) WHEN 7 THEN -3000 WHEN 3 THEN -500 ELSE 0 END, "

// simulations is how many different jobs there are: each, and each with such rows.
func simulations() int { return 2 * len(simulatedJobs) }

func simulation(i int, parallelism int) (*Simulation, string) {
	x := simulatedJobs[i%len(simulatedJobs)]
	splits, open, end := "2", "", ""
	name := x.name
	if i/len(simulatedJobs)%2 == 1 {
		if x.name == "interval" || x.name == "window-join" {
			parallelism = 1 // else which rows are late hangs on which of the two inputs comes first
		}
		name, open, end = name+", late", late, ")"
	}
	if strings.Contains(x.query, "ts") && x.name != "top-n" {
		splits = "1"
	}
	text := fmt.Sprintf(simulated, open, end, splits) + fmt.Sprintf("CREATE TABLE r (%s) WITH ('connector' = 'blackhole');\nCREATE TABLE r2 WITH ('connector' = 'blackhole') LIKE r (EXCLUDING ALL);\nEXECUTE STATEMENT SET BEGIN\nINSERT INTO r %s;\nEND;\n", x.columns, x.query)
	return &Simulation{Config: Config{Options: map[string]string{"parallelism.default": strconv.Itoa(parallelism), "pipeline.name": "j"}}, Sources: []*sqlerr.Source{{Name: name, Text: text}}}, name
}

// TestSimulate runs seeds over the operators: SIM_SEEDS of them, or as many as go
// into SIM_SECONDS.
func TestSimulate(t *testing.T) {
	seeds, budget := 40, time.Duration(0)
	if v := os.Getenv("SIM_SEEDS"); v != "" {
		seeds, _ = strconv.Atoi(v)
	}
	if v := os.Getenv("SIM_SECONDS"); v != "" {
		n, _ := strconv.Atoi(v)
		seeds, budget = 1<<30, time.Duration(n)*time.Second
	}
	want := map[string]string{}
	began := time.Now()
	ran, wrong, kills, between, steps, spilled, saved := 0, 0, 0, 0, 0, 0, 0
	for i := 0; i < seeds && (budget == 0 || time.Since(began) < budget); i++ {
		s, name := simulation(i, 1+i/simulations()%3)
		if i%3 == 1 {
			s.Config.Options["millrace.spill"], spilled = "always", spilled+1
		}
		if want[name] == "" {
			w, err := s.Expect(context.Background())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if want[name] = w; w == "" {
				t.Fatalf("%s has no result", name)
			}
		}
		out, err := s.Seed(context.Background(), int64(i), want[name])
		if err != nil {
			t.Fatal(err)
		}
		if out.Diff != "" {
			wrong++
			t.Errorf("%s, seed %d, parallelism %s: %s", name, i, s.Config.Options["parallelism.default"], out.Diff)
			if wrong == 10 {
				break
			}
		}
		ran, kills, between, steps, saved = ran+1, kills+out.Kills, between+out.Between, steps+out.Steps, saved+out.Savepoints
	}
	t.Logf("%d seeds, %d of them with state on disk, %d kills, %d of them between prepare and commit, %d savepoints gone on from, %d steps", ran, spilled, kills, between, saved, steps)
}

// TestSimulateFinds plants faults: each must be found by some seed.
func TestSimulateFinds(t *testing.T) {
	for _, plant := range []job.Plant{job.PlantAlignment, job.PlantManifest, job.PlantCommit, job.PlantSavepoint} {
		t.Run(string(plant), func(t *testing.T) {
			want := map[string]string{}
			for seed := int64(0); seed < 300; seed++ {
				s, name := simulation(1+int(seed)%6, 2) // those with two splits and state, group to top-n
				if want[name] == "" {
					var err error
					if want[name], err = s.Expect(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				s.Plant = plant
				out, err := s.Seed(context.Background(), seed, want[name])
				if err != nil {
					t.Fatal(err)
				}
				if out.Diff != "" && out.Err == nil { // wrong rows, not a job that fails
					t.Logf("found by seed %d, %s: %s", seed, name, strings.SplitN(out.Diff, "\n", 2)[0])
					return
				}
			}
			t.Error("300 seeds don't find it")
		})
	}
}
