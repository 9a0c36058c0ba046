package infer

import (
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"kinds", `{"i": 1, "d": 1.5, "b": true, "s": "x", "day": "2024-01-31", "at": "2024-01-31 10:00:00", "n": null}`,
			"json i BIGINT, d DOUBLE, b BOOLEAN, s STRING, day DATE, at TIMESTAMP(0), n STRING"},
		{"the most general wins, and lines may lack fields", "{\"a\": 1}\n\n{\"a\": 2.5, \"b\": \"2024-01-31\"}\n{\"b\": \"soon\", \"c\": 7}", "json a DOUBLE, b STRING, c BIGINT"},
		{"nothing in common is a text", `{"a": [1], "b": {"x": 1}}` + "\n" + `{"a": "x", "b": 3}`, "json a STRING, b STRING"},
		{"nested", `{"r": {"x": 1, "y": {"z": "t"}}, "l": [{"q": true}, {"p": 1}], "e": {}, "none": []}`,
			"json r ROW<`x` BIGINT, `y` ROW<`z` STRING>>, l ARRAY<ROW<`q` BOOLEAN, `p` BIGINT>>, e STRING, none ARRAY<STRING>"},
		{"beyond BIGINT", "{\"a\": 123456789012345678901, \"b\": 9223372036854775807}\n{\"a\": 1, \"b\": -9223372036854775808}", "json a DECIMAL(38, 0), b BIGINT"},
		{"digits behind the second", `{"a": "2024-01-31 10:00:00.1", "b": "2024-01-31 10:00:00.1234", "c": "2024-01-31 10:00:00.123456789"}`, "json a TIMESTAMP(3), b TIMESTAMP(6), c TIMESTAMP(9)"},
		{"ISO 8601", `{"a": "2024-01-31T10:00:00.123Z", "b": "2024-01-31T10:00:00"}`, "json a TIMESTAMP_LTZ(3), b TIMESTAMP(0) json.timestamp-format.standard=ISO-8601"},
		{"two forms of time are texts", `{"a": "2024-01-31T10:00:00Z", "b": "2024-01-31 10:00:00"}`, "json a STRING, b STRING"},
		{"csv with names", "id,name,when\n1,Ann,2024-01-31\n,Bob,2024-02-01", "csv id BIGINT, name STRING, when DATE header"},
		{"csv without", "1;x\n2;y", "csv f0 BIGINT, f1 STRING csv.field-delimiter=;"},
		{"csv, a single line has no names", "a|b", "csv f0 STRING, f1 STRING csv.field-delimiter=|"},
		{"csv, digits that are no numbers", "zip,phone,n,z,m\n01099,+49351,7,0,-0.5\n80331,+4989,8,1,0.5", "csv zip STRING, phone STRING, n BIGINT, z BIGINT, m DOUBLE header"},
		{"no lines", "\n", "error: it holds no line to guess from"},
		{"of another format", "ARROW1\x00\x00\xff", "error: line 1 of the sample isn't text in UTF-8: "},
		{"damaged", "{\"a\": 1}\n{\"a\": ", "error: line 2 of the sample: "},
		{"two objects on a line", `{"a": 1} {"a": 2}`, "error: line 1 of the sample: there is more behind the object"},
		{"csv, uneven", "1,2\n3", "error: the sample as csv: "},
	} {
		var lines [][]byte
		for _, l := range strings.Split(c.lines, "\n") {
			lines = append(lines, []byte(l))
		}
		got := ""
		if x, err := Lines(lines); err != nil {
			got = "error: " + err.Error()
		} else {
			var cols []string
			for _, f := range x.Fields {
				cols = append(cols, f.Name+" "+f.Type.String())
			}
			got = x.Format + " " + strings.Join(cols, ", ")
			for i := 0; i < len(x.Options); i += 2 {
				got += fmt.Sprintf(" %s=%s", x.Options[i], x.Options[i+1])
			}
			if x.Header {
				got += " header"
			}
		}
		if got != c.want && !(strings.HasSuffix(c.want, ": ") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// FuzzLines: any lines give a table or an error.
func FuzzLines(f *testing.F) {
	f.Add("{\"a\": [1, {\"b\": null}]}\n{\"a\": 2}")
	f.Add("a,b\n1,2")
	f.Fuzz(func(t *testing.T, text string) {
		var lines [][]byte
		for _, l := range strings.Split(text, "\n") {
			lines = append(lines, []byte(l))
		}
		if x, err := Lines(lines); err == nil && x.Format == "" {
			t.Error("no format")
		}
	})
}
