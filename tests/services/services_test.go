package services

import (
	"net"
	"testing"
	"time"
)

// TestRealServersAnswer opens a connection to each server that was asked for.
func TestRealServersAnswer(t *testing.T) {
	for _, name := range []string{"kafka", "kafka-sasl-plain", "kafka-sasl-scram", "kafka-tls", "mysql", "mariadb", "postgres"} {
		t.Run(name, func(t *testing.T) {
			c, err := net.DialTimeout("tcp", Need(t, name), 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
	}
}
