package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestTPCH runs TPC-H's queries in batch mode on small tables and compares the rows,
// in order, with the answers kept in tpch, which are DuckDB's over the same rows (to
// four digits behind the point; the types are ours).
func TestTPCH(t *testing.T) {
	dir := t.TempDir()
	makeTPCH(t, dir, 1)
	tables, err := os.ReadFile("tpch/tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 22; n++ {
		name := fmt.Sprintf("q%d", n)
		t.Run(name, func(t *testing.T) {
			query, err := os.ReadFile("tpch/" + name + ".sql")
			if err != nil {
				t.Fatal(err)
			}
			script := strings.ReplaceAll(string(tables), "${DATA}", dir) + string(query)
			want, err := os.ReadFile("tpch/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: name, Text: script}, &sink{w: &out}); err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}

// tpch draws the benchmark's tables: its shapes and words, few rows, so drawn that
// every query finds some.
type tpch struct {
	*rand.Rand
	t   *testing.T
	dir string
}

func (g *tpch) pick(words ...string) string { return words[g.Intn(len(words))] }

func (g *tpch) money(max int) json.Number {
	return json.Number(fmt.Sprintf("%d.%02d", g.Intn(max), g.Intn(100)))
}

func (g *tpch) words() string {
	var w []string
	for range 3 + g.Intn(4) {
		w = append(w, g.pick("special", "pending", "requests", "deposits", "Customer", "Complaints", "furiously", "express", "ironic", "packages"))
	}
	return strings.Join(w, " ")
}

func (g *tpch) phone(nation int) string {
	return fmt.Sprintf("%d-%03d-%03d-%04d", nation+10, g.Intn(1000), g.Intn(1000), g.Intn(10000))
}

func day(n int) string {
	return time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format("2006-01-02")
}

func (g *tpch) table(name string, n int, row func(i int) []map[string]any) {
	var b bytes.Buffer
	for i := range n {
		for _, r := range row(i) {
			line, err := json.Marshal(r)
			if err != nil {
				g.t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
	}
	if err := os.WriteFile(filepath.Join(g.dir, name+".json"), b.Bytes(), 0o666); err != nil {
		g.t.Fatal(err)
	}
}

func makeTPCH(t *testing.T, dir string, seed int64) {
	g := &tpch{Rand: rand.New(rand.NewSource(seed)), t: t, dir: dir}
	const suppliers, customers, parts, orders = 40, 150, 200, 1500
	regions := []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}
	nations := []string{"ALGERIA", "ARGENTINA", "BRAZIL", "CANADA", "EGYPT", "ETHIOPIA", "FRANCE", "GERMANY", "INDIA", "INDONESIA", "IRAN", "IRAQ", "JAPAN", "JORDAN", "KENYA",
		"MOROCCO", "MOZAMBIQUE", "PERU", "CHINA", "ROMANIA", "SAUDI ARABIA", "VIETNAM", "RUSSIA", "UNITED KINGDOM", "UNITED STATES"}
	regionOf := []int{0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1}
	few := []int{2, 3, 6, 7, 8, 12, 18, 20} // most suppliers and customers come from here
	nation := func() int {
		if g.Intn(4) == 0 {
			return g.Intn(25)
		}
		return few[g.Intn(len(few))]
	}
	g.table("region", 5, func(i int) []map[string]any {
		return []map[string]any{{"r_regionkey": i, "r_name": regions[i], "r_comment": g.words()}}
	})
	g.table("nation", 25, func(i int) []map[string]any {
		return []map[string]any{{"n_nationkey": i, "n_name": nations[i], "n_regionkey": regionOf[i], "n_comment": g.words()}}
	})
	g.table("supplier", suppliers, func(i int) []map[string]any {
		n := nation()
		return []map[string]any{{"s_suppkey": i + 1, "s_name": fmt.Sprintf("Supplier#%09d", i+1), "s_address": g.words(), "s_nationkey": n, "s_phone": g.phone(n), "s_acctbal": g.money(9999), "s_comment": g.words()}}
	})
	g.table("customer", customers, func(i int) []map[string]any {
		n := nation()
		return []map[string]any{{"c_custkey": i + 1, "c_name": fmt.Sprintf("Customer#%09d", i+1), "c_address": g.words(), "c_nationkey": n, "c_phone": g.phone(n), "c_acctbal": g.money(9999),
			"c_mktsegment": g.pick("AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"), "c_comment": g.words()}}
	})
	g.table("part", parts, func(i int) []map[string]any {
		return []map[string]any{{"p_partkey": i + 1, "p_name": g.pick("forest", "green", "almond", "azure") + " " + g.pick("green", "lace", "navy", "plum"), "p_mfgr": "Manufacturer#1",
			"p_brand": g.pick("Brand#12", "Brand#23", "Brand#34", "Brand#45"), "p_type": g.pick("ECONOMY ANODIZED STEEL", "MEDIUM POLISHED BRASS", "PROMO PLATED BRASS", "SMALL BURNISHED TIN"),
			"p_size": []int{1, 3, 5, 9, 14, 15, 23, 49}[g.Intn(8)], "p_container": g.pick("SM CASE", "SM BOX", "MED BOX", "MED BAG", "LG CASE", "LG BOX"), "p_retailprice": g.money(2000), "p_comment": g.words()}}
	})
	g.table("partsupp", parts, func(i int) []map[string]any {
		var rows []map[string]any
		for k := range 4 {
			rows = append(rows, map[string]any{"ps_partkey": i + 1, "ps_suppkey": (i+k*10)%suppliers + 1, "ps_availqty": g.Intn(100), "ps_supplycost": g.money(1000), "ps_comment": g.words()})
		}
		return rows
	})
	g.orders(orders, customers, parts, suppliers)
}

// orders draws orders and their line items; a third of the customers have none.
func (g *tpch) orders(orders, customers, parts, suppliers int) {
	var items []map[string]any
	g.table("orders", orders, func(i int) []map[string]any {
		date := g.Intn(2400)
		for n := range 1 + g.Intn(7) {
			ship := date + 1 + g.Intn(120)
			part := g.Intn(parts)
			items = append(items, map[string]any{"l_orderkey": i + 1, "l_partkey": part + 1, "l_suppkey": (part+g.Intn(4)*10)%suppliers + 1, "l_linenumber": n + 1,
				"l_quantity": 1 + g.Intn(50), "l_extendedprice": g.money(90000), "l_discount": json.Number(fmt.Sprintf("0.%02d", g.Intn(11))), "l_tax": json.Number(fmt.Sprintf("0.%02d", g.Intn(9))),
				"l_returnflag": g.pick("R", "A", "N"), "l_linestatus": g.pick("O", "F"), "l_shipdate": day(ship), "l_commitdate": day(date + 30 + g.Intn(60)), "l_receiptdate": day(ship + 1 + g.Intn(30)),
				"l_shipinstruct": g.pick("DELIVER IN PERSON", "COLLECT COD"), "l_shipmode": g.pick("MAIL", "SHIP", "AIR", "AIR REG", "TRUCK"), "l_comment": g.words()})
		}
		return []map[string]any{{"o_orderkey": i + 1, "o_custkey": g.Intn(customers/3*2) + 1, "o_orderstatus": g.pick("F", "O", "P"), "o_totalprice": g.money(500000), "o_orderdate": day(date),
			"o_orderpriority": g.pick("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"), "o_clerk": "Clerk#1", "o_shippriority": 0, "o_comment": g.words()}}
	})
	g.table("lineitem", len(items), func(i int) []map[string]any { return items[i : i+1] })
}
