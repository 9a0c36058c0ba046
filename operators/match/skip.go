package match

import (
	"fmt"

	"github.com/millrace/millrace/sqlerr"
)

// resume is the number of the first row at which matches and partial matches live
// on after a match, which starts at start.
func (s *Spec) resume(start int64, counts []int32) (int64, error) {
	at := start
	switch s.Skip {
	case ToNextRow:
		return start + 1, nil
	case PastLastRow:
		for _, c := range counts {
			at += int64(c)
		}
		return at, nil
	}
	name := s.Vars[s.SkipVar].Name
	for _, c := range counts[:s.SkipVar] {
		at += int64(c)
	}
	n := int64(counts[s.SkipVar])
	if n == 0 {
		return 0, sqlerr.New(sqlerr.Runtime, s.At, "Could not skip to %s: a match has no row of it (%s)", name, s.describe(counts)).
			WithHint("skip to a variable that every match has, or AFTER MATCH SKIP TO NEXT ROW")
	}
	if s.Skip == ToLast {
		at += n - 1
	}
	if at == start {
		return 0, sqlerr.New(sqlerr.Runtime, s.At, "Could not skip to first element of a match: AFTER MATCH SKIP TO %s would find the same match for ever (%s)", name, s.describe(counts)).
			WithHint("AFTER MATCH SKIP TO NEXT ROW goes on one row later")
	}
	return at, nil
}

func (s *Spec) describe(counts []int32) string {
	out := "rows"
	for i, c := range counts {
		out += fmt.Sprintf(" %s: %d", s.Vars[i].Name, c)
	}
	return out
}
