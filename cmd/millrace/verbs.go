package main

import "github.com/spf13/cobra"

// verbs are the subcommands, in the order help lists them: a file each. The flags
// are those of the root command, which every verb has.
var verbs = []func(*flags) *cobra.Command{
	shellVerb,
	runVerb,
	copyVerb,
	inferVerb,
	checkVerb,
	explainVerb,
	testVerb,
	whyVerb,
	jobsVerb,
	stopVerb,
	cancelVerb,
	savepointVerb,
	stateVerb,
	checkpointVerb,
	diffVerb,
	simulateVerb,
	fmtVerb,
	functionsVerb,
	versionVerb,
}
