package file

import (
	"encoding/json"
	"strings"

	"github.com/millrace/millrace/catalog"
)

// statistics is the line of a table's file that holds what ANALYZE TABLE has counted:
// a comment, which no statement reads.
const statistics = "\n-- statistics: "

func withStatistics(text string, s *catalog.Statistics) string {
	if s == nil {
		return text
	}
	line, err := json.Marshal(s)
	if err != nil {
		return text // numbers and names can be written
	}
	return strings.TrimRight(text, "\n") + statistics + string(line) + "\n"
}

// readStatistics finds the line, nil when there is none or somebody has edited it
// beyond recognition: it's only of use for speed.
func readStatistics(text string) *catalog.Statistics {
	at := strings.LastIndex(text, statistics)
	if at < 0 {
		return nil
	}
	line, _, _ := strings.Cut(text[at+len(statistics):], "\n")
	s := &catalog.Statistics{}
	if json.Unmarshal([]byte(line), s) != nil {
		return nil
	}
	return s
}
