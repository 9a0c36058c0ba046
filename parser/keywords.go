package parser

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/parser/ast"
)

// plainWords are words of the grammar that may also be names.
const plainWords = `
ADD AFTER ANALYZE ARTIFACT ASC BUCKET CASCADE CATALOG CHANGELOG_MODE CLEAR COLUMNS COMPILE COMPUTE
CONFLICT CONNECTION CONSTRAINTS CONTINUE CURRENT DATA DATABASE DAYS DEDUPLICATE DESC DESCRIPTOR DO
DRAIN ENFORCED ERROR ESTIMATED_COST EXCLUDING EXIT EXTENDED FINAL FIRST FOLLOWING GENERATED HELP
HOURS IF IGNORE INCLUDING INPUT JAR JARS JAVA JOB JOBS JSON JSON_EXECUTION_PLAN KEY LAST LOAD
METADATA MINUTES MODEL MODIFY MONTHS NOTHING NULLS OPTION OPTIONS ORDINALITY OUTPUT OVERWRITE
OVERWRITING PARTITIONED PARTITIONS PAST PLACING PLAN PLAN_ADVICE PRECEDING PYTHON QUIT REMOVE
REPEATABLE REPLACE RESPECT RESTRICT SECONDS SEMI SETS STATISTICS STOP TEMPORARY TIES TYPE UNBOUNDED
UNLOAD VIEW VIRTUAL WATERMARKS WEEK WORK WRAPPER YEARS ZONE`

// callable says whether a reserved word is a function where a parenthesis follows.
func callable(word string) bool { return ast.Callable(word) }

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Reserved says whether word, in any case, must be back-ticked as a name.
func Reserved(word string) bool { return ast.Reserved(word) }

// Keywords is every word of the grammar in upper case, sorted, for completion.
func Keywords() []string {
	words := append(strings.Fields(ast.ReservedWords), strings.Fields(plainWords)...)
	slices.Sort(words)
	return slices.Compact(words)
}
