// Package services tells tests where the real servers are that scripts/services
// started. `make test-services` starts them and runs the tests whose names begin
// with TestReal; anywhere else these are skipped.
package services

import (
	"encoding/json"
	"os"
	"testing"
)

// Env holds the addresses: the JSON object that `scripts/services up` prints.
const Env = "MILLRACE_TEST_SERVICES"

// Need is the address of a server, such as "127.0.0.1:39092" for "kafka". Without
// one the test is skipped and says what is missing.
func Need(t testing.TB, name string) string {
	t.Helper()
	text := os.Getenv(Env)
	if text == "" {
		t.Skipf("needs a real %s: run make test-services", name)
	}
	var at map[string]string
	if err := json.Unmarshal([]byte(text), &at); err != nil {
		t.Fatalf("%s: %v", Env, err)
	}
	if at[name] == "" {
		t.Skipf("NOT TESTED: scripts/services could not start %s", name)
	}
	return at[name]
}

// Address is a server's address, "" when it isn't there.
func Address(name string) string {
	var at map[string]string
	_ = json.Unmarshal([]byte(os.Getenv(Env)), &at)
	return at[name]
}
